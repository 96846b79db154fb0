// needle's CPU backend. Buffer owns a std::vector; all elementwise kernels are one template over a lambda.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "ndarray_bindings.h"

namespace backend {

using Ints = std::vector<int32_t>;
constexpr size_t T = 8;

struct OutOfMemory : std::bad_alloc {
  const char* what() const noexcept override { return "Array: cannot allocate so many elements"; }
};

class Buffer {
  std::vector<float> values_;

 public:
  static constexpr bool ON_HOST = true;
  explicit Buffer(size_t count) try : values_(count), size(count), ptr(values_.data()) {
  } catch (const std::exception&) {
    throw OutOfMemory();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  size_t size;
  float* ptr;
};

void CopyFromHost(const float* host, Buffer* out) { std::copy(host, host + out->size, out->ptr); }
void CopyToHost(const Buffer& a, size_t first, size_t count, float* host) {
  std::copy(a.ptr + first, a.ptr + first + count, host);
}
void Set(Buffer* out, float v) { std::fill(out->ptr, out->ptr + out->size, v); }

/// Where element `number` of a view is; signed, as strides may be.
class Locator {
  const Ints &shape_, &strides_;
  int64_t offset_;

 public:
  Locator(const Ints& shape, const Ints& strides, size_t offset)
      : shape_(shape), strides_(strides), offset_(static_cast<int64_t>(offset)) {}
  int64_t operator()(size_t number) const {
    int64_t place = offset_, left = static_cast<int64_t>(number);
    for (size_t axis = shape_.size(); axis > 0; --axis) {
      place += left % shape_[axis - 1] * strides_[axis - 1];
      left /= shape_[axis - 1];
    }
    return place;
  }
};

void Gather(const Buffer& a, Buffer* out, const Ints& shape, const Ints& strides, size_t offset) {
  const Locator where(shape, strides, offset);
  for (size_t i = out->size; i > 0; --i) out->ptr[i - 1] = a.ptr[where(i - 1)];
}
void Scatter(const Buffer& a, Buffer* out, const Ints& shape, const Ints& strides, size_t offset) {
  const Locator where(shape, strides, offset);
  for (size_t i = 0; i != a.size; ++i) out->ptr[where(i)] = a.ptr[i];
}
void ScatterOne(size_t size, float v, Buffer* out, const Ints& shape, const Ints& strides, size_t offset) {
  const Locator where(shape, strides, offset);
  for (size_t i = 0; i != size; ++i) out->ptr[where(i)] = v;
}

float LargerOf(float x, float y) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<float>::quiet_NaN();
  return std::max(x, y);
}

// What an elementwise kernel computes of one number of each operand.
struct Plus { static float of(float x, float y) { return x + y; } };
struct Times { static float of(float x, float y) { return x * y; } };
struct Over { static float of(float x, float y) { return x / y; } };
struct ToThe { static float of(float x, float y) { return static_cast<float>(std::pow(double{x}, double{y})); } };
struct Max { static float of(float x, float y) { return LargerOf(x, y); } };
struct Equal { static float of(float x, float y) { return static_cast<float>(x == y); } };
struct AtLeast { static float of(float x, float y) { return static_cast<float>(x >= y); } };
struct Log { static float of(float x) { return static_cast<float>(std::log(double{x})); } };
struct Exp { static float of(float x) { return static_cast<float>(std::exp(double{x})); } };
struct Tanh { static float of(float x) { return static_cast<float>(std::tanh(double{x})); } };

template <typename F>
void Each(const Buffer& a, const Buffer& b, Buffer* out) {
  std::transform(a.ptr, a.ptr + a.size, b.ptr, out->ptr, F::of);
}
template <typename F>
void EachWith(const Buffer& a, float v, Buffer* out) {
  std::transform(a.ptr, a.ptr + a.size, out->ptr, [v](float x) { return F::of(x, v); });
}
template <typename F>
void EachAlone(const Buffer& a, Buffer* out) {
  std::transform(a.ptr, a.ptr + a.size, out->ptr, F::of);
}

/// Columns of b are copied once, so that each element of out is the inner product of two pieces of memory.
void Product(const Buffer& a, const Buffer& b, Buffer* out, size_t m, size_t n, size_t p) {
  std::vector<float> column(n);
  for (size_t j = 0; j < p; ++j) {
    for (size_t k = 0; k < n; ++k) column[k] = b.ptr[k * p + j];
    for (size_t i = 0; i < m; ++i) {
      out->ptr[i * p + j] = std::inner_product(column.begin(), column.end(), a.ptr + i * n, 0.0f);
    }
  }
}

void ProductOfTiles(const Buffer& a, const Buffer& b, Buffer* out, size_t m, size_t n, size_t p) {
  const auto at = [](size_t row, size_t column, size_t columns) {  // in an array (rows / T, columns / T, T, T)
    return ((row / T * (columns / T) + column / T) * T + row % T) * T + column % T;
  };
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < p; ++j) {
      float sum = 0;
      for (size_t k = n; k > 0; --k) sum += a.ptr[at(i, k - 1, n)] * b.ptr[at(k - 1, j, p)];
      out->ptr[at(i, j, p)] = sum;
    }
  }
}

void MaxOfRows(const Buffer& a, Buffer* out, size_t length) {
  for (size_t i = 0; i < out->size; ++i) {
    const float* row = a.ptr + i * length;
    out->ptr[i] = std::accumulate(row, row + length, -std::numeric_limits<float>::infinity(), LargerOf);
  }
}
void SumOfRows(const Buffer& a, Buffer* out, size_t length) {
  for (size_t i = 0; i < out->size; ++i) {
    // Four running sums of floats.
    float sums[4] = {};
    for (size_t j = 0; j < length; ++j) sums[j % 4] += a.ptr[i * length + j];
    out->ptr[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
}

}  // namespace backend

PYBIND11_MODULE(ndarray_backend_cpu, module) {
  using namespace needle::bindings;
  using namespace backend;
  module.attr("__device_name__") = "cpu";
  module.attr("__tile_size__") = T;

  BindArray<Buffer>(module);
  BindCopies<Buffer>(module);
  BindFill(module, "fill", Set);
  BindCompact(module, "compact", Gather);
  BindEwiseSetitem(module, "ewise_setitem", Scatter);
  BindScalarSetitem(module, "scalar_setitem", ScatterOne);

  BindEwise(module, "ewise_add", Each<Plus>);
  BindEwise(module, "ewise_mul", Each<Times>);
  BindEwise(module, "ewise_div", Each<Over>);
  BindEwise(module, "ewise_maximum", Each<Max>);
  BindEwise(module, "ewise_eq", Each<Equal>);
  BindEwise(module, "ewise_ge", Each<AtLeast>);

  BindScalar(module, "scalar_add", EachWith<Plus>);
  BindScalar(module, "scalar_mul", EachWith<Times>);
  BindScalar(module, "scalar_div", EachWith<Over>);
  BindScalar(module, "scalar_power", EachWith<ToThe>);
  BindScalar(module, "scalar_maximum", EachWith<Max>);
  BindScalar(module, "scalar_eq", EachWith<Equal>);
  BindScalar(module, "scalar_ge", EachWith<AtLeast>);

  BindUnary(module, "ewise_log", EachAlone<Log>);
  BindUnary(module, "ewise_exp", EachAlone<Exp>);
  BindUnary(module, "ewise_tanh", EachAlone<Tanh>);

  BindProduct(module, "matmul", 1, Product);
  BindProduct(module, "matmul_tiled", T, ProductOfTiles);
  BindReduction(module, "reduce_max", 1, MaxOfRows);
  BindReduction(module, "reduce_sum", 0, SumOfRows);
}
