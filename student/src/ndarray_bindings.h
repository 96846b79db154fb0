/// What the backends share: the checks of a call from Python, and the functions that make a kernel one of
/// Python's. (Given.)
///
/// Array is the backend's type of a flat array of float32. It has `ptr`, `size` (in elements), a constructor
/// that takes the size, and `ON_HOST`: whether a program on the CPU may follow ptr. Beside it, in its
/// namespace, are two functions that move numbers between an Array and the memory of the CPU:
///
///     void CopyFromHost(const float* host, Array* out);  // out->size of them
///     void CopyToHost(const Array& a, size_t first, size_t count, float* host);  // a[first] and on

#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace needle {
namespace bindings {

namespace py = pybind11;

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

inline void Print(std::ostream& out, const Sizes& sizes) {
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

inline size_t RequireCount(const char* function, const char* name, int64_t value) {
  Require(value >= 0, function, name, " is ", value, ", expected 0 or more");
  return static_cast<size_t>(value);
}

inline void RequireSameSize(const char* function, const char* name, size_t size, const char* wanted_name,
                            size_t wanted) {
  Require(size == wanted, function, name, " has ", size, " elements, but ", wanted_name, " has ", wanted);
}

template <typename Array>
void RequireDistinct(const char* function, const Array& a, const Array& out) {
  Require(&a != &out, function,
          "out must be another array than the input, which is read while out is written");
}

/// x * y, or the largest size_t if that does not fit: no array has that size, so that no comparison passes.
inline size_t Multiply(size_t x, size_t y) {
  const size_t largest = std::numeric_limits<size_t>::max();
  return y != 0 && x > largest / y ? largest : x * y;
}

/// Shape, strides and offset as Python gave them, once they are known to lie inside an array.
struct View {
  std::vector<int32_t> shape, strides;  // equal lengths, in elements
  size_t offset;                        // in elements
  size_t size;                          // number of elements of the view
  size_t first, last;                   // the lowest and the highest position of one; 0 where there is none
};

/// Checks that every element of a view lies inside `array`; `name` is the array's name in the messages.
template <typename Array>
View CheckedView(const char* function, const char* name, const Array& array, const Sizes& shape,
                 const Sizes& strides, int64_t offset) {
  Require(shape.size() == strides.size(), function, "shape ", shape, " and strides ", strides,
          " must have the same length");
  View view{{}, {}, 0, 1, 0, 0};
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
  view.first = static_cast<size_t>(first);
  view.last = static_cast<size_t>(last);
  return view;
}

/// Whether the elements of a view that is not empty lie one after the other, in row-major order.
inline bool IsRowMajor(const View& view) {
  int64_t step = 1;
  for (size_t k = view.shape.size(); k-- > 0;) {
    if (view.shape[k] != 1 && view.strides[k] != step) return false;
    step *= view.shape[k];
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Bindings. Arrays are taken by reference, never by pointer: pybind11 passes None as a null pointer.
// ---------------------------------------------------------------------------------------------------------------

/// Copies a NumPy array into out. Converts nothing: a silent cast would hide where float64 came from.
template <typename Array>
void FromNumpy(const py::array& a, Array& out) {
  if (!py::isinstance<py::array_t<float>>(a)) {
    throw py::type_error("from_numpy: a has dtype " + std::string(py::str(a.dtype())) +
                         ", expected float32; convert it with a.astype(\"float32\")");
  }
  Require((a.flags() & py::array::c_style) != 0, "from_numpy",
          "a is not row-major in one piece; convert it with numpy.ascontiguousarray(a)");
  RequireSameSize("from_numpy", "a", static_cast<size_t>(a.size()), "out", out.size);
  CopyFromHost(static_cast<const float*>(a.data()), &out);
}

/// Returns a new row-major NumPy array with the view's elements. A copy, so that it stays valid when `a` is
/// freed and stays as it is when `a` is written to.
template <typename Array>
py::array ToNumpy(const Array& a, const Sizes& shape, const Sizes& strides, int64_t offset) {
  const View view = CheckedView("to_numpy", "a", a, shape, strides, offset);
  if (view.size == 0) return py::array_t<float>(shape);
  if (IsRowMajor(view)) {
    py::array_t<float> out(shape);
    CopyToHost(a, view.offset, view.size, out.mutable_data());
    return std::move(out);
  }
  const float* first;             // element view.first of a, where the CPU can read it
  std::unique_ptr<float[]> span;  // of a device's memory: all from the first to the last element of the view
  if constexpr (Array::ON_HOST) {
    first = a.ptr + view.first;
  } else {
    const size_t count = view.last - view.first + 1;
    span.reset(new float[count]);  // not make_unique, which would set them all to 0 before
    CopyToHost(a, view.first, count, span.get());
    first = span.get();
  }
  Sizes byte_strides;
  for (int64_t stride : strides) byte_strides.push_back(stride * static_cast<int64_t>(sizeof(float)));
  // None as the owner makes NumPy look at this memory instead of copying it in an order of its own choice.
  const py::array_t<float> look(shape, byte_strides, first + (view.offset - view.first), py::none());
  return look.attr("copy")("C");
}

template <typename Array>
void BindArray(py::module_& module) {
  // module_local: the backends of two trees, yours and the reference, can be loaded in one process.
  py::class_<Array>(module, "Array", py::module_local())
      .def(py::init([](int64_t size) { return new Array(RequireCount("Array", "size", size)); }),
           py::arg("size"))
      .def_readonly("size", &Array::size)
      .def("ptr", [](const Array& a) { return reinterpret_cast<uintptr_t>(a.ptr); });
}

template <typename Array>
void BindCopies(py::module_& module) {
  module.def("from_numpy", FromNumpy<Array>, py::arg("a"), py::arg("out"));
  module.def("to_numpy", ToNumpy<Array>, py::arg("a"), py::arg("shape"), py::arg("strides"),
             py::arg("offset"));
}

template <typename Array>
void BindFill(py::module_& module, const char* name, void (*kernel)(Array*, float)) {
  const auto fill = [kernel](Array& out, float val) { kernel(&out, val); };
  module.def(name, fill, py::arg("out"), py::arg("val"));
}

/// A kernel that moves the elements of an array to or from a view: Compact and EwiseSetitem.
template <typename Array>
using ViewKernel = void (*)(const Array&, Array*, const std::vector<int32_t>&, const std::vector<int32_t>&,
                            size_t);

template <typename Array>
void BindCompact(py::module_& module, const char* name, ViewKernel<Array> kernel) {
  const auto checked = [name, kernel](const Array& a, Array& out, const Sizes& shape, const Sizes& strides,
                                      int64_t offset) {
    const View view = CheckedView(name, "a", a, shape, strides, offset);
    RequireDistinct(name, a, out);
    RequireSameSize(name, "out", out.size, "the view", view.size);
    kernel(a, &out, view.shape, view.strides, view.offset);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"), py::arg("shape"), py::arg("strides"),
             py::arg("offset"));
}

template <typename Array>
void BindEwiseSetitem(py::module_& module, const char* name, ViewKernel<Array> kernel) {
  const auto checked = [name, kernel](const Array& a, Array& out, const Sizes& shape, const Sizes& strides,
                                      int64_t offset) {
    const View view = CheckedView(name, "out", out, shape, strides, offset);
    RequireDistinct(name, a, out);
    RequireSameSize(name, "a", a.size, "the view", view.size);
    kernel(a, &out, view.shape, view.strides, view.offset);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"), py::arg("shape"), py::arg("strides"),
             py::arg("offset"));
}

template <typename Array>
void BindScalarSetitem(py::module_& module, const char* name,
                       void (*kernel)(size_t, float, Array*, const std::vector<int32_t>&,
                                      const std::vector<int32_t>&, size_t)) {
  const auto checked = [name, kernel](int64_t size, float val, Array& out, const Sizes& shape,
                                      const Sizes& strides, int64_t offset) {
    const View view = CheckedView(name, "out", out, shape, strides, offset);
    Require(RequireCount(name, "size", size) == view.size, name, "size is ", size, ", but the view has ",
            view.size, " elements");
    kernel(view.size, val, &out, view.shape, view.strides, view.offset);
  };
  module.def(name, checked, py::arg("size"), py::arg("val"), py::arg("out"), py::arg("shape"),
             py::arg("strides"), py::arg("offset"));
}

template <typename Array>
void BindEwise(py::module_& module, const char* name, void (*kernel)(const Array&, const Array&, Array*)) {
  const auto checked = [name, kernel](const Array& a, const Array& b, Array& out) {
    RequireSameSize(name, "b", b.size, "a", a.size);
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, b, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("b"), py::arg("out"));
}

template <typename Array>
void BindScalar(py::module_& module, const char* name, void (*kernel)(const Array&, float, Array*)) {
  const auto checked = [name, kernel](const Array& a, float val, Array& out) {
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, val, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("val"), py::arg("out"));
}

template <typename Array>
void BindUnary(py::module_& module, const char* name, void (*kernel)(const Array&, Array*)) {
  const auto checked = [name, kernel](const Array& a, Array& out) {
    RequireSameSize(name, "out", out.size, "a", a.size);
    kernel(a, &out);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"));
}

/// A matrix product whose sides m, n and p are each a multiple of `multiple`.
template <typename Array>
void BindProduct(py::module_& module, const char* name, size_t multiple,
                 void (*kernel)(const Array&, const Array&, Array*, size_t, size_t, size_t)) {
  const auto checked = [name, multiple, kernel](const Array& a, const Array& b, Array& out, int64_t m,
                                                int64_t n, int64_t p) {
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

/// A reduction of rows that have `shortest` elements or more.
template <typename Array>
void BindReduction(py::module_& module, const char* name, int64_t shortest,
                   void (*kernel)(const Array&, Array*, size_t)) {
  const auto checked = [name, shortest, kernel](const Array& a, Array& out, int64_t reduce_size) {
    const size_t length = RequireCount(name, "reduce_size", reduce_size);
    Require(reduce_size >= shortest, name, "reduce_size is 0, and an empty row has no largest element");
    RequireDistinct(name, a, out);
    Require(a.size == Multiply(out.size, length), name, "a has ", a.size,
            " elements, expected out.size * reduce_size = ", out.size, " * ", reduce_size);
    kernel(a, &out, length);
  };
  module.def(name, checked, py::arg("a"), py::arg("out"), py::arg("reduce_size"));
}

/// Python sees NotImplementedError where a kernel throws the backend's own NotImplemented.
template <typename NotImplemented>
void BindNotImplemented() {
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const NotImplemented& e) {
      PyErr_SetString(PyExc_NotImplementedError, e.what());
    }
  });
}

}  // namespace bindings
}  // namespace needle
