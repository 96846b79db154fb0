/// cudaMalloc, cudaFree and their relatives.
#include "allocations.h"
#include "arena.h"
#include "cudasim/api.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "regions.h"
#include "report.h"
#include "source_line.h"

using cudasim::returned;
using namespace cudasim::memory;

namespace {

constexpr size_t PITCH = 512;  // bytes that rows of cudaMallocPitch are aligned to, as on today's GPUs

cudaError_t give(void** pointer, size_t bytes, Kind kind) {
  if (pointer == nullptr) return returned(cudaErrorInvalidValue);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;  // CUDA gives a null pointer
  *pointer = allocate(bytes, kind);
  return *pointer != nullptr ? cudaSuccess : returned(cudaErrorMemoryAllocation);
}

/// As on a GPU, freeing what is not an allocation is only an error code, which few look at; under the memory
/// check it is said, too. Not a Failure: most frees are in destructors, which must not throw.
cudaError_t take(void* pointer, bool host, const char* call) {
  if (pointer == nullptr) return cudaSuccess;
  const Allocation* allocation = find(pointer);
  if (allocation != nullptr && allocation->address == pointer && (allocation->kind == Kind::host) == host) {
    release(pointer);
    return cudaSuccess;
  }
  if (checked()) {
    const Allocation* freed = nearest(pointer);
    const bool twice = freed != nullptr && freed->freed && freed->address == pointer;
    say(std::string(call) + at_source_line(__builtin_return_address(0)) + (twice ? " for the second time: " : " of what it cannot free: ") +
        describe(pointer) + ".");
  }
  return returned(cudaErrorInvalidValue);
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, size_t bytes) { return give(pointer, bytes, Kind::device); }

cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  if (!cudasim::known(stream)) return returned(cudaErrorInvalidResourceHandle);
  return give(pointer, bytes, Kind::device);
}

cudaError_t cudaMallocFromPoolAsync(void** pointer, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  if (pool == nullptr) return returned(cudaErrorInvalidValue);
  return cudaMallocAsync(pointer, bytes, stream);
}

cudaError_t cudaMallocManaged(void** pointer, size_t bytes, unsigned flags) {
  if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost))
    return returned(cudaErrorInvalidValue);
  return give(pointer, bytes, Kind::managed);
}

cudaError_t cudaMallocPitch(void** pointer, size_t* pitch, size_t width, size_t height) {
  if (pointer == nullptr || pitch == nullptr) return returned(cudaErrorInvalidValue);
  *pitch = (width + PITCH - 1) / PITCH * PITCH;
  if (height != 0 && (*pitch < width || *pitch > SIZE_MAX / height))
    return returned(cudaErrorMemoryAllocation);
  return give(pointer, *pitch * height, Kind::device);
}

cudaError_t cudaFree(void* pointer) { return take(pointer, false, "cudaFree"); }

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  if (!cudasim::known(stream)) return returned(cudaErrorInvalidResourceHandle);
  return take(pointer, false, "cudaFreeAsync");
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned flags) {
  if (flags > (cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined)) {
    return returned(cudaErrorInvalidValue);
  }
  return give(pointer, bytes, Kind::host);
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes, unsigned flags) {
  return cudaHostAlloc(pointer, bytes, flags);
}

cudaError_t cudaFreeHost(void* pointer) { return take(pointer, true, "cudaFreeHost"); }

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned flags) {
  const Allocation* allocation = find(host);
  if (device == nullptr || flags != 0 || allocation == nullptr || allocation->kind != Kind::host) {
    return returned(cudaErrorInvalidValue);
  }
  *device = host;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  if (free == nullptr || total == nullptr) return returned(cudaErrorInvalidValue);
  *total = arena().guarded_bytes - SHARED_RESERVED;
  *free = *total - bytes_in_use();
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  if (attributes == nullptr) return returned(cudaErrorInvalidValue);
  void* same = const_cast<void*>(pointer);
  const Allocation* allocation = find(pointer);
  const Region* variable = find_variable(pointer);
  if (allocation == nullptr && variable == nullptr) {
    *attributes = {cudaMemoryTypeUnregistered, cudaInvalidDeviceId, nullptr, same, {}};
  } else if (allocation == nullptr || allocation->kind == Kind::device) {
    const bool managed = variable != nullptr && std::string(variable->kind) == "managed";
    *attributes = {
        managed ? cudaMemoryTypeManaged : cudaMemoryTypeDevice, 0, same, managed ? same : nullptr, {}};
  } else {
    *attributes = {
        allocation->kind == Kind::host ? cudaMemoryTypeHost : cudaMemoryTypeManaged, 0, same, same, {}};
  }
  return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void* pointer, size_t bytes, int device, cudaStream_t stream) {
  const Allocation* allocation = find(pointer);
  if (!cudasim::known(stream)) return returned(cudaErrorInvalidResourceHandle);
  if (device != 0 && device != cudaCpuDeviceId) return returned(cudaErrorInvalidDevice);
  if (allocation == nullptr || allocation->kind != Kind::managed || bytes == 0 ||
      bytes > static_cast<size_t>(allocation->end() - static_cast<const std::byte*>(pointer))) {
    return returned(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void* pointer, size_t bytes, cudaMemLocation to, unsigned flags,
                                 cudaStream_t stream) {
  if (flags != 0) return returned(cudaErrorInvalidValue);
  return cudaMemPrefetchAsync(pointer, bytes, to.type == cudaMemLocationTypeHost ? cudaCpuDeviceId : to.id,
                              stream);
}
