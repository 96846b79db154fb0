/// What the cuda* functions return.
#pragma once

#include "cudasim/qualifiers.h"

enum cudaError {
#define CUDA(name, number, words) name = number,
#include "cudasim/errors.def"
#undef CUDA
};
typedef cudaError cudaError_t;

/// "cudaErrorMemoryAllocation"; "unrecognized error code" for other numbers.
const char* cudaGetErrorName(cudaError_t error);

/// CUDA's words: "out of memory".
const char* cudaGetErrorString(cudaError_t error);

/// The last error that a call returned on this thread, cudaSuccess where there was none; Get forgets it, Peek
/// does not.
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

namespace cudasim {

/// Every cuda* function returns through this, so that cudaGetLastError knows.
cudaError_t returned(cudaError_t error);

}  // namespace cudasim
