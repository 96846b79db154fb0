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

/// The same elements in the same order, the axes innermost first and as few as possible, one at least: an
/// axis of length 1 is dropped, and an axis is joined with the one inside it if a step along it is a full
/// walk along that. A compact (2, 3, 4) becomes one axis of 24 elements.
Axes MergeAxes(const Axes& axes) {
  Axes merged{};
  for (int k = axes.count; k-- > 0;) {
    const int last = merged.count - 1;
    if (axes.length[k] == 1) continue;
    if (last >= 0 && axes.stride[k] == merged.length[last] * merged.stride[last]) {
      merged.length[last] *= axes.length[k];
    } else {
      merged.length[merged.count] = axes.length[k];
      merged.stride[merged.count++] = axes.stride[k];
    }
  }
  if (merged.count == 0) {
    merged.count = 1;
    merged.length[0] = merged.stride[0] = 1;
  }
  return merged;
}

/// Division by a number that is known before the launch. A GPU has no instruction for it: n / d takes about
/// 20 of them in 32 bits, and 70 in 64. Multiplying by a reciprocal takes 3. Granlund and Montgomery,
/// "Division by invariant integers using multiplication", 1994, figure 4.1: with 2^(shift - 1) < d <= 2^shift
/// it is exact for every n below 2^31, and so is the sum below.
template <typename Index>
struct Divider;

template <>
struct Divider<uint32_t> {
  uint32_t divisor = 1, multiplier = 1, shift = 0;

  Divider() = default;
  explicit Divider(int64_t d) : divisor(static_cast<uint32_t>(d)) {
    while ((int64_t{1} << shift) < d) shift++;
    multiplier = static_cast<uint32_t>((((uint64_t{1} << shift) - divisor) << 32) / divisor + 1);
  }
  __device__ uint32_t Quotient(uint32_t n) const {
    return (static_cast<uint32_t>((static_cast<uint64_t>(n) * multiplier) >> 32) + n) >> shift;
  }
  __device__ uint32_t Remainder(uint32_t n) const { return n - Quotient(n) * divisor; }
};

template <>
struct Divider<uint64_t> {  // of views so large that one element more or less a second is no matter
  uint64_t divisor = 1;

  Divider() = default;
  explicit Divider(int64_t d) : divisor(static_cast<uint64_t>(d)) {}
  __device__ uint64_t Quotient(uint64_t n) const { return n / divisor; }
};

/// Where the elements of a view are. Index counts them: 32 bits below 2^31 elements, else 64.
template <typename Index>
struct Positions {
  int count;  // of axes, 1 at least; innermost first
  Divider<Index> length[MAX_AXES];
  int64_t stride[MAX_AXES];

  explicit Positions(const Axes& merged) : count(merged.count) {
    for (int k = 0; k < count; k++) {
      length[k] = Divider<Index>(merged.length[k]);
      stride[k] = merged.stride[k];
    }
  }
  /// Of element i in row-major order, from the view's offset.
  __device__ int64_t operator()(Index i) const {
    int64_t position = 0;
    for (int k = 0; k < count - 1; k++) {
      const Index outer = length[k].Quotient(i);
      position += static_cast<int64_t>(i - outer * length[k].divisor) * stride[k];
      i = outer;
    }
    return position + static_cast<int64_t>(i) * stride[count - 1];
  }
};

bool FitsInt(size_t size) { return size <= INT_MAX; }

/// The smaller of both.
__device__ int AtMost(int limit, size_t x) {
  return x < static_cast<size_t>(limit) ? static_cast<int>(x) : limit;
}

/// Whether a view falls into pieces of four elements side by side, each at a multiple of 16 bytes. Then a
/// thread moves four with one instruction, and computes one position for them.
bool InFours(const Axes& merged, size_t offset) {
  if (merged.stride[0] != 1 || merged.length[0] % 4 != 0 || offset % 4 != 0) return false;
  return std::all_of(merged.stride + 1, merged.stride + merged.count,
                     [](int64_t step) { return step % 4 == 0; });
}

/// The same view with four floats as one element.
Axes Fours(Axes merged) {
  merged.length[0] /= 4;
  for (int k = 1; k < merged.count; k++) merged.stride[k] /= 4;
  return merged;
}

/// Element i of an array that is no view is at i.
struct InOrder {
  __device__ size_t operator()(size_t i) const { return i; }
};

/// Copies `size` elements: number i from a[from(i)] to out[to(i)]. The naive form is
///
///     for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[to(i)] = a[from(i)];
///
/// but then a thread waits for one element, some 1000 clock cycles long, before it asks for the next. Here it
/// asks for 16 bytes at once: memory comes to its full speed only when much is on its way.
template <typename T, typename From, typename To>
__global__ void CopyKernel(const T* a, From from, T* out, To to, size_t size) {
  constexpr int AT_ONCE = 16 / sizeof(T);
  const size_t apart = ThreadCount();
  for (size_t first = ThreadNumber(); first < size; first += AT_ONCE * apart) {
    T element[AT_ONCE];
#pragma unroll
    for (int k = 0; k < AT_ONCE; k++) {
      if (first + k * apart < size) element[k] = a[from(first + k * apart)];
    }
#pragma unroll
    for (int k = 0; k < AT_ONCE; k++) {
      if (first + k * apart < size) out[to(first + k * apart)] = element[k];
    }
  }
}

/// Copies the elements of a view, which begins at a, to out in row-major order.
template <typename T>
void CopyFromView(const T* a, T* out, const Axes& merged, size_t size) {
  const unsigned blocks = Blocks(CeilDiv(size * sizeof(T), 16));
  if (FitsInt(size)) {
    CopyKernel<<<blocks, THREADS>>>(a, Positions<uint32_t>(merged), out, InOrder(), size);
  } else {
    CopyKernel<<<blocks, THREADS>>>(a, Positions<uint64_t>(merged), out, InOrder(), size);
  }
  CheckLaunch("Compact", size);
}

/// A view whose elements lie side by side along another axis than the innermost: a transposed matrix, or
/// many. It is copied in squares of SIDE by SIDE: read along the one axis, written along the other. Element
/// by element either the reads or the writes would fetch 32 bytes for 4.
struct Squares {
  static constexpr int SIDE = 32, ROWS = 8;  // a block of SIDE by ROWS threads goes down a square in 4 steps
  int64_t x_length, x_stride;                // the innermost axis: side by side in out, x_stride apart in a
  int64_t y_length, y_stride, y_out;         // the axis with y_stride = 1 or -1 in a, and y_out in out
  Positions<uint32_t> a, out;                // where each square begins
};

/// A square a block: no array that fits in memory has more squares than a grid can have blocks.
__global__ void CompactSquaresKernel(const scalar_t* a, scalar_t* out, Squares squares) {
  constexpr int SIDE = Squares::SIDE;
  __shared__ scalar_t square[SIDE][SIDE + 1];  // + 1: a column then lies in 32 banks, not in one
  const Divider<uint32_t>&x_squares = squares.a.length[0], &y_squares = squares.a.length[1];
  const int64_t x = static_cast<int64_t>(x_squares.Remainder(blockIdx.x)) * SIDE;
  const int64_t y = static_cast<int64_t>(y_squares.Remainder(x_squares.Quotient(blockIdx.x))) * SIDE;
  const int x_count = AtMost(SIDE, squares.x_length - x), y_count = AtMost(SIDE, squares.y_length - y);
  const int column = threadIdx.x, first_row = threadIdx.y;
  const scalar_t* from = a + squares.a(blockIdx.x) + first_row * squares.x_stride + column * squares.y_stride;
#pragma unroll
  for (int down = 0; down < SIDE; down += Squares::ROWS) {
    if (first_row + down < x_count && column < y_count) square[first_row + down][column] = *from;
    from += Squares::ROWS * squares.x_stride;
  }
  __syncthreads();
  scalar_t* to = out + squares.out(blockIdx.x) + first_row * squares.y_out + column;
#pragma unroll
  for (int down = 0; down < SIDE; down += Squares::ROWS) {
    if (first_row + down < y_count && column < x_count) *to = square[column][first_row + down];
    to += Squares::ROWS * squares.y_out;
  }
}

/// The axis along which neighbours are neighbours in memory, if squares pay; else 0.
int AxisToTranspose(const Axes& merged) {
  constexpr int64_t SHORTEST = 8;  // of narrower squares most threads would idle
  // The threads of a warp then read side by side, or one number for all.
  if (std::abs(merged.stride[0]) <= 1) return 0;
  for (int k = 1; k < merged.count; k++) {
    if (std::abs(merged.stride[k]) == 1 && merged.length[k] >= SHORTEST && merged.length[0] >= SHORTEST)
      return k;
  }
  return 0;
}

void CompactBySquares(const scalar_t* a, scalar_t* out, const Axes& merged, int y, size_t size) {
  constexpr int64_t SIDE = Squares::SIDE;
  Axes in = merged, to = merged;
  for (int64_t k = 0, step = 1; k < merged.count; step *= merged.length[k++]) to.stride[k] = step;
  const int64_t y_out = to.stride[y];
  // Axis 0 counts squares along x and axis 1 along y; the others choose the matrix.
  for (Axes* axes : {&in, &to}) {
    std::rotate(axes->length + 1, axes->length + y, axes->length + y + 1);
    std::rotate(axes->stride + 1, axes->stride + y, axes->stride + y + 1);
    for (int k = 0; k < 2; k++) {
      axes->length[k] = (axes->length[k] + SIDE - 1) / SIDE;
      axes->stride[k] *= SIDE;
    }
  }
  int64_t count = 1;
  for (int k = 0; k < in.count; k++) count *= in.length[k];
  Squares squares{merged.length[0],        merged.stride[0],       merged.length[y], merged.stride[y], y_out,
                  Positions<uint32_t>(in), Positions<uint32_t>(to)};
  const dim3 threads(SIDE, Squares::ROWS);
  CompactSquaresKernel<<<static_cast<unsigned>(count), threads>>>(a, out, squares);
  CheckLaunch("Compact", size);
}

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
  const Axes axes = PassAxes(__func__, shape, strides);
  if (out->size == 0) return;
  const Axes merged = MergeAxes(axes);
  const scalar_t* from = a.ptr + offset;
  if (const int y = AxisToTranspose(merged); y > 0) {
    CompactBySquares(from, out->ptr, merged, y, out->size);
  } else if (InFours(merged, offset)) {
    const float4* fours = reinterpret_cast<const float4*>(from);
    CopyFromView(fours, reinterpret_cast<float4*>(out->ptr), Fours(merged), out->size / 4);
  } else {
    CopyFromView(from, out->ptr, merged, out->size);
  }
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION

/// Copies a to the elements of a view, which begins at out, in row-major order.
template <typename T>
void CopyToView(const T* a, T* out, const Axes& merged, size_t size) {
  const unsigned blocks = Blocks(CeilDiv(size * sizeof(T), 16));
  if (FitsInt(size)) {
    CopyKernel<<<blocks, THREADS>>>(a, InOrder(), out, Positions<uint32_t>(merged), size);
  } else {
    CopyKernel<<<blocks, THREADS>>>(a, InOrder(), out, Positions<uint64_t>(merged), size);
  }
  CheckLaunch("EwiseSetitem", size);
}

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
  const Axes axes = PassAxes(__func__, shape, strides);
  if (a.size == 0) return;
  const Axes merged = MergeAxes(axes);
  scalar_t* to = out->ptr + offset;
  if (InFours(merged, offset)) {
    const float4* fours = reinterpret_cast<const float4*>(a.ptr);
    CopyToView(fours, reinterpret_cast<float4*>(to), Fours(merged), a.size / 4);
  } else {
    CopyToView(a.ptr, to, merged, a.size);
  }
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION

/// out is the first element of a view with `size` elements.
template <typename Index>
__global__ void ScalarSetitemKernel(scalar_t val, scalar_t* out, Positions<Index> position, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) out[position(static_cast<Index>(i))] = val;
}

/// END YOUR SOLUTION

/// shape, strides and offset make a view of out, which has `size` elements: each of them becomes val.
///
/// Example: out = [0 0 0 0 0 0], shape (2, 1), strides (3, 1), offset 1 and val = 9 give out = [0 9 0 0 9 0].
void ScalarSetitem(size_t size, scalar_t val, CudaArray* out, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  const Axes axes = PassAxes(__func__, shape, strides);
  if (size == 0) return;
  const Axes merged = MergeAxes(axes);
  if (FitsInt(size)) {
    ScalarSetitemKernel<<<Blocks(size), THREADS>>>(val, out->ptr + offset, Positions<uint32_t>(merged), size);
  } else {
    ScalarSetitemKernel<<<Blocks(size), THREADS>>>(val, out->ptr + offset, Positions<uint64_t>(merged), size);
  }
  CheckLaunch(__func__, size);
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

// What is computed of one element of each input.
struct Mul {
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return x * y; }
};
struct Div {
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return x / y; }
};
struct Power {
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return powf(x, y); }
};
struct Maximum {  // NaN if either is NaN; fmaxf would drop it
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return x >= y || isnan(x) ? x : y; }
};
struct Eq {
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return x == y ? 1.0f : 0.0f; }
};
struct Ge {
  __device__ scalar_t operator()(scalar_t x, scalar_t y) const { return x >= y ? 1.0f : 0.0f; }
};
struct Log {
  __device__ scalar_t operator()(scalar_t x, scalar_t) const { return logf(x); }
};
struct Exp {
  __device__ scalar_t operator()(scalar_t x, scalar_t) const { return expf(x); }
};
struct Tanh {
  __device__ scalar_t operator()(scalar_t x, scalar_t) const { return tanhf(x); }
};

/// Element by element this is EwiseAddKernel with op for the sum. It moves four elements with one
/// instruction, since the more bytes are on their way at once, the nearer memory comes to its full speed.
/// Arrays begin at multiples of 256 bytes, so that each four lies at a multiple of 16.
template <typename Op>
__global__ void EwiseKernel(Op op, const scalar_t* a, const scalar_t* b, scalar_t* out, size_t size) {
  const size_t fours = size / 4;
  for (size_t i = ThreadNumber(); i < fours; i += ThreadCount()) {
    const float4 x = reinterpret_cast<const float4*>(a)[i], y = reinterpret_cast<const float4*>(b)[i];
    reinterpret_cast<float4*>(out)[i] = make_float4(op(x.x, y.x), op(x.y, y.y), op(x.z, y.z), op(x.w, y.w));
  }
  const size_t rest = fours * 4 + ThreadNumber();  // up to three
  if (rest < size) out[rest] = op(a[rest], b[rest]);
}

/// The same with one number instead of b.
template <typename Op>
__global__ void ScalarKernel(Op op, const scalar_t* a, scalar_t val, scalar_t* out, size_t size) {
  const size_t fours = size / 4;
  for (size_t i = ThreadNumber(); i < fours; i += ThreadCount()) {
    const float4 x = reinterpret_cast<const float4*>(a)[i];
    reinterpret_cast<float4*>(out)[i] = make_float4(op(x.x, val), op(x.y, val), op(x.z, val), op(x.w, val));
  }
  const size_t rest = fours * 4 + ThreadNumber();
  if (rest < size) out[rest] = op(a[rest], val);
}

template <typename Op>
void Ewise(const char* function, Op op, const CudaArray& a, const CudaArray& b, CudaArray* out) {
  if (out->size == 0) return;
  EwiseKernel<<<Blocks((out->size + 3) / 4), THREADS>>>(op, a.ptr, b.ptr, out->ptr, out->size);
  CheckLaunch(function, out->size);
}

template <typename Op>
void Scalar(const char* function, Op op, const CudaArray& a, scalar_t val, CudaArray* out) {
  if (out->size == 0) return;
  ScalarKernel<<<Blocks((out->size + 3) / 4), THREADS>>>(op, a.ptr, val, out->ptr, out->size);
  CheckLaunch(function, out->size);
}

/// END YOUR SOLUTION

/// out[i] = a[i] * b[i]: [1 2] and [3 4] give [3 8].
void EwiseMul(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Ewise(__func__, Mul(), a, b, out);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] * val: [1 2] and 3 give [3 6].
void ScalarMul(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Mul(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / b[i]: [3 8] and [2 4] give [1.5 2]. Division by zero gives inf or NaN, as floats do.
void EwiseDiv(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Ewise(__func__, Div(), a, b, out);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / val: [3 8] and 2 give [1.5 4].
void ScalarDiv(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Div(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] to the power val: [1 2 3] and 2 give [1 4 9]; any number to the power 0 is 1. See powf.
void ScalarPower(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Power(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = the larger of a[i] and b[i]: [1 5] and [3 4] give [3 5]. NaN where either is NaN, as in NumPy;
/// CUDA's fmaxf would give the other one.
void EwiseMaximum(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Ewise(__func__, Maximum(), a, b, out);
  /// END YOUR SOLUTION
}

/// out[i] = the larger of a[i] and val: [-1 5] and 0 give [0 5]. NaN where either is NaN, as in NumPy.
void ScalarMaximum(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Maximum(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals b[i], else 0: [1 2] and [1 3] give [1 0].
void EwiseEq(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Ewise(__func__, Eq(), a, b, out);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals val, else 0: [1 2] and 2 give [0 1].
void ScalarEq(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Eq(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= b[i], else 0: [1 2 3] and [2 2 2] give [0 1 1].
void EwiseGe(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Ewise(__func__, Ge(), a, b, out);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= val, else 0: [1 2 3] and 2 give [0 1 1].
void ScalarGe(const CudaArray& a, scalar_t val, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Ge(), a, val, out);
  /// END YOUR SOLUTION
}

/// out[i] = the natural logarithm of a[i]: [1 e] gives [0 1]; log 0 is -inf, of a negative number NaN.
void EwiseLog(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Log(), a, 0, out);
  /// END YOUR SOLUTION
}

/// out[i] = e to the power a[i]: [0 1] gives [1 e].
void EwiseExp(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Exp(), a, 0, out);
  /// END YOUR SOLUTION
}

/// out[i] = the hyperbolic tangent of a[i]: [0 1000] gives [0 1].
void EwiseTanh(const CudaArray& a, CudaArray* out) {
  /// BEGIN YOUR SOLUTION
  Scalar(__func__, Tanh(), a, 0, out);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION

/// How many multiprocessors the device has: work in fewer blocks leaves some of them idle.
size_t Multiprocessors() {
  static const int count = [] {
    int device = 0, found = 0;
    Check(cudaGetDevice(&device), "cudaGetDevice");
    Check(cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
    return found;
  }();
  return static_cast<size_t>(count);
}

/// Four elements of a row from `from` on, of which `left` are inside of the matrix (0 or fewer: none); 0 for
/// the others. IN_FOURS: left is a multiple of 4, and `from` is at a multiple of 16 bytes.
template <bool IN_FOURS>
__device__ float4 LoadFour(const scalar_t* from, int left) {
  float4 four = make_float4(0, 0, 0, 0);
  if (IN_FOURS) {
    if (left > 0) four = *reinterpret_cast<const float4*>(from);
  } else {
    if (left > 0) four.x = from[0];
    if (left > 1) four.y = from[1];
    if (left > 2) four.z = from[2];
    if (left > 3) four.w = from[3];
  }
  return four;
}

__device__ void Unpack(const float4& four, scalar_t* to) {
  to[0] = four.x;
  to[1] = four.y;
  to[2] = four.z;
  to[3] = four.w;
}

/// out is (gridDim.y, m, p), a is (m, n), b is (n, p): out[s] = a[:, k0:k1] @ b[k0:k1, :] with k0 = s * span
/// and k1 = min(k0 + span, n), span a multiple of 4 that fits in an int. With gridDim.y = 1 and span >= n it
/// is the product.
///
/// The naive form, a thread for each element of out, reads a and b from memory p and m times:
///
///     for (size_t i = ThreadNumber(); i < m * p; i += ThreadCount()) {
///       scalar_t sum = 0;
///       for (size_t k = 0; k < n; k++) sum += a[i / p * n + k] * b[k * p + i % p];
///       out[i] = sum;
///     }
///
/// Here a block computes TILE by TILE elements. It brings (TILE, DEPTH) of a and (DEPTH, TILE) of b to shared
/// memory, uses them TILE times each, and goes on to the next DEPTH. A thread computes SIDE by SIDE elements
/// in registers: for each k it reads 2 * SIDE numbers from shared memory, and multiplies SIDE * SIDE times.
/// While it does, the next part is already on its way from memory, to the other of two buffers.
template <int TILE, int SIDE, int DEPTH, bool IN_FOURS>
__global__ void __launch_bounds__((TILE / SIDE) * (TILE / SIDE), 2)
    MatmulKernel(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t m, size_t n, size_t p,
                 size_t span) {
  constexpr int ACROSS = TILE / SIDE;              // threads along each side of the tile
  constexpr int COUNT = ACROSS * ACROSS;           // threads
  constexpr int GROUPS = SIDE / 4;                 // a thread computes GROUPS times four rows and columns
  constexpr int LOADS = TILE * DEPTH / 4 / COUNT;  // fours of each matrix that a thread brings
  constexpr int A_APART = COUNT / (DEPTH / 4);     // rows of a from one of them to the next
  constexpr int B_APART = COUNT / (TILE / 4);      // and of b
  static_assert(SIDE % 4 == 0 && ACROSS % 8 == 0, "threads read fours; a warp is 4 by 8 threads");
  static_assert(LOADS * 4 * COUNT == TILE * DEPTH, "every thread brings equally many fours");
  static_assert(COUNT % (DEPTH / 4) == 0 && COUNT % (TILE / 4) == 0,
                "the fours of a thread are in one column");
  static_assert(2 * DEPTH * (2 * TILE + 4) * sizeof(scalar_t) <= 48 * 1024,
                "a block has 48 KB of shared memory");

  // [buffer][k][row / 4] of a, transposed, and [buffer][k][column / 4] of b. The one four more spreads the
  // rows that a warp writes over more banks.
  __shared__ float4 a_part[2][DEPTH][TILE / 4 + 1];
  __shared__ float4 b_part[2][DEPTH][TILE / 4];

  const unsigned tiles = static_cast<unsigned>((p + TILE - 1) / TILE);  // along a row of out
  const size_t first_row = static_cast<size_t>(blockIdx.x / tiles) * TILE;
  const size_t first_column = static_cast<size_t>(blockIdx.x % tiles) * TILE;
  const int rows = AtMost(TILE, m - first_row), columns = AtMost(TILE, p - first_column);  // inside of out
  const size_t k_begin = blockIdx.y * span;
  int left = AtMost(static_cast<int>(span), n - k_begin);  // how many k are not fetched yet
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;

  // What the thread brings: of both matrices the four here and others below it.
  const int a_row = thread / (DEPTH / 4), a_column = thread % (DEPTH / 4) * 4;
  const int b_row = thread / (TILE / 4), b_column = thread % (TILE / 4) * 4;
  const scalar_t* a_from = a + (first_row + a_row) * n + k_begin + a_column;
  const scalar_t* b_from = b + (k_begin + b_row) * p + first_column + b_column;
  float4 a_next[LOADS], b_next[LOADS];
  const auto fetch = [&] {
    const int depth = left < DEPTH ? left : DEPTH;
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      const int of_a = a_row + i * A_APART < rows ? depth - a_column : 0;
      const int of_b = b_row + i * B_APART < depth ? columns - b_column : 0;
      a_next[i] = LoadFour<IN_FOURS>(a_from + i * A_APART * n, of_a);
      b_next[i] = LoadFour<IN_FOURS>(b_from + i * B_APART * p, of_b);
    }
    a_from += DEPTH;
    b_from += DEPTH * p;
    left -= depth;
  };
  const auto store = [&](int buffer) {
#pragma unroll
    for (int i = 0; i < LOADS; i++) {
      scalar_t four[4];
      Unpack(a_next[i], four);
#pragma unroll
      for (int k = 0; k < 4; k++) {
        reinterpret_cast<scalar_t*>(a_part[buffer][a_column + k])[a_row + i * A_APART] = four[k];
      }
      b_part[buffer][b_row + i * B_APART][b_column / 4] = b_next[i];
    }
  };

  // What the thread computes. A warp is 4 by 8 threads: they share more of what they read than 2 by 16 would.
  const int x = warp % (ACROSS / 8) * 8 + lane % 8, y = warp / (ACROSS / 8) * 4 + lane / 8;
  scalar_t sum[SIDE][SIDE] = {};
  fetch();
  store(0);
  for (int buffer = 0;; buffer ^= 1) {
    const bool more = left > 0;
    if (more) fetch();
    // Here, and not before the loop's end: so the compiler cannot put the loads off until their results are
    // needed. What is stored after it, in the other buffer, nobody reads any more: all have come this far.
    __syncthreads();
#pragma unroll
    for (int k = 0; k < DEPTH; k++) {
      scalar_t of_a[SIDE], of_b[SIDE];
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        Unpack(a_part[buffer][k][g * ACROSS + y], of_a + 4 * g);
        Unpack(b_part[buffer][k][g * ACROSS + x], of_b + 4 * g);
      }
#pragma unroll
      for (int i = 0; i < SIDE; i++) {
#pragma unroll
        for (int j = 0; j < SIDE; j++) sum[i][j] += of_a[i] * of_b[j];
      }
    }
    if (!more) break;
    store(buffer ^ 1);
  }

  scalar_t* to = out + (blockIdx.y * m + first_row) * p + first_column;
#pragma unroll
  for (int i = 0; i < SIDE; i++) {
    const int row = (i / 4 * ACROSS + y) * 4 + i % 4;
#pragma unroll
    for (int g = 0; g < GROUPS; g++) {
      const int column = (g * ACROSS + x) * 4;
      if (row < rows && column < columns) {
        if (IN_FOURS) {
          const float4 four =
              make_float4(sum[i][4 * g], sum[i][4 * g + 1], sum[i][4 * g + 2], sum[i][4 * g + 3]);
          reinterpret_cast<float4*>(to)[(row * p + column) / 4] = four;
        } else {
#pragma unroll
          for (int j = 0; j < 4; j++) {
            if (column + j < columns) to[row * p + column + j] = sum[i][4 * g + j];
          }
        }
      }
    }
  }
}

/// out is (size,), parts is (count, size): out[i] = the sum of parts[:, i].
__global__ void AddPartsKernel(const scalar_t* parts, scalar_t* out, size_t count, size_t size) {
  for (size_t i = ThreadNumber(); i < size; i += ThreadCount()) {
    scalar_t sum = 0;
    for (size_t part = 0; part < count; part++) sum += parts[part * size + i];
    out[i] = sum;
  }
}

/// How a product is cut up for the device.
struct Cut {
  size_t tiles;   // of out, each a block
  size_t spans;   // of the sums: blocks that share a tile
  size_t length;  // of a span

  Cut(size_t m, size_t n, size_t p, size_t tile) : tiles(CeilDiv(m, tile) * CeilDiv(p, tile)) {
    constexpr size_t SHORTEST = 256;     // adding up the parts costs as much as some 10 steps along a span
    constexpr size_t LONGEST = 1 << 30;  // see MatmulKernel
    constexpr size_t STEP = 16;          // the largest DEPTH: whole steps, but for the last one
    const size_t wanted = CeilDiv(2 * Multiprocessors(), tiles);
    const size_t most = std::min(std::min(wanted, std::max<size_t>(n / SHORTEST, 1)), size_t{65535});
    length = std::min(CeilDiv(CeilDiv(n, most), STEP) * STEP, LONGEST);
    spans = CeilDiv(n, length);
  }
  bool FillsDevice() const { return tiles * spans >= Multiprocessors(); }
};

template <int TILE, int SIDE, int DEPTH>
void LaunchMatmul(const CudaArray& a, const CudaArray& b, CudaArray* out, size_t m, size_t n, size_t p) {
  const Cut cut(m, n, p, TILE);
  const dim3 blocks(static_cast<unsigned>(cut.tiles), static_cast<unsigned>(cut.spans));
  constexpr unsigned THREADS_OF_TILE = (TILE / SIDE) * (TILE / SIDE);
  const CudaArray parts(cut.spans > 1 ? cut.spans * out->size : 0);
  scalar_t* to = cut.spans > 1 ? parts.ptr : out->ptr;
  if (n % 4 == 0 && p % 4 == 0) {
    MatmulKernel<TILE, SIDE, DEPTH, true><<<blocks, THREADS_OF_TILE>>>(a.ptr, b.ptr, to, m, n, p, cut.length);
  } else {
    MatmulKernel<TILE, SIDE, DEPTH, false>
        <<<blocks, THREADS_OF_TILE>>>(a.ptr, b.ptr, to, m, n, p, cut.length);
  }
  CheckLaunch("Matmul", out->size);
  if (cut.spans > 1) {
    AddPartsKernel<<<Blocks(out->size), THREADS>>>(parts.ptr, out->ptr, cut.spans, out->size);
    CheckLaunch("Matmul", out->size);
  }
}

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
  if (out->size == 0) return;
  if (n == 0) return Fill(out, 0);
  // The larger a tile, the less is read; but a few large ones leave a large device idle, and of a tile that
  // is wider than out most is for nothing. Of the large ones a DEPTH of 16 would take too many registers.
  const size_t narrow = std::min(m, p);
  if (narrow > 64 && Cut(m, n, p, 128).FillsDevice()) {
    LaunchMatmul<128, 8, 8>(a, b, out, m, n, p);
  } else if (narrow > 32 && Cut(m, n, p, 64).FillsDevice()) {
    LaunchMatmul<64, 4, 16>(a, b, out, m, n, p);
  } else {
    LaunchMatmul<32, 4, 8>(a, b, out, m, n, p);
  }
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffff;

// What a reduction does with two parts of a row. Part is the type of a result that is not finished yet.
struct Sum {
  using Part = double;  // a million floats added one by one would lose two digits
  static __device__ Part Empty() { return 0; }
  static __device__ Part Join(Part x, Part y) { return x + y; }
};
struct Largest {
  using Part = scalar_t;
  static __device__ Part Empty() { return -INFINITY; }
  static __device__ Part Join(Part x, Part y) { return Maximum()(x, y); }
};

/// Joins the parts of LANES neighbouring lanes; the first of them gets the result. Every lane of the warp
/// calls it.
template <typename Op, int LANES>
__device__ typename Op::Part JoinLanes(typename Op::Part part) {
  for (int distance = LANES / 2; distance > 0; distance /= 2) {
    part = Op::Join(part, __shfl_down_sync(ALL_LANES, part, distance, LANES));
  }
  return part;
}

/// Joins row[begin], row[begin + STEP], ... before `end`. Like CopyKernel it asks for several elements before
/// it waits for one, as long as there are enough.
template <typename Op, int STEP>
__device__ typename Op::Part JoinElements(const scalar_t* row, size_t begin, size_t end) {
  constexpr size_t AT_ONCE = 8;
  typename Op::Part part = Op::Empty();
  size_t j = begin;
  for (; j + (AT_ONCE - 1) * STEP < end; j += AT_ONCE * STEP) {
    scalar_t element[AT_ONCE];
#pragma unroll
    for (size_t k = 0; k < AT_ONCE; k++) element[k] = row[j + k * STEP];
#pragma unroll
    for (size_t k = 0; k < AT_ONCE; k++) part = Op::Join(part, element[k]);
  }
  for (; j < end; j += STEP) part = Op::Join(part, row[j]);
  return part;
}

/// out is (rows,), a is (rows, length): each row by LANES threads of a warp. With LANES = 1 this is the naive
/// form, a thread for each row.
template <typename Op, int LANES>
__global__ void ReduceRowsKernel(const scalar_t* a, scalar_t* out, size_t rows, size_t length) {
  constexpr size_t AT_ONCE = WARP / LANES;  // rows of a warp
  const size_t lane = threadIdx.x % WARP;
  // All lanes of a warp go round together, since all of them take part in the shuffles.
  for (size_t first = ThreadNumber() / WARP * AT_ONCE; first < rows;
       first += ThreadCount() / WARP * AT_ONCE) {
    const size_t row = first + lane / LANES;
    const size_t end = row < rows ? length : 0;
    const auto part = JoinLanes<Op, LANES>(JoinElements<Op, LANES>(a + row * length, lane % LANES, end));
    if (row < rows && lane % LANES == 0) out[row] = static_cast<scalar_t>(part);
  }
}

/// out is (rows, pieces), a is (rows, length): out[i, j] = piece j of row i, which is `span` elements long
/// (the last one of a row maybe shorter). There are rows * pieces blocks, one for each.
template <typename Op>
__global__ void ReducePiecesKernel(const scalar_t* a, scalar_t* out, size_t length, size_t pieces,
                                   size_t span) {
  constexpr int WARPS = THREADS / WARP;
  __shared__ typename Op::Part of_warp[WARPS];
  const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  const scalar_t* row = a + blockIdx.x / pieces * length;
  const size_t begin = blockIdx.x % pieces * span, end = begin + span < length ? begin + span : length;
  typename Op::Part part = JoinElements<Op, THREADS>(row, begin + threadIdx.x, end);
  part = JoinLanes<Op, WARP>(part);
  if (lane == 0) of_warp[warp] = part;
  __syncthreads();
  if (warp == 0) {
    part = JoinLanes<Op, WARP>(lane < WARPS ? of_warp[lane] : Op::Empty());
    if (lane == 0) out[blockIdx.x] = static_cast<scalar_t>(part);
  }
}

/// Gives a row as many threads as its length is worth: one for 10 elements; for 10 million many blocks, whose
/// results are reduced again.
template <typename Op>
void Reduce(const char* function, const CudaArray& a, CudaArray* out, size_t length) {
  const size_t rows = out->size;
  if (rows == 0) return;
  if (length <= 8) {
    ReduceRowsKernel<Op, 1><<<Blocks(rows), THREADS>>>(a.ptr, out->ptr, rows, length);
  } else if (length <= 128) {
    ReduceRowsKernel<Op, 8><<<Blocks(rows * 8), THREADS>>>(a.ptr, out->ptr, rows, length);
  } else if (length <= 1024) {
    ReduceRowsKernel<Op, WARP><<<Blocks(rows * WARP), THREADS>>>(a.ptr, out->ptr, rows, length);
  } else {
    constexpr size_t SHORTEST = 2048;  // of a piece: 8 elements a thread
    const size_t wanted = CeilDiv(8 * Multiprocessors(), rows);
    const size_t span = std::max(CeilDiv(length, wanted), SHORTEST), pieces = CeilDiv(length, span);
    CudaArray parts(pieces > 1 ? rows * pieces : 0);
    CudaArray* to = pieces > 1 ? &parts : out;
    ReducePiecesKernel<Op>
        <<<static_cast<unsigned>(to->size), THREADS>>>(a.ptr, to->ptr, length, pieces, span);
    if (pieces > 1) {
      CheckLaunch(function, a.size);
      return Reduce<Op>(function, parts, out, pieces);
    }
  }
  CheckLaunch(function, a.size);
}

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
  Reduce<Largest>(__func__, a, out, reduce_size);
  /// END YOUR SOLUTION
}

/// out is (size,), a is (size, reduce_size), both compact: out[i] = the sum of row i of a.
///
/// Example: a = [1 5 2  7 0 3] with reduce_size 3 gives [8 10]; with reduce_size 0 every sum is 0.
/// A float to which a million floats are added one by one loses about two digits: add up in a double, or add
/// up parts of a row and then those.
void ReduceSum(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  /// BEGIN YOUR SOLUTION
  Reduce<Sum>(__func__, a, out, reduce_size);
  /// END YOUR SOLUTION
}

#pragma GCC diagnostic pop

}  // namespace cuda
}  // namespace needle
