/// cudaMemcpy, cudaMemset and their relatives. Both ends of every copy are checked, with and without --check.
#include <cstring>
#include <string>

#include "allocations.h"
#include "arena.h"
#include "cudasim/api.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "guard.h"
#include "regions.h"
#include "shadow.h"
#include "source_line.h"

using cudasim::fail;
using cudasim::returned;
using namespace cudasim::memory;

namespace {

/// Rows of a copy; a plain one has a single row.
struct Rows {
  size_t width;   // bytes of a row
  size_t height;  // rows

  /// Bytes from the first to the last, where rows begin `pitch` bytes apart.
  size_t extent(size_t pitch) const { return (height - 1) * pitch + width; }
  bool none() const { return width == 0 || height == 0; }
};

enum class Side { host, device, both };

/// Which side may use the address, by the address alone.
Side side(const void* address) {
  if (const Region* variable = find_variable(address)) {
    return std::string(variable->kind) == "managed" ? Side::both : Side::device;
  }
  if (!arena_exists() || !arena().contains(address)) return Side::host;
  return arena().guards(address) ? Side::device : Side::both;
}

bool fits(Side actual, Side wanted) { return actual == wanted || actual == Side::both; }

/// A copy's kind contradicts its addresses. A GPU says no more than "invalid argument"; the memory check says
/// which.
cudaError_t mixed_up(const char* call, const char* end, Side wanted, const void* address) {
  if (checked()) {
    fail(std::string(wanted == Side::host ? "device" : "host") + " pointer as the " + end + " of " + call +
         at_source_line(__builtin_return_address(0)) + ", which wants " + (wanted == Side::host ? "host" : "device") +
         " memory there: " + describe(address) + ".");
  }
  return returned(cudaErrorInvalidValue);
}

/// An end in device memory must lie in one allocation or variable. A GPU hides most copies that do not: its
/// memory comes in pages of 2 MiB. `does` is "writes" or "reads".
void must_lie_within(const char* call, const char* does, const void* address, size_t bytes) {
  if (side(address) == Side::host) return;
  size_t room = 0;
  if (const Region* variable = find_variable(address)) {
    room = static_cast<size_t>(variable->address + variable->bytes - static_cast<const std::byte*>(address));
  } else if (const Allocation* allocation = find(address)) {
    room = static_cast<size_t>(allocation->end() - static_cast<const std::byte*>(address));
  }
  if (bytes <= room) return;
  std::string message = std::string(call) + at_source_line(__builtin_return_address(0)) + " " + does + " " + std::to_string(bytes) + " bytes ";
  if (room == 0) fail(message + "of device memory that is not allocated: " + describe(address) + ".");
  fail(message + "from " + describe(address) + ", " + std::to_string(bytes - room) + " more than there are.");
}

/// What cudaMemcpyKind wants of both ends; false for a number that is no kind.
bool wanted_sides(cudaMemcpyKind kind, Side& to, Side& from) {
  switch (kind) {
    case cudaMemcpyHostToHost: to = Side::host, from = Side::host; return true;
    case cudaMemcpyHostToDevice: to = Side::device, from = Side::host; return true;
    case cudaMemcpyDeviceToHost: to = Side::host, from = Side::device; return true;
    case cudaMemcpyDeviceToDevice: to = Side::device, from = Side::device; return true;
    case cudaMemcpyDefault: to = Side::both, from = Side::both; return true;
  }
  return false;
}

cudaError_t copy(const char* call, void* to, size_t to_pitch, const void* from, size_t from_pitch,
                 const Rows& rows, cudaMemcpyKind kind) {
  Side want_to, want_from;
  if (!wanted_sides(kind, want_to, want_from)) return returned(cudaErrorInvalidMemcpyDirection);
  if (rows.none()) return cudaSuccess;
  if (to == nullptr || from == nullptr) return returned(cudaErrorInvalidValue);
  if (want_to != Side::both && !fits(side(to), want_to)) return mixed_up(call, "destination", want_to, to);
  if (want_from != Side::both && !fits(side(from), want_from))
    return mixed_up(call, "source", want_from, from);
  must_lie_within(call, "writes", to, rows.extent(to_pitch));
  must_lie_within(call, "reads", from, rows.extent(from_pitch));
  const GuardLifted lifted;
  for (size_t row = 0; row < rows.height; ++row) {
    auto* target = static_cast<std::byte*>(to) + row * to_pitch;
    const auto* source = static_cast<const std::byte*>(from) + row * from_pitch;
    std::memmove(target, source, rows.width);
    // Copying is no use: what was not written stays so in the copy, and is found where a kernel reads it.
    move_set(target, source, rows.width);
  }
  return cudaSuccess;
}

cudaError_t set(const char* call, void* to, size_t pitch, int value, const Rows& rows) {
  if (rows.none()) return cudaSuccess;
  if (to == nullptr) return returned(cudaErrorInvalidValue);
  if (!fits(side(to), Side::device)) return mixed_up(call, "destination", Side::device, to);
  must_lie_within(call, "writes", to, rows.extent(pitch));
  const GuardLifted lifted;
  for (size_t row = 0; row < rows.height; ++row) {
    auto* target = static_cast<std::byte*>(to) + row * pitch;
    std::memset(target, value, rows.width);
    mark_set(target, rows.width);
  }
  return cudaSuccess;
}

cudaError_t on_stream(cudaStream_t stream) {
  return cudasim::known(stream) ? cudaSuccess : returned(cudaErrorInvalidResourceHandle);
}

/// The bytes of a __device__ or __constant__ variable that a copy means; the error where there are none such.
cudaError_t of_symbol(const void* symbol, size_t offset, size_t bytes, std::byte*& start) {
  const Region* variable = find_variable(symbol);
  if (variable == nullptr) return returned(cudaErrorInvalidSymbol);
  if (offset > variable->bytes || bytes > variable->bytes - offset) return returned(cudaErrorInvalidValue);
  start = variable->address + offset;
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return copy("cudaMemcpy", to, bytes, from, bytes, {bytes, 1}, kind);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return copy("cudaMemcpyAsync", to, bytes, from, bytes, {bytes, 1}, kind);
}

cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                         size_t height, cudaMemcpyKind kind) {
  if (width > to_pitch || width > from_pitch) return returned(cudaErrorInvalidPitchValue);
  return copy("cudaMemcpy2D", to, to_pitch, from, from_pitch, {width, height}, kind);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return cudaMemcpy2D(to, to_pitch, from, from_pitch, width, height, kind);
}

cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device, size_t bytes) {
  if (to_device != 0 || from_device != 0) return returned(cudaErrorInvalidDevice);
  return copy("cudaMemcpyPeer", to, bytes, from, bytes, {bytes, 1}, cudaMemcpyDeviceToDevice);
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return set("cudaMemset", to, bytes, value, {bytes, 1});
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return set("cudaMemsetAsync", to, bytes, value, {bytes, 1});
}

cudaError_t cudaMemset2D(void* to, size_t pitch, int value, size_t width, size_t height) {
  if (width > pitch && height > 1) return returned(cudaErrorInvalidPitchValue);
  return set("cudaMemset2D", to, pitch, value, {width, height});
}

cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return cudaMemset2D(to, pitch, value, width, height);
}

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t bytes, size_t offset,
                               cudaMemcpyKind kind) {
  std::byte* start = nullptr;
  if (const cudaError_t error = of_symbol(symbol, offset, bytes, start)) return error;
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost)
    return returned(cudaErrorInvalidMemcpyDirection);
  return copy("cudaMemcpyToSymbol", start, bytes, from, bytes, {bytes, 1}, kind);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, size_t bytes, size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return cudaMemcpyToSymbol(symbol, from, bytes, offset, kind);
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset,
                                 cudaMemcpyKind kind) {
  std::byte* start = nullptr;
  if (const cudaError_t error = of_symbol(symbol, offset, bytes, start)) return error;
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost)
    return returned(cudaErrorInvalidMemcpyDirection);
  return copy("cudaMemcpyFromSymbol", to, bytes, start, bytes, {bytes, 1}, kind);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t bytes, size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t error = on_stream(stream)) return error;
  return cudaMemcpyFromSymbol(to, symbol, bytes, offset, kind);
}

cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  const Region* variable = find_variable(symbol);
  if (pointer == nullptr) return returned(cudaErrorInvalidValue);
  if (variable == nullptr) return returned(cudaErrorInvalidSymbol);
  *pointer = variable->address;
  return cudaSuccess;
}

cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  const Region* variable = find_variable(symbol);
  if (bytes == nullptr) return returned(cudaErrorInvalidValue);
  if (variable == nullptr) return returned(cudaErrorInvalidSymbol);
  *bytes = variable->bytes;
  return cudaSuccess;
}
