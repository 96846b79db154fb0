/// What kernel_api.h asks about a kernel.
#include <algorithm>

#include "cudasim/api.h"
#include "cudasim/kernel_api.h"
#include "cudasim/shared.h"

using cudasim::returned;

namespace {

/// Blocks that fit on one multiprocessor; 0 where a block is too large.
int blocks_that_fit(const cudaDeviceProp& device, int threads, size_t dynamic_shared) {
  if (threads > device.maxThreadsPerBlock || dynamic_shared > device.sharedMemPerBlockOptin) return 0;
  const int whole_warps = (threads + device.warpSize - 1) / device.warpSize * device.warpSize;
  const int by_threads = device.maxThreadsPerMultiProcessor / whole_warps;
  const size_t shared = dynamic_shared + device.reservedSharedMemPerBlock;
  const int by_shared = static_cast<int>(device.sharedMemPerMultiprocessor / shared);
  return std::min({by_threads, by_shared, device.maxBlocksPerMultiProcessor});
}

cudaDeviceProp this_device() {
  cudaDeviceProp device;
  cudaGetDeviceProperties(&device, 0);
  return device;
}

}  // namespace

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (kernel == nullptr) return returned(cudaErrorInvalidDeviceFunction);
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) {
    return value >= -1 && value <= 100 ? cudaSuccess : returned(cudaErrorInvalidValue);
  }
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return returned(cudaErrorInvalidValue);
  return cudasim::allow_dynamic_shared(kernel, value) ? cudaSuccess : returned(cudaErrorInvalidValue);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  if (attributes == nullptr) return returned(cudaErrorInvalidValue);
  if (kernel == nullptr) return returned(cudaErrorInvalidDeviceFunction);
  const cudaDeviceProp device = this_device();
  *attributes = {};
  attributes->maxThreadsPerBlock = device.maxThreadsPerBlock;
  attributes->numRegs = device.regsPerMultiprocessor / device.maxThreadsPerMultiProcessor;
  attributes->ptxVersion = attributes->binaryVersion = device.major * 10 + device.minor;
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(cudasim::allowed_dynamic_shared(kernel));
  attributes->preferredShmemCarveout = cudaSharedmemCarveoutDefault;
  return cudaSuccess;
}

cudaError_t cudaFuncSetCacheConfig(const void* kernel, cudaFuncCache) {
  return kernel != nullptr ? cudaSuccess : returned(cudaErrorInvalidDeviceFunction);
}

cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) { return cudaSuccess; }

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads,
                                                          size_t dynamic_shared) {
  if (blocks == nullptr || threads <= 0) return returned(cudaErrorInvalidValue);
  if (kernel == nullptr) return returned(cudaErrorInvalidDeviceFunction);
  *blocks = blocks_that_fit(this_device(), threads, dynamic_shared);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxPotentialBlockSize(int* blocks, int* threads, const void* kernel,
                                               size_t dynamic_shared, int most_threads) {
  if (blocks == nullptr || threads == nullptr || most_threads < 0) return returned(cudaErrorInvalidValue);
  if (kernel == nullptr) return returned(cudaErrorInvalidDeviceFunction);
  const cudaDeviceProp device = this_device();
  const int limit =
      most_threads == 0 ? device.maxThreadsPerBlock : std::min(most_threads, device.maxThreadsPerBlock);
  int most_resident = 0;
  *threads = *blocks = 0;
  for (int candidate = limit / 32 * 32; candidate > 0; candidate -= 32) {  // the largest of equally good ones
    const int fit = blocks_that_fit(device, candidate, dynamic_shared);
    if (fit * candidate <= most_resident) continue;
    most_resident = fit * candidate;
    *threads = candidate;
    *blocks = fit * device.multiProcessorCount;
  }
  return cudaSuccess;
}
