// needle's CUDA backend: every kernel gives each element of its result a thread.
#include <cuda_runtime.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "ndarray_backend_cuda.h"

namespace needle {
namespace cuda {

constexpr unsigned BLOCK = 128;
constexpr int SIDE = 8;  // of the tiles of a product
constexpr int MOST_AXES = 8;

static void must(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}
static unsigned blocks_for(size_t size) { return static_cast<unsigned>((size + BLOCK - 1) / BLOCK); }

std::string WhyNoDevice() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) return "";
  (void)cudaGetLastError();
  return "no CUDA device";
}

CudaArray::CudaArray(size_t count) : size(count) {
  if (size == 0) return;
  cudaError_t error = size > (size_t{1} << 60) ? cudaErrorMemoryAllocation : cudaMalloc(&ptr, size * ELEM_SIZE);
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
    throw AllocationFailure("Array: no memory on the GPU for " + std::to_string(size) + " elements");
  }
}
CudaArray::~CudaArray() { (void)cudaFree(ptr); }

void CopyFromHost(const scalar_t* host, CudaArray* out) {
  if (out->size > 0) must(cudaMemcpy(out->ptr, host, out->size * ELEM_SIZE, cudaMemcpyHostToDevice), "from_numpy");
}
void CopyToHost(const CudaArray& a, size_t first, size_t count, scalar_t* host) {
  if (count > 0) must(cudaMemcpy(host, a.ptr + first, count * ELEM_SIZE, cudaMemcpyDeviceToHost), "to_numpy");
}

// out[i] = value(i) for all i: what every kernel but the product is.
template <typename Value>
__global__ void for_each(scalar_t* out, size_t size, Value value) {
  const size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) out[i] = value(i);
}
template <typename Value>
static void compute(scalar_t* out, size_t size, Value value) {
  if (size == 0) return;
  for_each<<<blocks_for(size), BLOCK>>>(out, size, value);
  must(cudaGetLastError(), "launch");
}

struct View {
  int axes;
  int shape[MOST_AXES], strides[MOST_AXES];
  long long offset;

  View(const std::vector<int32_t>& from_shape, const std::vector<int32_t>& from_strides, size_t from)
      : axes(static_cast<int>(from_shape.size())), offset(static_cast<long long>(from)) {
    if (axes > MOST_AXES) throw std::invalid_argument("a view of more than 8 axes");
    for (int k = 0; k < axes; k++) shape[k] = from_shape[k], strides[k] = from_strides[k];
  }
  __device__ long long at(size_t i) const {
    long long place = offset;
    for (int k = axes - 1; k >= 0; k--) {
      place += static_cast<long long>(i % shape[k]) * strides[k];
      i /= shape[k];
    }
    return place;
  }
};

struct Constant {
  scalar_t value;
  __device__ scalar_t operator()(size_t) const { return value; }
};
struct FromView {
  const scalar_t* a;
  View view;
  __device__ scalar_t operator()(size_t i) const { return a[view.at(i)]; }
};

void Fill(CudaArray* out, scalar_t val) { compute(out->ptr, out->size, Constant{val}); }
void Compact(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
             const std::vector<int32_t>& strides, size_t offset) {
  compute(out->ptr, out->size, FromView{a.ptr, View(shape, strides, offset)});
}

// a is null where all elements become val.
__global__ void set_view(const scalar_t* a, scalar_t val, scalar_t* out, size_t size, View view) {
  const size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) out[view.at(i)] = a == nullptr ? val : a[i];
}
void EwiseSetitem(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
                  const std::vector<int32_t>& strides, size_t offset) {
  if (a.size == 0) return;
  set_view<<<blocks_for(a.size), BLOCK>>>(a.ptr, 0, out->ptr, a.size, View(shape, strides, offset));
  must(cudaGetLastError(), "ewise_setitem");
}
void ScalarSetitem(size_t size, scalar_t val, CudaArray* out, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides, size_t offset) {
  if (size == 0) return;
  set_view<<<blocks_for(size), BLOCK>>>(nullptr, val, out->ptr, size, View(shape, strides, offset));
  must(cudaGetLastError(), "scalar_setitem");
}

__device__ scalar_t larger(scalar_t x, scalar_t y) { return isnan(x) || isnan(y) ? x + y : fmaxf(x, y); }

// Ewise<Name> of two arrays and Scalar<Name> of an array and a number.
#define TWO_ARRAYS(Name, expression)                                                          \
  struct Two##Name {                                                                          \
    const scalar_t *a, *b;                                                                    \
    __device__ scalar_t operator()(size_t i) const {                                          \
      const scalar_t x = a[i], y = b[i];                                                      \
      return expression;                                                                      \
    }                                                                                         \
  };                                                                                          \
  void Ewise##Name(const CudaArray& a, const CudaArray& b, CudaArray* out) {                  \
    compute(out->ptr, out->size, Two##Name{a.ptr, b.ptr});                                    \
  }
#define ARRAY_AND_NUMBER(Name, expression)                                                    \
  struct One##Name {                                                                          \
    const scalar_t* a;                                                                        \
    scalar_t y;                                                                               \
    __device__ scalar_t operator()(size_t i) const {                                          \
      const scalar_t x = a[i];                                                                \
      return expression;                                                                      \
    }                                                                                         \
  };                                                                                          \
  void Scalar##Name(const CudaArray& a, scalar_t val, CudaArray* out) {                       \
    compute(out->ptr, out->size, One##Name{a.ptr, val});                                      \
  }
#define BOTH(Name, expression) \
  TWO_ARRAYS(Name, expression) \
  ARRAY_AND_NUMBER(Name, expression)
#define ONE_ARRAY(Name, expression)                                                           \
  struct Of##Name {                                                                           \
    const scalar_t* a;                                                                        \
    __device__ scalar_t operator()(size_t i) const {                                          \
      const scalar_t x = a[i];                                                                \
      return expression;                                                                      \
    }                                                                                         \
  };                                                                                          \
  void Ewise##Name(const CudaArray& a, CudaArray* out) { compute(out->ptr, out->size, Of##Name{a.ptr}); }

BOTH(Add, x + y)
BOTH(Mul, x * y)
BOTH(Div, x / y)
BOTH(Power, static_cast<scalar_t>(pow(static_cast<double>(x), static_cast<double>(y))))
BOTH(Maximum, larger(x, y))
BOTH(Eq, static_cast<scalar_t>(x == y))
BOTH(Ge, static_cast<scalar_t>(x >= y))
ONE_ARRAY(Log, static_cast<scalar_t>(log(static_cast<double>(x))))
ONE_ARRAY(Exp, static_cast<scalar_t>(exp(static_cast<double>(x))))
ONE_ARRAY(Tanh, static_cast<scalar_t>(tanh(static_cast<double>(x))))

// Rows of out along x of the grid, which may be long, and columns along y.
__global__ void product(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t m, size_t n, size_t p) {
  __shared__ scalar_t left[SIDE][SIDE], right[SIDE][SIDE];
  const int x = threadIdx.x, y = threadIdx.y;
  const size_t row = static_cast<size_t>(blockIdx.x) * SIDE + y;
  for (size_t begin = static_cast<size_t>(blockIdx.y) * SIDE; begin < p; begin += static_cast<size_t>(gridDim.y) * SIDE) {
    const size_t column = begin + x;
    scalar_t sum = 0;
    for (size_t k = 0; k < n; k += SIDE) {
      left[y][x] = row < m && k + x < n ? a[row * n + k + x] : 0;
      right[y][x] = column < p && k + y < n ? b[(k + y) * p + column] : 0;
      __syncthreads();
      for (int inner = 0; inner < SIDE; inner++) sum += left[y][inner] * right[inner][x];
      __syncthreads();
    }
    if (row < m && column < p) out[row * p + column] = sum;
  }
}
void Matmul(const CudaArray& a, const CudaArray& b, CudaArray* out, size_t m, size_t n, size_t p) {
  if (out->size == 0) return;
  const size_t across = (p + SIDE - 1) / SIDE;
  const dim3 grid(static_cast<unsigned>((m + SIDE - 1) / SIDE), static_cast<unsigned>(across < 1024 ? across : 1024));
  product<<<grid, dim3(SIDE, SIDE)>>>(a.ptr, b.ptr, out->ptr, m, n, p);
  must(cudaGetLastError(), "matmul");
}

struct RowMax {
  const scalar_t* a;
  size_t length;
  __device__ scalar_t operator()(size_t row) const {
    scalar_t largest = -INFINITY;
    for (size_t j = 0; j < length; j++) largest = larger(largest, a[row * length + j]);
    return largest;
  }
};
struct RowSum {
  const scalar_t* a;
  size_t length;
  __device__ scalar_t operator()(size_t row) const {
    scalar_t sum = 0, lost = 0;
    for (size_t j = 0; j < length; j++) {
      const scalar_t term = a[row * length + j] - lost, next = sum + term;
      lost = (next - sum) - term;
      sum = next;
    }
    return sum;
  }
};
void ReduceMax(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  compute(out->ptr, out->size, RowMax{a.ptr, reduce_size});
}
void ReduceSum(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  compute(out->ptr, out->size, RowSum{a.ptr, reduce_size});
}

}  // namespace cuda
}  // namespace needle
