#include "cudasim/errors.h"

#include <utility>

namespace {

thread_local cudaError_t last = cudaSuccess;

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define CUDA(name, number, words) \
  case name:                      \
    return #name;
#include "cudasim/errors.def"
#undef CUDA
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define CUDA(name, number, words) \
  case name:                      \
    return words;
#include "cudasim/errors.def"
#undef CUDA
  }
  return "unrecognized error code";
}

cudaError_t cudaGetLastError() { return std::exchange(last, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last; }

namespace cudasim {

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last = error;
  return error;
}

}  // namespace cudasim
