/// The CUDA backend of needle: flat arrays of float32 in a GPU's memory, and the kernels that NDArray is
/// built from. It computes what ndarray_backend_cpu.cc computes, with the same layouts: there is said what a
/// view is, and what "compact" means.
///
/// A function here runs on the CPU. It launches a kernel, which runs on the GPU in many threads at once:
///
///     FillKernel<<<blocks, threads>>>(out->ptr, val, out->size);   // starts blocks * threads threads
///     CheckLaunch(__func__, out->size);
///
/// and returns before the kernel has run. Kernels run one after the other in the order of their launches, and
/// CopyToHost waits for them, so that nobody else has to.
///
/// In this order: errors, arrays, launches, views, elementwise kernels, the matrix product, reductions.
/// Without a GPU, `--device cuda-sim` of the grader runs this file on the CPU; `--check memory` and `--check
/// race` then find what a GPU hides.

#include <cuda_runtime.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "ndarray_backend_cuda.h"

namespace needle {
namespace cuda {

// ---------------------------------------------------------------------------------------------------------------
// Errors. (Given.) A GPU says nothing by itself: a launch that fails computes nothing, and a kernel that is
// cut off leaves numbers half done. So the outcome of every call is looked at.
// ---------------------------------------------------------------------------------------------------------------

/// What CUDA says about an error: "out of memory (cudaErrorMemoryAllocation)".
std::string Words(cudaError_t error) {
  return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

/// Raises RuntimeError unless the call succeeded. `size` is what it was asked for, in `unit`, if anything.
void Check(cudaError_t error, const char* call, size_t size = 0, const char* unit = nullptr) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();  // CUDA keeps it, and the next launch would be blamed
  std::string words = call + (unit != nullptr ? " of " + std::to_string(size) + " " + unit : "");
  words += ": " + Words(error);
  // What a kernel did wrong while it ran stays for good: this call may be innocent, and all later ones fail.
  if (cudaDeviceSynchronize() != cudaSuccess) {
    words +=
        "; a kernel went wrong while it ran, maybe one before this call, and this process has lost the GPU. "
        "With CUDA_LAUNCH_BLOCKING=1 in the environment the kernel's own launch says so";
  }
  throw std::runtime_error(words);
}

/// To be called after each launch, with the function's name and the number of elements that it works on.
/// Finds a launch that CUDA refused. What a kernel does wrong while it runs is found by a later call, at the
/// latest by CopyToHost; with the environment variable CUDA_LAUNCH_BLOCKING=1 every launch waits for its
/// kernel, and so finds it at once.
void CheckLaunch(const char* function, size_t size) {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return;
  Check(error, (std::string(function) + ": launch for an array").c_str(), size, "elements");
}

std::string WhyNoDevice() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return "";
  (void)cudaGetLastError();
  return "no CUDA device: " + (error == cudaSuccess ? "there is none" : Words(error)) +
         "; nvidia-smi shows whether the driver is there and sees a GPU";
}

// ---------------------------------------------------------------------------------------------------------------
// Arrays. (Given.)
// ---------------------------------------------------------------------------------------------------------------

/// Whether the device has memory pools, which hand freed memory out again without asking the driver: 1 us for
/// cudaMalloc's 100, and cudaFree would also wait for all kernels. Makes the pool keep all that it ever had.
bool SetUpPool() {
  int device = 0, has_pools = 0;
  Check(cudaGetDevice(&device), "cudaGetDevice");
  Check(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, device),
        "cudaDeviceGetAttribute");
  if (has_pools == 0) return false;
  cudaMemPool_t pool;
  Check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
  uint64_t keep = std::numeric_limits<uint64_t>::max();
  Check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
  return true;
}

bool HasPool() {
  static const bool has_pool = SetUpPool();  // asked once
  return has_pool;
}

CudaArray::CudaArray(size_t count) : size(count) {
  if (size == 0) return;
  cudaError_t error = cudaErrorMemoryAllocation;
  // For a larger size the product would wrap around, and the memory be too small.
  if (size <= std::numeric_limits<size_t>::max() / ELEM_SIZE) {
    const size_t bytes = size * ELEM_SIZE;
    error = HasPool() ? cudaMallocAsync(&ptr, bytes, nullptr) : cudaMalloc(&ptr, bytes);
  }
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    throw AllocationFailure("Array: cannot allocate " + std::to_string(size) + " elements of " +
                            std::to_string(ELEM_SIZE) + " bytes each on the GPU: " + Words(error));
  }
  Check(error, "Array: allocation", size, "elements");
}

CudaArray::~CudaArray() {
  if (ptr == nullptr) return;
  // A destructor cannot throw. What can fail here is that a kernel before went wrong, which the next checked
  // call says, or that the program is at its end and CUDA is gone already.
  (void)(HasPool() ? cudaFreeAsync(ptr, nullptr) : cudaFree(ptr));
}

/// `host` holds as many floats as `out`, which becomes a copy of them.
void CopyFromHost(const scalar_t* host, CudaArray* out) {
  if (out->size == 0) return;
  const size_t bytes = out->size * ELEM_SIZE;
  Check(cudaMemcpy(out->ptr, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy to the GPU", bytes, "bytes");
}

/// host[i] = a[first + i] for i < count. Waits until every kernel that was launched before is done.
void CopyToHost(const CudaArray& a, size_t first, size_t count, scalar_t* host) {
  if (count == 0) return;
  const size_t bytes = count * ELEM_SIZE;
  Check(cudaMemcpy(host, a.ptr + first, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy from the GPU", bytes,
        "bytes");
}

// ---------------------------------------------------------------------------------------------------------------
// Launches. (Given.)
// ---------------------------------------------------------------------------------------------------------------

constexpr unsigned THREADS = 256;          // of a block; a multiple of 32, and at most 1024
constexpr unsigned MOST_BLOCKS = 1 << 14;  // far more than any GPU runs at once (an H200 1056 of THREADS)

size_t CeilDiv(size_t x, size_t y) { return (x + y - 1) / y; }

/// How many blocks of THREADS threads give each of `size` elements a thread; but at most MOST_BLOCKS, since
/// to start a block takes longer than to add 256 numbers. So above 4 million elements a thread has more than
/// one: a kernel that takes one and returns leaves the rest of out as it was. See FillKernel.
unsigned Blocks(size_t size) {
  return static_cast<unsigned>(std::min<size_t>(CeilDiv(size, THREADS), MOST_BLOCKS));
}

/// The number of this thread among all threads of the launch; and how many there are. In 64 bits: an array
/// can have more than 2^32 elements.
__device__ size_t ThreadNumber() { return static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ size_t ThreadCount() { return static_cast<size_t>(gridDim.x) * blockDim.x; }

/// Neighbouring threads take neighbouring elements, which memory moves together. Where there are more
/// elements than threads, each thread goes on with the one that is ThreadCount() further.
__global__ void FillKernel(scalar_t* out, scalar_t val, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[i] = val;
}

/// out is (size,): every element becomes val. (Given.) A launch of 0 blocks would be an error.
void Fill(CudaArray* out, scalar_t val) {
  if (out->size == 0) return;
  FillKernel<<<Blocks(out->size), THREADS>>>(out->ptr, val, out->size);
  CheckLaunch(__func__, out->size);
}

// ---------------------------------------------------------------------------------------------------------------
// The functions of the backend. The bindings check sizes and bounds before, so that a function only computes.
// out never is an input too in Compact, EwiseSetitem, Matmul and the reductions; an elementwise function may
// be given one array twice. Any array may be empty, or have more elements than a launch has threads.
// ---------------------------------------------------------------------------------------------------------------

// A function that only throws uses none of its parameters.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

constexpr int MAX_AXES = 8;

/// The axes of a view, outermost first. A kernel cannot read a std::vector, whose numbers are in the CPU's
/// memory; a struct like this one is handed over with the launch. (Given.)
struct Axes {
  int count;                 // 0 to MAX_AXES
  int64_t length[MAX_AXES];  // the first `count` of them
  int64_t stride[MAX_AXES];  // signed: a step along an axis may lead backwards
};

/// Raises ValueError where there are more than MAX_AXES axes. (Given.)
Axes PassAxes(const char* function, const std::vector<int32_t>& shape, const std::vector<int32_t>& strides) {
  if (shape.size() > MAX_AXES) {
    throw std::invalid_argument(std::string(function) + ": a view of " + std::to_string(shape.size()) +
                                " axes; the CUDA backend takes at most " + std::to_string(MAX_AXES));
  }
  Axes axes{static_cast<int>(shape.size()), {}, {}};
  std::copy(shape.begin(), shape.end(), axes.length);
  std::copy(strides.begin(), strides.end(), axes.stride);
  return axes;
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out is compact, of shape `shape`; shape, strides and offset make a view of a: out receives the elements of
/// the view in row-major order. There are at most MAX_AXES axes, maybe none (then it is the one element at
/// offset), and an axis may be empty.
///
/// Example: a = [1 2 3 4 5 6], shape (3, 2), strides (1, 3), offset 0, the transpose of a (2, 3) array, gives
/// out = [1 4 2 5 3 6]. With shape (6,), strides (-1,), offset 5 it is [6 5 4 3 2 1].
///
/// Give each element of out a thread, which computes where the element comes from: element i has the index
/// i % length along the innermost axis, and i / length counts on along the others. Pass the axes by value
/// (PassAxes), and compute positions in int64_t.
void Compact(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
             const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// a is compact, of shape `shape`; shape, strides and offset make a view of out: the view receives the
/// elements of a, and the rest of out stays as it is.
///
/// Example: out = [0 0 0 0 0 0], shape (2, 1), strides (3, 1), offset 1, column 1 of a (2, 3) array, and
/// a = [7 8] give out = [0 7 0 0 8 0].
///
/// Compact the other way round: a thread for each element of a, which computes where the element goes to.
void EwiseSetitem(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
                  const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// shape, strides and offset make a view of out, which has `size` elements: each of them becomes val.
///
/// Example: out = [0 0 0 0 0 0], shape (2, 1), strides (3, 1), offset 1 and val = 9 give out = [0 9 0 0 9 0].
void ScalarSetitem(size_t size, scalar_t val, CudaArray* out, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

// Elementwise functions: a, b and out are (size,), val is one number. The first three are given as examples.

__global__ void EwiseAddKernel(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[i] = a[i] + b[i];
}

/// out[i] = a[i] + b[i]. (Given.)
void EwiseAdd(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  if (out->size == 0) return;
  EwiseAddKernel<<<Blocks(out->size), THREADS>>>(a.ptr, b.ptr, out->ptr, out->size);
  CheckLaunch(__func__, out->size);
}

__global__ void ScalarAddKernel(const scalar_t* a, scalar_t val, scalar_t* out, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[i] = a[i] + val;
}

/// out[i] = a[i] + val. (Given.)
void ScalarAdd(const CudaArray& a, scalar_t val, CudaArray* out) {
  if (out->size == 0) return;
  ScalarAddKernel<<<Blocks(out->size), THREADS>>>(a.ptr, val, out->ptr, out->size);
  CheckLaunch(__func__, out->size);
}

__global__ void EwisePowerKernel(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[i] = powf(a[i], b[i]);
}

/// out[i] = a[i] to the power b[i]. (Given. Not every backend has this one; the op EWisePow asks.)
void EwisePower(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  if (out->size == 0) return;
  EwisePowerKernel<<<Blocks(out->size), THREADS>>>(a.ptr, b.ptr, out->ptr, out->size);
  CheckLaunch(__func__, out->size);
}

// The other fourteen differ from these in one expression each. A kernel can be a template: over a struct,
// say, that computes the expression.

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out[i] = a[i] * b[i]: [1 2] and [3 4] give [3 8].
void EwiseMul(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] * val: [1 2] and 3 give [3 6].
void ScalarMul(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / b[i]: [3 8] and [2 4] give [1.5 2]. Division by zero gives inf or NaN, as floats do.
void EwiseDiv(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / val: [3 8] and 2 give [1.5 4].
void ScalarDiv(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] to the power val: [1 2 3] and 2 give [1 4 9]; any number to the power 0 is 1. See powf.
void ScalarPower(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the larger of a[i] and b[i]: [1 5] and [3 4] give [3 5]. NaN where either is NaN, as in NumPy;
/// CUDA's fmaxf would give the other one.
void EwiseMaximum(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the larger of a[i] and val: [-1 5] and 0 give [0 5]. NaN where either is NaN, as in NumPy.
void ScalarMaximum(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals b[i], else 0: [1 2] and [1 3] give [1 0].
void EwiseEq(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals val, else 0: [1 2] and 2 give [0 1].
void ScalarEq(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= b[i], else 0: [1 2 3] and [2 2 2] give [0 1 1].
void EwiseGe(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= val, else 0: [1 2 3] and 2 give [0 1 1].
void ScalarGe(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the natural logarithm of a[i]: [1 e] gives [0 1]; log 0 is -inf, of a negative number NaN.
void EwiseLog(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = e to the power a[i]: [0 1] gives [1 e].
void EwiseExp(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the hyperbolic tangent of a[i]: [0 1000] gives [0 1].
void EwiseTanh(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out is (m, p), a is (m, n), b is (n, p), all compact: out = a @ b. Each of m, n, p may be 0; without a sum
/// (n = 0) out is zeros.
///
/// Example: [1 2; 3 4] @ [5 6; 7 8] = [19 22; 43 50]. At first out holds arbitrary numbers.
///
/// Begin with a thread for each element of out: out[i * p + j] is the sum of a[i * n + k] * b[k * p + j] over
/// all k < n. Then let a block bring a tile of a and one of b to __shared__ memory, where all of its threads
/// use them, and let a thread compute several elements: then it multiplies more often than it reads. No size
/// need be a multiple of a tile's. Every thread of a block has to reach every __syncthreads(), those beyond
/// the edge too.
void Matmul(const CudaArray& a, const CudaArray& b, CudaArray* out, size_t m, size_t n, size_t p) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out is (size,), a is (size, reduce_size), both compact: out[i] = the largest element of row i of a.
///
/// Example: a = [1 5 2  7 0 3] with reduce_size 3 gives [5 7]. A row with a NaN gives NaN, as in NumPy. No
/// row is empty, but all of its numbers may be negative.
///
/// Begin with a thread for each row. That is slow where there are few long rows: then let the threads of a
/// warp share one, and put their results together with __shfl_down_sync.
void ReduceMax(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out is (size,), a is (size, reduce_size), both compact: out[i] = the sum of row i of a.
///
/// Example: a = [1 5 2  7 0 3] with reduce_size 3 gives [8 10]; with reduce_size 0 every sum is 0.
/// A float to which a million floats are added one by one loses about two digits: add up in a double, or add
/// up parts of a row and then those.
void ReduceSum(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

#pragma GCC diagnostic pop

}  // namespace cuda
}  // namespace needle
