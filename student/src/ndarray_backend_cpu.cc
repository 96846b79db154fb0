/// The CPU backend of needle: flat arrays of float32, and the kernels that NDArray is built from.
///
/// An Array is a run of floats and knows no shape. NDArray (ndarray.py) keeps shape, strides and offset, and
/// passes them to the few functions that need them. Everywhere in this file
///
///     element (i, j, ...) of a view  =  buffer[offset + i * strides[0] + j * strides[1] + ...]
///
/// with shape and strides counted in elements. A stride may be negative (a flipped axis) or 0 (a broadcast
/// axis). "Compact" means row-major from the first element to the last, without gaps: a compact (m, n) array
/// holds element (i, j) at i * n + j.
///
/// In this order: arrays, kernels (yours to write), checks, bindings. All in one file, although it is long:
/// a backend is handed in as one file.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace needle {
namespace cpu {

using scalar_t = float;

/// Bytes. One cache line, and the widest vector register: a vector load then never straddles two lines, which
/// alone made elementwise kernels up to 1.9 times faster than malloc's 16 bytes do.
constexpr size_t ALIGNMENT = 64;

/// Side of the square tiles of MatmulTiled: a row of 8 floats is one 256-bit register.
constexpr size_t TILE = 8;

constexpr size_t ELEM_SIZE = sizeof(scalar_t);

/// Memory ran out; Python sees MemoryError.
struct AllocationFailure : std::bad_alloc {
  explicit AllocationFailure(size_t size)
      : message("Array: cannot allocate " + std::to_string(size) + " elements of " +
                std::to_string(ELEM_SIZE) + " bytes each") {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// Thrown by a kernel that is not written yet; Python sees NotImplementedError.
struct NotImplemented : std::exception {
  explicit NotImplemented(const char* kernel)
      : message(std::string(kernel) + " is yours to write (src/ndarray_backend_cpu.cc)") {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// `size` floats at an address that is a multiple of ALIGNMENT; what they hold at first is arbitrary.
/// size may be 0, and ptr is then null.
struct AlignedArray {
  explicit AlignedArray(size_t count) : size(count) {
    if (size == 0) return;
    // For a larger size the product below would wrap around, and the memory be too small.
    if (size > (std::numeric_limits<size_t>::max() - ALIGNMENT) / ELEM_SIZE) throw AllocationFailure(size);
    // aligned_alloc wants a multiple of the alignment.
    const size_t bytes = (size * ELEM_SIZE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ptr = static_cast<scalar_t*>(std::aligned_alloc(ALIGNMENT, bytes));
    if (ptr == nullptr) throw AllocationFailure(size);
  }
  ~AlignedArray() { std::free(ptr); }
  AlignedArray(const AlignedArray&) = delete;  // two owners would free the memory twice
  AlignedArray& operator=(const AlignedArray&) = delete;

  scalar_t* ptr = nullptr;
  size_t size;
};

// ---------------------------------------------------------------------------------------------------------------
// Kernels. The bindings at the end of the file check sizes and bounds before a kernel runs, so that a kernel
// only computes. out never is an input too in Compact, EwiseSetitem, Matmul, MatmulTiled and the reductions;
// an elementwise kernel may be given one array twice.
// ---------------------------------------------------------------------------------------------------------------

// A kernel that only throws uses none of its parameters.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/// out is (size,): every element becomes val. (Given.)
void Fill(AlignedArray* out, scalar_t val) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = val;
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out is compact, of shape `shape`; shape, strides and offset make a view of a: out receives the elements of
/// the view in row-major order. There may be any number of axes, none too (then it is the one element at
/// offset), and an axis may be empty.
///
/// Example: a = [1 2 3 4 5 6], shape (3, 2), strides (1, 3), offset 0, the transpose of a (2, 3) array, gives
/// out = [1 4 2 5 3 6]. With shape (6,), strides (-1,), offset 5 it is [6 5 4 3 2 1].
///
/// One cannot write as many nested loops as there are axes: keep an index for each axis and count up. Strides
/// are signed, so compute positions in a signed type (ptrdiff_t).
void Compact(const AlignedArray& a, AlignedArray* out, const std::vector<int32_t>& shape,
             const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// a is compact, of shape `shape`; shape, strides and offset make a view of out: the view receives the
/// elements of a, and the rest of out stays as it is.
///
/// Example: out = [0 0 0 0 0 0], shape (2, 1), strides (3, 1), offset 1, column 1 of a (2, 3) array, and
/// a = [7 8] give out = [0 7 0 0 8 0].
void EwiseSetitem(const AlignedArray& a, AlignedArray* out, const std::vector<int32_t>& shape,
                  const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// shape, strides and offset make a view of out, which has `size` elements: each of them becomes val.
///
/// Example: out = [0 0 0 0 0 0], shape (2, 1), strides (3, 1), offset 1 and val = 9 give out = [0 9 0 0 9 0].
void ScalarSetitem(size_t size, scalar_t val, AlignedArray* out, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides, size_t offset) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

// Elementwise kernels: a, b and out are (size,), val is one number. The first two are given as examples.

/// out[i] = a[i] + b[i]. (Given.)
void EwiseAdd(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = a.ptr[i] + b.ptr[i];
}

/// out[i] = a[i] + val. (Given.)
void ScalarAdd(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = a.ptr[i] + val;
}

/// out[i] = a[i] * b[i]: [1 2] and [3 4] give [3 8].
void EwiseMul(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] * val: [1 2] and 3 give [3 6].
void ScalarMul(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / b[i]: [3 8] and [2 4] give [1.5 2]. Division by zero gives inf or NaN, as floats do.
void EwiseDiv(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] / val: [3 8] and 2 give [1.5 4].
void ScalarDiv(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = a[i] to the power val: [1 2 3] and 2 give [1 4 9]; any number to the power 0 is 1.
void ScalarPower(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

/// out[i] = the larger of a[i] and b[i]: [1 5] and [3 4] give [3 5]. NaN where either is NaN, as in NumPy.
void EwiseMaximum(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the larger of a[i] and val: [-1 5] and 0 give [0 5]. NaN where either is NaN, as in NumPy.
void ScalarMaximum(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals b[i], else 0: [1 2] and [1 3] give [1 0].
void EwiseEq(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] equals val, else 0: [1 2] and 2 give [0 1].
void ScalarEq(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= b[i], else 0: [1 2 3] and [2 2 2] give [0 1 1].
void EwiseGe(const AlignedArray& a, const AlignedArray& b, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = 1 where a[i] >= val, else 0: [1 2 3] and 2 give [0 1 1].
void ScalarGe(const AlignedArray& a, scalar_t val, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the natural logarithm of a[i]: [1 e] gives [0 1]; log 0 is -inf, of a negative number NaN.
void EwiseLog(const AlignedArray& a, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = e to the power a[i]: [0 1] gives [1 e].
void EwiseExp(const AlignedArray& a, AlignedArray* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out[i] = the hyperbolic tangent of a[i]: [0 1000] gives [0 1].
void EwiseTanh(const AlignedArray& a, AlignedArray* out) {
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
/// The order of the three loops decides the speed: the innermost should walk along rows of b and out, not
/// down a column of b.
void Matmul(const AlignedArray& a, const AlignedArray& b, AlignedArray* out, size_t m, size_t n, size_t p) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out, a and b are (TILE, TILE), compact: out += a @ b.
///
/// __restrict__ promises that they share no memory. As the sizes are known too, a compiler can keep whole
/// rows in registers: write plain loops from 0 to TILE.
void AlignedDot(const scalar_t* __restrict__ a, const scalar_t* __restrict__ b, scalar_t* __restrict__ out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out is (m/T, p/T, T, T), a is (m/T, n/T, T, T), b is (n/T, p/T, T, T), all compact, T = TILE: an (m, p),
/// an (m, n) and an (n, p) matrix cut into tiles, each tile in one piece. T divides m, n and p. out = a @ b.
///
/// Tile (i, j) of out is the sum over k of tile (i, k) of a times tile (k, j) of b: one AlignedDot each.
/// Example: with m = n = p = T each matrix is one tile. At first out holds arbitrary numbers.
void MatmulTiled(const AlignedArray& a, const AlignedArray& b, AlignedArray* out, size_t m, size_t n,
                 size_t p) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out is (size,), a is (size, reduce_size), both compact: out[i] = the largest element of row i of a.
///
/// Example: a = [1 5 2  7 0 3] with reduce_size 3 gives [5 7]. A row with a NaN gives NaN, as in NumPy. No
/// row is empty, but all of its numbers may be negative.
void ReduceMax(const AlignedArray& a, AlignedArray* out, size_t reduce_size) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

/// out is (size,), a is (size, reduce_size), both compact: out[i] = the sum of row i of a.
///
/// Example: a = [1 5 2  7 0 3] with reduce_size 3 gives [8 10]; with reduce_size 0 every sum is 0.
/// A float to which a million floats are added one by one loses about two digits: add up in a double.
void ReduceSum(const AlignedArray& a, AlignedArray* out, size_t reduce_size) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

#pragma GCC diagnostic pop

// ---------------------------------------------------------------------------------------------------------------
// Checks. A kernel trusts its arguments, and a wrong one would read or write outside of its arrays. So each
// binding checks first, and a wrong call is a ValueError that says what is wrong, never a crash.
// ---------------------------------------------------------------------------------------------------------------

/// Shape, strides and counts as Python gives them: wide enough to tell what does not fit.
using Sizes = std::vector<int64_t>;

template <typename Part>
void Print(std::ostream& out, const Part& part) {
  out << part;
}

void Print(std::ostream& out, const Sizes& sizes) {
  out << "(";
  for (size_t i = 0; i < sizes.size(); i++) out << (i > 0 ? ", " : "") << sizes[i];
  out << (sizes.size() == 1 ? ",)" : ")");
}

/// Raises ValueError with the text "function: parts..." unless `ok`.
template <typename... Parts>
void Require(bool ok, const char* function, const Parts&... parts) {
  if (ok) return;
  std::ostringstream message;
  message << function << ": ";
  (Print(message, parts), ...);
  throw std::invalid_argument(message.str());
}

size_t RequireCount(const char* function, const char* name, int64_t value) {
  Require(value >= 0, function, name, " is ", value, ", expected 0 or more");
  return static_cast<size_t>(value);
}

/// x * y, or the largest size_t if that does not fit: no array has that size, so that no comparison passes.
size_t Multiply(size_t x, size_t y) {
  const size_t largest = std::numeric_limits<size_t>::max();
  return y != 0 && x > largest / y ? largest : x * y;
}

/// Shape, strides and offset as Python gave them, once they are known to lie inside an array.
struct View {
  std::vector<int32_t> shape, strides;  // equal lengths, in elements
  size_t offset;                        // in elements
  size_t size;                          // number of elements of the view
};

/// Checks that every element of a view lies inside `array`; `name` is the array's name in the messages.
View CheckedView(const char* function, const char* name, const AlignedArray& array, const Sizes& shape,
                 const Sizes& strides, int64_t offset) {
  Require(shape.size() == strides.size(), function, "shape ", shape, " and strides ", strides,
          " must have the same length");
  View view{{}, {}, 0, 1};
  for (size_t k = 0; k < shape.size(); k++) {
    Require(shape[k] >= 0 && shape[k] <= INT32_MAX, function, "shape ", shape,
            " must hold numbers from 0 to 2^31 - 1");
    Require(strides[k] >= INT32_MIN && strides[k] <= INT32_MAX, function, "strides ", strides,
            " must be signed 32-bit numbers");
    view.shape.push_back(static_cast<int32_t>(shape[k]));
    view.strides.push_back(static_cast<int32_t>(strides[k]));
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    view.size = 0;  // no element, so the offset is never used
    return view;
  }
  // The positions of the first and the last element in memory. They only move apart, so that each step can be
  // checked before the next one could overflow.
  const int64_t end = static_cast<int64_t>(array.size);
  int64_t first = offset, last = offset;
  bool inside = offset >= 0 && offset < end;
  for (size_t k = 0; k < shape.size() && inside; k++) {
    view.size = Multiply(view.size, static_cast<size_t>(shape[k]));
    const int64_t reach = (shape[k] - 1) * strides[k];
    (reach < 0 ? first : last) += reach;
    inside = first >= 0 && last < end;
  }
  Require(inside, function, "a view of shape ", shape, ", strides ", strides, ", offset ", offset,
          " reaches outside of ", name, ", which has ", array.size, " elements");
  view.offset = static_cast<size_t>(offset);
  return view;
}

void RequireSameSize(const char* function, const char* name, size_t size, const char* wanted_name,
                     size_t wanted) {
  Require(size == wanted, function, name, " has ", size, " elements, but ", wanted_name, " has ", wanted);
}

void RequireDistinct(const char* function, const AlignedArray& a, const AlignedArray& out) {
  Require(&a != &out, function,
          "out must be another array than the input, which is read while out is written");
}

// ---------------------------------------------------------------------------------------------------------------
// Bindings. Arrays are taken by reference, never by pointer: pybind11 passes None as a null pointer.
// ---------------------------------------------------------------------------------------------------------------

/// Copies a NumPy array into out. Converts nothing: a silent cast would hide where float64 came from.
void FromNumpy(const py::array& a, AlignedArray& out) {
  if (!py::isinstance<py::array_t<scalar_t>>(a)) {
    throw py::type_error("from_numpy: a has dtype " + std::string(py::str(a.dtype())) +
                         ", expected float32; convert it with a.astype(\"float32\")");
  }
  Require((a.flags() & py::array::c_style) != 0, "from_numpy",
          "a is not row-major in one piece; convert it with numpy.ascontiguousarray(a)");
  RequireSameSize("from_numpy", "a", static_cast<size_t>(a.size()), "out", out.size);
  std::copy_n(static_cast<const scalar_t*>(a.data()), out.size, out.ptr);
}

/// Returns a new row-major NumPy array with the view's elements. A copy, so that it stays valid when `a` is
/// freed and stays as it is when `a` is written to.
py::array ToNumpy(const AlignedArray& a, const Sizes& shape, const Sizes& strides, int64_t offset) {
  const View view = CheckedView("to_numpy", "a", a, shape, strides, offset);
  if (view.size == 0) return py::array_t<scalar_t>(shape);
  Sizes byte_strides;
  for (int64_t stride : strides) byte_strides.push_back(stride * static_cast<int64_t>(ELEM_SIZE));
  // None as the owner makes NumPy look at our memory instead of copying it in an order of its own choice.
  const py::array_t<scalar_t> look(shape, byte_strides, a.ptr + view.offset, py::none());
  return look.attr("copy")("C");
}

void BindEwise(py::module_& module, const char* name,
               void (*kernel)(const AlignedArray&, const AlignedArray&, AlignedArray*)) {
  const auto checked = [name, kernel](const AlignedArray& a, const AlignedArray& b, AlignedArray& out) {
    RequireSameSize(name, "b", b.size, "a", a.size);
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, b, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("b"), py::arg("out"));
}

void BindScalar(py::module_& module, const char* name,
                void (*kernel)(const AlignedArray&, scalar_t, AlignedArray*)) {
  const auto checked = [name, kernel](const AlignedArray& a, scalar_t val, AlignedArray& out) {
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, val, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("val"), py::arg("out"));
}

void BindUnary(py::module_& module, const char* name, void (*kernel)(const AlignedArray&, AlignedArray*)) {
  const auto checked = [name, kernel](const AlignedArray& a, AlignedArray& out) {
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"));
}

void BindArray(py::module_& module) {
  // module_local: the backends of two trees, yours and the reference, can be loaded in one process.
  py::class_<AlignedArray>(module, "Array", py::module_local())
      .def(py::init([](int64_t size) { return new AlignedArray(RequireCount("Array", "size", size)); }),
           py::arg("size"))
      .def_readonly("size", &AlignedArray::size)
      .def("ptr", [](const AlignedArray& a) { return reinterpret_cast<uintptr_t>(a.ptr); });
}

void BindCopies(py::module_& module) {
  module.def("from_numpy", FromNumpy, py::arg("a"), py::arg("out"));
  module.def("to_numpy", ToNumpy, py::arg("a"), py::arg("shape"), py::arg("strides"), py::arg("offset"));
  module.def(
      "fill", [](AlignedArray& out, scalar_t val) { Fill(&out, val); }, py::arg("out"), py::arg("val"));

  const auto compact = [](const AlignedArray& a, AlignedArray& out, const Sizes& shape, const Sizes& strides,
                          int64_t offset) {
    const View view = CheckedView("compact", "a", a, shape, strides, offset);
    RequireDistinct("compact", a, out);
    RequireSameSize("compact", "out", out.size, "the view", view.size);
    Compact(a, &out, view.shape, view.strides, view.offset);
  };
  module.def("compact", compact, py::arg("a"), py::arg("out"), py::arg("shape"), py::arg("strides"),
             py::arg("offset"));

  const auto ewise_setitem = [](const AlignedArray& a, AlignedArray& out, const Sizes& shape,
                                const Sizes& strides, int64_t offset) {
    const View view = CheckedView("ewise_setitem", "out", out, shape, strides, offset);
    RequireDistinct("ewise_setitem", a, out);
    RequireSameSize("ewise_setitem", "a", a.size, "the view", view.size);
    EwiseSetitem(a, &out, view.shape, view.strides, view.offset);
  };
  module.def("ewise_setitem", ewise_setitem, py::arg("a"), py::arg("out"), py::arg("shape"),
             py::arg("strides"), py::arg("offset"));

  const auto scalar_setitem = [](int64_t size, scalar_t val, AlignedArray& out, const Sizes& shape,
                                 const Sizes& strides, int64_t offset) {
    const View view = CheckedView("scalar_setitem", "out", out, shape, strides, offset);
    Require(RequireCount("scalar_setitem", "size", size) == view.size, "scalar_setitem", "size is ", size,
            ", but the view has ", view.size, " elements");
    ScalarSetitem(view.size, val, &out, view.shape, view.strides, view.offset);
  };
  module.def("scalar_setitem", scalar_setitem, py::arg("size"), py::arg("val"), py::arg("out"),
             py::arg("shape"), py::arg("strides"), py::arg("offset"));
}

void BindElementwise(py::module_& module) {
  BindEwise(module, "ewise_add", EwiseAdd);
  BindEwise(module, "ewise_mul", EwiseMul);
  BindEwise(module, "ewise_div", EwiseDiv);
  BindEwise(module, "ewise_maximum", EwiseMaximum);
  BindEwise(module, "ewise_eq", EwiseEq);
  BindEwise(module, "ewise_ge", EwiseGe);

  BindScalar(module, "scalar_add", ScalarAdd);
  BindScalar(module, "scalar_mul", ScalarMul);
  BindScalar(module, "scalar_div", ScalarDiv);
  BindScalar(module, "scalar_power", ScalarPower);
  BindScalar(module, "scalar_maximum", ScalarMaximum);
  BindScalar(module, "scalar_eq", ScalarEq);
  BindScalar(module, "scalar_ge", ScalarGe);

  BindUnary(module, "ewise_log", EwiseLog);
  BindUnary(module, "ewise_exp", EwiseExp);
  BindUnary(module, "ewise_tanh", EwiseTanh);
}

void BindProduct(py::module_& module, const char* name, size_t multiple,
                 void (*kernel)(const AlignedArray&, const AlignedArray&, AlignedArray*, size_t, size_t,
                                size_t)) {
  const auto checked = [name, multiple, kernel](const AlignedArray& a, const AlignedArray& b,
                                                AlignedArray& out, int64_t m, int64_t n, int64_t p) {
    const size_t rows = RequireCount(name, "m", m), inner = RequireCount(name, "n", n);
    const size_t columns = RequireCount(name, "p", p);
    Require(rows % multiple == 0 && inner % multiple == 0 && columns % multiple == 0, name, "m = ", m,
            ", n = ", n, ", p = ", p, " must be multiples of the tile size ", multiple);
    RequireDistinct(name, a, out);
    RequireDistinct(name, b, out);
    Require(a.size == Multiply(rows, inner), name, "a has ", a.size, " elements, expected m * n = ", m, " * ",
            n);
    Require(b.size == Multiply(inner, columns), name, "b has ", b.size, " elements, expected n * p = ", n,
            " * ", p);
    Require(out.size == Multiply(rows, columns), name, "out has ", out.size,
            " elements, expected m * p = ", m, " * ", p);
    kernel(a, b, &out, rows, inner, columns);
  };
  module.def(name, checked, py::arg("a"), py::arg("b"), py::arg("out"), py::arg("m"), py::arg("n"),
             py::arg("p"));
}

void BindReduction(py::module_& module, const char* name, int64_t shortest,
                   void (*kernel)(const AlignedArray&, AlignedArray*, size_t)) {
  const auto checked = [name, shortest, kernel](const AlignedArray& a, AlignedArray& out,
                                                int64_t reduce_size) {
    const size_t length = RequireCount(name, "reduce_size", reduce_size);
    Require(reduce_size >= shortest, name, "reduce_size is 0, and an empty row has no largest element");
    RequireDistinct(name, a, out);
    Require(a.size == Multiply(out.size, length), name, "a has ", a.size,
            " elements, expected out.size * reduce_size = ", out.size, " * ", reduce_size);
    kernel(a, &out, length);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"), py::arg("reduce_size"));
}

}  // namespace cpu
}  // namespace needle

PYBIND11_MODULE(ndarray_backend_cpu, module) {
  using namespace needle::cpu;
  module.doc() = "needle's CPU backend: flat arrays of float32 and the functions that NDArray calls";
  module.attr("__device_name__") = "cpu";
  module.attr("__tile_size__") = TILE;

  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const NotImplemented& e) {
      PyErr_SetString(PyExc_NotImplementedError, e.what());
    }
  });

  BindArray(module);
  BindCopies(module);
  BindElementwise(module);
  BindProduct(module, "matmul", 1, Matmul);
  BindProduct(module, "matmul_tiled", TILE, MatmulTiled);
  BindReduction(module, "reduce_max", 1, ReduceMax);  // a row has one element at least
  BindReduction(module, "reduce_sum", 0, ReduceSum);
}
