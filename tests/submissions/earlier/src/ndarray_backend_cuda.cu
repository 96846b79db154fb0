// The CUDA backend: the functions of the CPU backend, on a GPU.
#include <cuda_runtime.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace needle {
namespace cuda {

#define BASE_THREAD_NUM 256
#define TILE 4
#define MAX_VEC_SIZE 8
typedef float scalar_t;
const size_t ELEM_SIZE = sizeof(scalar_t);

void Require(cudaError_t err) {
  if (err != cudaSuccess) throw std::runtime_error(cudaGetErrorString(err));
}

/** Memory of the GPU for `size` floats. */
struct CudaArray {
  explicit CudaArray(const size_t size) : size(size) { Require(cudaMalloc(&ptr, size * ELEM_SIZE)); }
  ~CudaArray() { cudaFree(ptr); }
  CudaArray(const CudaArray&) = delete;
  CudaArray& operator=(const CudaArray&) = delete;
  size_t ptr_as_int() const { return reinterpret_cast<size_t>(ptr); }
  scalar_t* ptr = nullptr;
  size_t size;
};

/** How a kernel is launched: one thread an element, in blocks of BASE_THREAD_NUM. */
struct CudaDims {
  dim3 block, grid;
};

CudaDims CudaOneDim(size_t size) {
  CudaDims dim;
  const size_t blocks = (size + BASE_THREAD_NUM - 1) / BASE_THREAD_NUM;
  dim.block = dim3(BASE_THREAD_NUM, 1, 1);
  dim.grid = dim3(blocks > 0 ? blocks : 1, 1, 1);  // a grid without a block is refused
  return dim;
}

/** A shape or strides, in a form that kernels can be given. */
struct CudaVec {
  uint32_t size;
  int32_t data[MAX_VEC_SIZE];
};

CudaVec VecToCuda(const std::vector<int32_t>& x) {
  if (x.size() > MAX_VEC_SIZE) throw std::runtime_error("too many dimensions for the GPU");
  CudaVec vec;
  vec.size = x.size();
  for (size_t i = 0; i < x.size(); i++) vec.data[i] = x[i];
  return vec;
}

__global__ void FillKernel(scalar_t* out, scalar_t val, size_t size) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = val;
}

void Fill(CudaArray* out, scalar_t val) {
  CudaDims dim = CudaOneDim(out->size);
  FillKernel<<<dim.grid, dim.block>>>(out->ptr, val, out->size);
}

// Where in memory the gid-th element of a view is.
__device__ long ViewPosition(size_t gid, CudaVec shape, CudaVec strides, size_t offset) {
  long position = (long)offset;
  for (int axis = (int)shape.size - 1; axis >= 0; axis--) {
    position += (long)(gid % shape.data[axis]) * strides.data[axis];
    gid /= shape.data[axis];
  }
  return position;
}

__global__ void CompactKernel(const scalar_t* a, scalar_t* out, size_t size, CudaVec shape, CudaVec strides,
                              size_t offset) {
  /**
   * Copies a view's elements to a compact array: one thread for each.
   */
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

  /// BEGIN YOUR SOLUTION
  if (gid < size) out[gid] = a[ViewPosition(gid, shape, strides, offset)];
  /// END YOUR SOLUTION
}

void Compact(const CudaArray& a, CudaArray* out, std::vector<int32_t> shape, std::vector<int32_t> strides,
             size_t offset) {
  // nothing to be written here: the kernel is above
  CudaDims dim = CudaOneDim(out->size);
  CompactKernel<<<dim.grid, dim.block>>>(a.ptr, out->ptr, out->size, VecToCuda(shape), VecToCuda(strides), offset);
}

/// BEGIN YOUR SOLUTION
__global__ void SetItemKernel(const scalar_t* a, scalar_t* out, size_t size, CudaVec shape, CudaVec strides,
                              size_t offset) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[ViewPosition(gid, shape, strides, offset)] = a[gid];
}

__global__ void SetAllKernel(scalar_t val, scalar_t* out, size_t size, CudaVec shape, CudaVec strides,
                             size_t offset) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[ViewPosition(gid, shape, strides, offset)] = val;
}
/// END YOUR SOLUTION

void EwiseSetitem(const CudaArray& a, CudaArray* out, std::vector<int32_t> shape, std::vector<int32_t> strides,
                  size_t offset) {
  /**
   * Copies a compact array to a view of out.
   */
  /// BEGIN YOUR SOLUTION
  CudaDims dim = CudaOneDim(a.size);
  SetItemKernel<<<dim.grid, dim.block>>>(a.ptr, out->ptr, a.size, VecToCuda(shape), VecToCuda(strides), offset);
  /// END YOUR SOLUTION
}

void ScalarSetitem(size_t size, scalar_t val, CudaArray* out, std::vector<int32_t> shape,
                   std::vector<int32_t> strides, size_t offset) {
  /**
   * Sets the `size` elements of a view of out.
   */
  /// BEGIN YOUR SOLUTION
  CudaDims dim = CudaOneDim(size);
  SetAllKernel<<<dim.grid, dim.block>>>(val, out->ptr, size, VecToCuda(shape), VecToCuda(strides), offset);
  /// END YOUR SOLUTION
}

__global__ void EwiseAddKernel(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t size) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = a[gid] + b[gid];
}

void EwiseAdd(const CudaArray& a, const CudaArray& b, CudaArray* out) {
  CudaDims dim = CudaOneDim(out->size);
  EwiseAddKernel<<<dim.grid, dim.block>>>(a.ptr, b.ptr, out->ptr, out->size);
}

__global__ void ScalarAddKernel(const scalar_t* a, scalar_t val, scalar_t* out, size_t size) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = a[gid] + val;
}

void ScalarAdd(const CudaArray& a, scalar_t val, CudaArray* out) {
  CudaDims dim = CudaOneDim(out->size);
  ScalarAddKernel<<<dim.grid, dim.block>>>(a.ptr, val, out->ptr, out->size);
}

/**
 * The other elementwise functions, as EwiseAdd and ScalarAdd.
 */

/// BEGIN YOUR SOLUTION
// A kernel and the function that launches it: of two arrays, of an array and a number, of one array.
#define PAIRWISE(NAME, VALUE)                                                                          \
  __global__ void NAME##Kernel(const scalar_t* a, const scalar_t* b, scalar_t* out, size_t size) {     \
    const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;                                  \
    if (gid < size) {                                                                                  \
      const scalar_t x = a[gid], y = b[gid];                                                           \
      out[gid] = VALUE;                                                                                \
    }                                                                                                  \
  }                                                                                                    \
  void NAME(const CudaArray& a, const CudaArray& b, CudaArray* out) {                                  \
    CudaDims dim = CudaOneDim(out->size);                                                              \
    NAME##Kernel<<<dim.grid, dim.block>>>(a.ptr, b.ptr, out->ptr, out->size);                          \
  }

#define WITH_NUMBER(NAME, VALUE)                                                                       \
  __global__ void NAME##Kernel(const scalar_t* a, scalar_t y, scalar_t* out, size_t size) {            \
    const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;                                  \
    if (gid < size) {                                                                                  \
      const scalar_t x = a[gid];                                                                       \
      out[gid] = VALUE;                                                                                \
    }                                                                                                  \
  }                                                                                                    \
  void NAME(const CudaArray& a, scalar_t val, CudaArray* out) {                                        \
    CudaDims dim = CudaOneDim(out->size);                                                              \
    NAME##Kernel<<<dim.grid, dim.block>>>(a.ptr, val, out->ptr, out->size);                            \
  }

#define OF_EACH(NAME, VALUE)                                                                           \
  __global__ void NAME##Kernel(const scalar_t* a, scalar_t* out, size_t size) {                        \
    const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;                                  \
    if (gid < size) {                                                                                  \
      const scalar_t x = a[gid];                                                                       \
      out[gid] = VALUE;                                                                                \
    }                                                                                                  \
  }                                                                                                    \
  void NAME(const CudaArray& a, CudaArray* out) {                                                      \
    CudaDims dim = CudaOneDim(out->size);                                                              \
    NAME##Kernel<<<dim.grid, dim.block>>>(a.ptr, out->ptr, out->size);                                 \
  }

PAIRWISE(EwiseMul, x * y)
PAIRWISE(EwiseDiv, x / y)
PAIRWISE(EwiseMaximum, x > y ? x : y)
PAIRWISE(EwiseEq, x == y ? 1.0f : 0.0f)
PAIRWISE(EwiseGe, x >= y ? 1.0f : 0.0f)
WITH_NUMBER(ScalarMul, x * y)
WITH_NUMBER(ScalarDiv, x / y)
WITH_NUMBER(ScalarPower, powf(x, y))
WITH_NUMBER(ScalarMaximum, x > y ? x : y)
WITH_NUMBER(ScalarEq, x == y ? 1.0f : 0.0f)
WITH_NUMBER(ScalarGe, x >= y ? 1.0f : 0.0f)
OF_EACH(EwiseLog, logf(x))
OF_EACH(EwiseExp, expf(x))
OF_EACH(EwiseTanh, tanhf(x))

// One thread for each element of the product.
__global__ void MatmulKernel(const scalar_t* a, const scalar_t* b, scalar_t* out, uint32_t m, uint32_t n,
                             uint32_t p) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid >= (size_t)m * p) return;
  const size_t row = gid / p, col = gid % p;
  scalar_t sum = 0;
  for (size_t k = 0; k < n; k++) sum += a[row * n + k] * b[k * p + col];
  out[gid] = sum;
}

// One thread for each row.
__global__ void ReduceMaxKernel(const scalar_t* a, scalar_t* out, size_t rows, size_t reduce_size) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid >= rows) return;
  const scalar_t* numbers = a + gid * reduce_size;
  scalar_t best = numbers[0];
  for (size_t i = 1; i < reduce_size; i++) best = numbers[i] > best ? numbers[i] : best;
  out[gid] = best;
}

__global__ void ReduceSumKernel(const scalar_t* a, scalar_t* out, size_t rows, size_t reduce_size) {
  const size_t gid = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (gid >= rows) return;
  double total = 0;
  for (size_t i = gid * reduce_size; i < (gid + 1) * reduce_size; i++) total += a[i];
  out[gid] = (scalar_t)total;
}
/// END YOUR SOLUTION

void Matmul(const CudaArray& a, const CudaArray& b, CudaArray* out, uint32_t M, uint32_t N, uint32_t P) {
  /**
   * out (M, P) is the product of a (M, N) and b (N, P), all compact.
   */
  /// BEGIN YOUR SOLUTION
  CudaDims dim = CudaOneDim((size_t)M * P);
  MatmulKernel<<<dim.grid, dim.block>>>(a.ptr, b.ptr, out->ptr, M, N, P);
  /// END YOUR SOLUTION
}

void ReduceMax(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  /**
   * The largest of each `reduce_size` numbers of a.
   */
  /// BEGIN YOUR SOLUTION
  CudaDims dim = CudaOneDim(out->size);
  ReduceMaxKernel<<<dim.grid, dim.block>>>(a.ptr, out->ptr, out->size, reduce_size);
  /// END YOUR SOLUTION
}

void ReduceSum(const CudaArray& a, CudaArray* out, size_t reduce_size) {
  /**
   * The sum of each `reduce_size` numbers of a.
   */
  /// BEGIN YOUR SOLUTION
  CudaDims dim = CudaOneDim(out->size);
  ReduceSumKernel<<<dim.grid, dim.block>>>(a.ptr, out->ptr, out->size, reduce_size);
  /// END YOUR SOLUTION
}

}  // namespace cuda
}  // namespace needle

PYBIND11_MODULE(ndarray_backend_cuda, m) {
  namespace py = pybind11;
  using namespace needle;
  using namespace cuda;

  m.attr("__device_name__") = "cuda";
  m.attr("__tile_size__") = TILE;

  py::class_<CudaArray>(m, "Array")
      .def(py::init<size_t>(), py::return_value_policy::take_ownership)
      .def("ptr", &CudaArray::ptr_as_int)
      .def_readonly("size", &CudaArray::size);

  m.def("to_numpy", [](const CudaArray& a, std::vector<size_t> shape, std::vector<int32_t> strides, size_t offset) {
    std::vector<scalar_t> host(a.size);
    Require(cudaMemcpy(host.data(), a.ptr, a.size * ELEM_SIZE, cudaMemcpyDeviceToHost));
    std::vector<py::ssize_t> steps;
    for (int32_t stride : strides) steps.push_back(static_cast<py::ssize_t>(stride) * ELEM_SIZE);
    return py::array_t<scalar_t>(shape, steps, host.data() + offset);
  });

  m.def("from_numpy", [](py::array_t<scalar_t, py::array::c_style> a, CudaArray* out) {
    Require(cudaMemcpy(out->ptr, a.data(), out->size * ELEM_SIZE, cudaMemcpyHostToDevice));
  });

  m.def("fill", Fill);
  m.def("compact", Compact);
  m.def("ewise_setitem", EwiseSetitem);
  m.def("scalar_setitem", ScalarSetitem);
  m.def("ewise_add", EwiseAdd);
  m.def("scalar_add", ScalarAdd);

  m.def("ewise_mul", EwiseMul);
  m.def("scalar_mul", ScalarMul);
  m.def("ewise_div", EwiseDiv);
  m.def("scalar_div", ScalarDiv);
  m.def("scalar_power", ScalarPower);

  m.def("ewise_maximum", EwiseMaximum);
  m.def("scalar_maximum", ScalarMaximum);
  m.def("ewise_eq", EwiseEq);
  m.def("scalar_eq", ScalarEq);
  m.def("ewise_ge", EwiseGe);
  m.def("scalar_ge", ScalarGe);

  m.def("ewise_log", EwiseLog);
  m.def("ewise_exp", EwiseExp);
  m.def("ewise_tanh", EwiseTanh);

  m.def("matmul", Matmul);
  m.def("reduce_max", ReduceMax);
  m.def("reduce_sum", ReduceSum);
}
