/// The device's one memory pool. What is freed is free at once, so that its attributes are only kept.
#include <cstdint>

#include "allocations.h"
#include "cudasim/api.h"

using cudasim::returned;

struct CUmemPoolHandle_st {
  int reuse[3] = {1, 1, 1};  // FollowEventDependencies, AllowOpportunistic, AllowInternalDependencies
  uint64_t release_threshold = 0;
};

namespace {

CUmemPoolHandle_st the_pool;

cudaError_t get(cudaMemPool_t* pool, int device) {
  if (pool == nullptr) return returned(cudaErrorInvalidValue);
  if (device != 0) return returned(cudaErrorInvalidDevice);
  *pool = &the_pool;
  return cudaSuccess;
}

bool is_reuse(cudaMemPoolAttr attribute) {
  return attribute >= cudaMemPoolReuseFollowEventDependencies &&
         attribute <= cudaMemPoolReuseAllowInternalDependencies;
}

}  // namespace

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) { return get(pool, device); }
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return get(pool, device); }

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  if (device != 0) return returned(cudaErrorInvalidDevice);
  return pool == &the_pool ? cudaSuccess : returned(cudaErrorInvalidValue);
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (pool != &the_pool || value == nullptr) return returned(cudaErrorInvalidValue);
  if (is_reuse(attribute)) {
    pool->reuse[attribute - cudaMemPoolReuseFollowEventDependencies] = *static_cast<int*>(value);
  } else if (attribute == cudaMemPoolAttrReleaseThreshold) {
    pool->release_threshold = *static_cast<uint64_t*>(value);
  } else if (attribute != cudaMemPoolAttrReservedMemHigh && attribute != cudaMemPoolAttrUsedMemHigh) {
    return returned(cudaErrorInvalidValue);  // the others are only read; these two are only reset
  }
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  if (pool != &the_pool || value == nullptr) return returned(cudaErrorInvalidValue);
  if (is_reuse(attribute)) {
    *static_cast<int*>(value) = pool->reuse[attribute - cudaMemPoolReuseFollowEventDependencies];
    return cudaSuccess;
  }
  auto& bytes = *static_cast<uint64_t*>(value);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold: bytes = pool->release_threshold; return cudaSuccess;
    case cudaMemPoolAttrReservedMemCurrent:
    case cudaMemPoolAttrUsedMemCurrent: bytes = cudasim::memory::bytes_in_use(); return cudaSuccess;
    case cudaMemPoolAttrReservedMemHigh:
    case cudaMemPoolAttrUsedMemHigh: bytes = cudasim::memory::most_bytes_in_use(); return cudaSuccess;
    default: return returned(cudaErrorInvalidValue);
  }
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) {
  return pool == &the_pool ? cudaSuccess : returned(cudaErrorInvalidValue);
}
