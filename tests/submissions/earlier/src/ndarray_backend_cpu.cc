// The CPU backend: flat arrays of floats, and the functions that NDArray is made of.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <new>
#include <stdexcept>
#include <vector>

namespace needle {
namespace cpu {

#define ALIGNMENT 256
#define TILE 8
typedef float scalar_t;
const size_t ELEM_SIZE = sizeof(scalar_t);

/**
 * Memory for `size` floats, aligned to ALIGNMENT bytes. Two of these never own the same memory.
 */
struct AlignedArray {
  explicit AlignedArray(const size_t size) : size(size) {
    if (posix_memalign(reinterpret_cast<void**>(&ptr), ALIGNMENT, size * ELEM_SIZE) != 0) throw std::bad_alloc();
  }
  ~AlignedArray() { free(ptr); }
  AlignedArray(const AlignedArray&) = delete;
  AlignedArray& operator=(const AlignedArray&) = delete;
  size_t ptr_as_int() const { return reinterpret_cast<size_t>(ptr); }
  scalar_t* ptr = nullptr;
  size_t size;
};

void Fill(AlignedArray* out, scalar_t val) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = val;
}

// A walk over all elements of a view, in row-major order. The strides were uint32_t; flip needs negative ones.
class Walk {
 public:
  Walk(const std::vector<int32_t>& shape, const std::vector<int32_t>& strides, size_t offset)
      : shape_(shape), strides_(strides), counter_(shape.size(), 0), at_(static_cast<long>(offset)) {
    for (int32_t n : shape) left_ *= n;
  }
  bool done() const { return left_ == 0; }
  long position() const { return at_; }
  void next() {
    left_--;
    for (size_t k = shape_.size(); k-- > 0;) {
      at_ += strides_[k];
      if (++counter_[k] < shape_[k]) return;
      at_ -= static_cast<long>(strides_[k]) * shape_[k];
      counter_[k] = 0;
    }
  }

 private:
  const std::vector<int32_t>& shape_;
  const std::vector<int32_t>& strides_;
  std::vector<int32_t> counter_;
  long at_;
  long left_ = 1;
};

void Compact(const AlignedArray& a, AlignedArray* out, std::vector<int32_t> shape, std::vector<int32_t> strides,
             size_t offset) {
  /**
   * Copies the elements of a view to a compact array.
   *
   * Args:
   *   a: the array that is viewed
   *   out: the compact array to write to
   *   shape, strides, offset: of the view
   */
  /// BEGIN YOUR SOLUTION
  scalar_t* target = out->ptr;
  for (Walk walk(shape, strides, offset); !walk.done(); walk.next()) *target++ = a.ptr[walk.position()];
  /// END YOUR SOLUTION
}

void EwiseSetitem(const AlignedArray& a, AlignedArray* out, std::vector<int32_t> shape,
                  std::vector<int32_t> strides, size_t offset) {
  /**
   * Copies the elements of a compact array to a view.
   */
  /// BEGIN YOUR SOLUTION
  size_t i = 0;
  for (Walk walk(shape, strides, offset); !walk.done(); walk.next()) out->ptr[walk.position()] = a.ptr[i++];
  /// END YOUR SOLUTION
}

void ScalarSetitem(const size_t size, scalar_t val, AlignedArray* out, std::vector<int32_t> shape,
                   std::vector<int32_t> strides, size_t offset) {
  /**
   * Sets the elements of a view; size is the number of elements in it.
   */
  /// BEGIN YOUR SOLUTION
  Walk walk(shape, strides, offset);
  for (size_t i = 0; i < size; i++, walk.next()) out->ptr[walk.position()] = val;
  /// END YOUR SOLUTION
}

void EwiseAdd(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  for (size_t i = 0; i < a.size; i++) out->ptr[i] = a.ptr[i] + b.ptr[i];
}

void ScalarAdd(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  for (size_t i = 0; i < a.size; i++) out->ptr[i] = a.ptr[i] + val;
}

/**
 * EwiseMul, ScalarMul, EwiseDiv, ScalarDiv, ScalarPower, EwiseMaximum, ScalarMaximum, EwiseEq, ScalarEq, EwiseGe,
 * ScalarGe, EwiseLog, EwiseExp and EwiseTanh: as EwiseAdd and ScalarAdd.
 */

/// BEGIN YOUR SOLUTION
template <typename F>
void Pairwise(const AlignedArray& a, const AlignedArray& b, AlignedArray* out, F f) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = f(a.ptr[i], b.ptr[i]);
}

template <typename F>
void Each(const AlignedArray& a, AlignedArray* out, F f) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = f(a.ptr[i]);
}

void EwiseMul(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  Pairwise(a, b, out, [](scalar_t x, scalar_t y) { return x * y; });
}

void ScalarMul(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) { return x * val; });
}

void EwiseDiv(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  Pairwise(a, b, out, [](scalar_t x, scalar_t y) { return x / y; });
}

void ScalarDiv(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) { return x / val; });
}

void ScalarPower(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) { return std::pow(x, val); });
}

void EwiseMaximum(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  Pairwise(a, b, out, [](scalar_t x, scalar_t y) { return x > y ? x : y; });
}

void ScalarMaximum(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) { return x > val ? x : val; });
}

void EwiseEq(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  Pairwise(a, b, out, [](scalar_t x, scalar_t y) -> scalar_t { return x == y; });
}

void ScalarEq(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) -> scalar_t { return x == val; });
}

void EwiseGe(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  Pairwise(a, b, out, [](scalar_t x, scalar_t y) -> scalar_t { return x >= y; });
}

void ScalarGe(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  Each(a, out, [val](scalar_t x) -> scalar_t { return x >= val; });
}

void EwiseLog(const AlignedArray& a, AlignedArray* out) {
  Each(a, out, [](scalar_t x) { return std::log(x); });
}

void EwiseExp(const AlignedArray& a, AlignedArray* out) {
  Each(a, out, [](scalar_t x) { return std::exp(x); });
}

void EwiseTanh(const AlignedArray& a, AlignedArray* out) {
  Each(a, out, [](scalar_t x) { return std::tanh(x); });
}
/// END YOUR SOLUTION

void Matmul(const AlignedArray& a, const AlignedArray& b, AlignedArray* out, uint32_t m, uint32_t n, uint32_t p) {
  /**
   * out (m, p) is the product of a (m, n) and b (n, p), all compact.
   */
  /// BEGIN YOUR SOLUTION
  Fill(out, 0);
  for (uint32_t row = 0; row < m; row++) {
    scalar_t* target = out->ptr + static_cast<size_t>(row) * p;
    for (uint32_t k = 0; k < n; k++) {
      const scalar_t factor = a.ptr[static_cast<size_t>(row) * n + k];
      const scalar_t* source = b.ptr + static_cast<size_t>(k) * p;
      for (uint32_t col = 0; col < p; col++) target[col] += factor * source[col];
    }
  }
  /// END YOUR SOLUTION
}

inline void AlignedDot(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ out) {
  /**
   * Adds the product of two TILE x TILE matrices to a third one.
   */
  a = static_cast<const float*>(__builtin_assume_aligned(a, TILE * ELEM_SIZE));
  b = static_cast<const float*>(__builtin_assume_aligned(b, TILE * ELEM_SIZE));
  out = static_cast<float*>(__builtin_assume_aligned(out, TILE * ELEM_SIZE));

  /// BEGIN YOUR SOLUTION
  for (int r = 0; r < TILE; r++)
    for (int k = 0; k < TILE; k++)
      for (int c = 0; c < TILE; c++) out[r * TILE + c] += a[r * TILE + k] * b[k * TILE + c];
  /// END YOUR SOLUTION
}

void MatmulTiled(const AlignedArray& a, const AlignedArray& b, AlignedArray* out, uint32_t m, uint32_t n,
                 uint32_t p) {
  /**
   * The product of matrices that are stored tile by tile: a is (m/TILE, n/TILE, TILE, TILE), and so on.
   */
  /// BEGIN YOUR SOLUTION
  const size_t area = TILE * TILE, M = m / TILE, N = n / TILE, P = p / TILE;
  Fill(out, 0);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < P; j++)
      for (size_t k = 0; k < N; k++)
        AlignedDot(a.ptr + (i * N + k) * area, b.ptr + (k * P + j) * area, out->ptr + (i * P + j) * area);
  /// END YOUR SOLUTION
}

void ReduceMax(const AlignedArray& a, AlignedArray* out, size_t reduce_size) {
  /**
   * The largest of each `reduce_size` numbers of a.
   */
  /// BEGIN YOUR SOLUTION
  for (size_t row = 0; row < out->size; row++) {
    const scalar_t* numbers = a.ptr + row * reduce_size;
    scalar_t best = numbers[0];
    for (size_t i = 1; i < reduce_size; i++) best = numbers[i] > best ? numbers[i] : best;
    out->ptr[row] = best;
  }
  /// END YOUR SOLUTION
}

void ReduceSum(const AlignedArray& a, AlignedArray* out, size_t reduce_size) {
  /**
   * The sum of each `reduce_size` numbers of a.
   */
  /// BEGIN YOUR SOLUTION
  for (size_t row = 0; row < out->size; row++) {
    double total = 0;
    for (size_t i = row * reduce_size; i < (row + 1) * reduce_size; i++) total += a.ptr[i];
    out->ptr[row] = static_cast<scalar_t>(total);
  }
  /// END YOUR SOLUTION
}

}  // namespace cpu
}  // namespace needle

PYBIND11_MODULE(ndarray_backend_cpu, m) {
  namespace py = pybind11;
  using namespace needle;
  using namespace cpu;

  m.attr("__device_name__") = "cpu";
  m.attr("__tile_size__") = TILE;

  py::class_<AlignedArray>(m, "Array")
      .def(py::init<size_t>(), py::return_value_policy::take_ownership)
      .def("ptr", &AlignedArray::ptr_as_int)
      .def_readonly("size", &AlignedArray::size);

  // NumPy counts strides in bytes
  m.def("to_numpy", [](const AlignedArray& a, std::vector<size_t> shape, std::vector<int32_t> strides, size_t offset) {
    std::vector<py::ssize_t> steps;
    for (int32_t stride : strides) steps.push_back(static_cast<py::ssize_t>(stride) * ELEM_SIZE);
    return py::array_t<scalar_t>(shape, steps, a.ptr + offset);
  });

  m.def("from_numpy", [](py::array_t<scalar_t, py::array::c_style> a, AlignedArray* out) {
    const scalar_t* numbers = a.data();
    for (size_t i = 0; i < out->size; i++) out->ptr[i] = numbers[i];
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
  m.def("matmul_tiled", MatmulTiled);

  m.def("reduce_max", ReduceMax);
  m.def("reduce_sum", ReduceSum);
}
