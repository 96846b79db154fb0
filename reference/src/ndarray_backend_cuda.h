/// The CUDA backend's arrays and functions, as its bindings see them. (Given.)
///
/// What each function computes is said at its definition in ndarray_backend_cuda.cu, which is yours to write.
/// Nothing of CUDA is in this file, and nothing of Python in that one: so the bindings need no CUDA compiler,
/// and a change of a kernel is compiled again in seconds.

#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace needle {
namespace cuda {

using scalar_t = float;

constexpr size_t ELEM_SIZE = sizeof(scalar_t);

/// The device's memory ran out; Python sees MemoryError.
struct AllocationFailure : std::bad_alloc {
  explicit AllocationFailure(std::string words) : message(std::move(words)) {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// Thrown by a function that is not written yet; Python sees NotImplementedError.
struct NotImplemented : std::exception {
  explicit NotImplemented(const char* function)
      : message(std::string(function) + " is yours to write (src/ndarray_backend_cuda.cu)") {}
  const char* what() const noexcept override { return message.c_str(); }
  std::string message;
};

/// `size` floats in the device's memory, at an address that is a multiple of 256 bytes; what they hold at
/// first is arbitrary. size may be 0, and ptr is then null. Only kernels may follow ptr: on the host it is a
/// number.
struct CudaArray {
  static constexpr bool ON_HOST = false;

  explicit CudaArray(size_t count);
  ~CudaArray();
  CudaArray(const CudaArray&) = delete;  // two owners would free the memory twice
  CudaArray& operator=(const CudaArray&) = delete;

  scalar_t* ptr = nullptr;
  size_t size;
};

/// Why no array can be made on this machine, in words; empty where it can.
std::string WhyNoDevice();

void CopyFromHost(const scalar_t* host, CudaArray* out);
void CopyToHost(const CudaArray& a, size_t first, size_t count, scalar_t* host);

void Fill(CudaArray* out, scalar_t val);
void Compact(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
             const std::vector<int32_t>& strides, size_t offset);
void EwiseSetitem(const CudaArray& a, CudaArray* out, const std::vector<int32_t>& shape,
                  const std::vector<int32_t>& strides, size_t offset);
void ScalarSetitem(size_t size, scalar_t val, CudaArray* out, const std::vector<int32_t>& shape,
                   const std::vector<int32_t>& strides, size_t offset);

void EwiseAdd(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwiseMul(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwiseDiv(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwisePower(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwiseMaximum(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwiseEq(const CudaArray& a, const CudaArray& b, CudaArray* out);
void EwiseGe(const CudaArray& a, const CudaArray& b, CudaArray* out);

void ScalarAdd(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarMul(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarDiv(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarPower(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarMaximum(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarEq(const CudaArray& a, scalar_t val, CudaArray* out);
void ScalarGe(const CudaArray& a, scalar_t val, CudaArray* out);

void EwiseLog(const CudaArray& a, CudaArray* out);
void EwiseExp(const CudaArray& a, CudaArray* out);
void EwiseTanh(const CudaArray& a, CudaArray* out);

void Matmul(const CudaArray& a, const CudaArray& b, CudaArray* out, size_t m, size_t n, size_t p);
void ReduceMax(const CudaArray& a, CudaArray* out, size_t reduce_size);
void ReduceSum(const CudaArray& a, CudaArray* out, size_t reduce_size);

}  // namespace cuda
}  // namespace needle
