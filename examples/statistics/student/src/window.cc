// The module stats._window.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <deque>
#include <exception>
#include <string>

namespace {

/// Thrown by a function that is not written yet; Python sees NotImplementedError.
struct NotImplemented : std::exception {
  explicit NotImplemented(const char* function)
      : message(std::string(function) + " is yours to write (src/window.cc)") {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// out (n - width + 1) is the maximum of each `width` neighbours in values (n), 1 <= width <= n.
///
/// In O(n), whatever the width: keep the places of those numbers that may still become a maximum. A number that is
/// followed by a larger one never will. (Lemire, "Streaming maximum-minimum filter", 2006.)
void MovingMaximum(const double* values, double* out, std::size_t n, std::size_t width) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

}  // namespace

PYBIND11_MODULE(_window, m) {
  namespace py = pybind11;
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const NotImplemented& error) {
      PyErr_SetString(PyExc_NotImplementedError, error.what());
    }
  });
  m.def("moving_maximum", [](py::array_t<double, py::array::c_style> values, std::size_t width) {
    const auto n = static_cast<std::size_t>(values.size());
    py::array_t<double> out(static_cast<py::ssize_t>(n - width + 1));
    MovingMaximum(values.data(), out.mutable_data(), n, width);
    return out;
  });
}
