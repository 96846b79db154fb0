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
/// In this order: arrays, kernels (yours to write), the list of what Python sees. How a function of Python's
/// checks its arguments and calls a kernel is in ndarray_bindings.h, which the CUDA backend shares.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "ndarray_bindings.h"

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
  static constexpr bool ON_HOST = true;  // a program on the CPU may follow ptr

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
// Kernels. The bindings check sizes and bounds before a kernel runs, so that a kernel only computes. out
// never is an input too in Compact, EwiseSetitem, Matmul, MatmulTiled and the reductions; an elementwise
// kernel may be given one array twice.
// ---------------------------------------------------------------------------------------------------------------

// A kernel that only throws uses none of its parameters.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/// out is (size,): every element becomes val. (Given.)
void Fill(AlignedArray* out, scalar_t val) {
  for (size_t i = 0; i < out->size; i++) out->ptr[i] = val;
}

/// `host` holds as many floats as `out`, which becomes a copy of them. (Given.)
void CopyFromHost(const scalar_t* host, AlignedArray* out) { std::copy_n(host, out->size, out->ptr); }

/// host[i] = a[first + i] for i < count. (Given.)
void CopyToHost(const AlignedArray& a, size_t first, size_t count, scalar_t* host) {
  std::copy_n(a.ptr + first, count, host);
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

}  // namespace cpu
}  // namespace needle

PYBIND11_MODULE(ndarray_backend_cpu, module) {
  using namespace needle::bindings;
  using namespace needle::cpu;
  module.doc() = "needle's CPU backend: flat arrays of float32 and the functions that NDArray calls";
  module.attr("__device_name__") = "cpu";
  module.attr("__tile_size__") = TILE;

  BindNotImplemented<NotImplemented>();
  BindArray<AlignedArray>(module);
  BindCopies<AlignedArray>(module);
  BindFill(module, "fill", Fill);
  BindCompact(module, "compact", Compact);
  BindEwiseSetitem(module, "ewise_setitem", EwiseSetitem);
  BindScalarSetitem(module, "scalar_setitem", ScalarSetitem);

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

  BindProduct(module, "matmul", 1, Matmul);
  BindProduct(module, "matmul_tiled", TILE, MatmulTiled);
  BindReduction(module, "reduce_max", 1, ReduceMax);  // a row has one element at least
  BindReduction(module, "reduce_sum", 0, ReduceSum);
}
