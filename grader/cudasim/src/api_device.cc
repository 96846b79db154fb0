/// The one device, its properties and limits.
#include <cstring>

#include "allocations.h"
#include "arena.h"
#include "cudasim/api.h"
#include "cudasim/memory.h"

using cudasim::returned;
using namespace cudasim::memory;

namespace {

constexpr size_t KIB = 1024;

cudaDeviceProp properties() {
  cudaDeviceProp p{};
  std::strcpy(p.name, "cuda-sim");
  p.totalGlobalMem = arena().guarded_bytes - SHARED_RESERVED;
  p.sharedMemPerBlock = 48 * KIB;
  p.regsPerBlock = 65536;
  p.warpSize = 32;
  p.memPitch = 0x7FFFFFFF;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7FFFFFFF;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.clockRate = 1500000;
  p.totalConstMem = 64 * KIB;
  p.major = 9;
  p.minor = 0;
  p.textureAlignment = 512;
  p.deviceOverlap = 1;
  p.multiProcessorCount = 8;
  p.canMapHostMemory = 1;
  p.asyncEngineCount = 2;
  p.unifiedAddressing = 1;
  p.memoryClockRate = 7000000;
  p.memoryBusWidth = 256;
  p.l2CacheSize = 4 * 1024 * static_cast<int>(KIB);
  p.maxThreadsPerMultiProcessor = 2048;
  p.streamPrioritiesSupported = 1;
  p.globalL1CacheSupported = 1;
  p.localL1CacheSupported = 1;
  p.sharedMemPerMultiprocessor = 228 * KIB;
  p.regsPerMultiprocessor = 65536;
  p.managedMemory = 1;
  p.computePreemptionSupported = 1;
  p.sharedMemPerBlockOptin = MAX_SHARED_BYTES;
  p.maxBlocksPerMultiProcessor = 32;
  p.reservedSharedMemPerBlock = KIB;
  p.memoryPoolsSupported = 1;
  return p;
}

/// Its value, or false for an attribute that CUDA knows and cuda-sim does not.
bool look_up(const cudaDeviceProp& p, cudaDeviceAttr attribute, int& value) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: value = p.maxThreadsPerBlock; return true;
    case cudaDevAttrMaxBlockDimX: value = p.maxThreadsDim[0]; return true;
    case cudaDevAttrMaxBlockDimY: value = p.maxThreadsDim[1]; return true;
    case cudaDevAttrMaxBlockDimZ: value = p.maxThreadsDim[2]; return true;
    case cudaDevAttrMaxGridDimX: value = p.maxGridSize[0]; return true;
    case cudaDevAttrMaxGridDimY: value = p.maxGridSize[1]; return true;
    case cudaDevAttrMaxGridDimZ: value = p.maxGridSize[2]; return true;
    case cudaDevAttrMaxSharedMemoryPerBlock: value = static_cast<int>(p.sharedMemPerBlock); return true;
    case cudaDevAttrTotalConstantMemory: value = static_cast<int>(p.totalConstMem); return true;
    case cudaDevAttrWarpSize: value = p.warpSize; return true;
    case cudaDevAttrMaxPitch: value = static_cast<int>(p.memPitch); return true;
    case cudaDevAttrMaxRegistersPerBlock: value = p.regsPerBlock; return true;
    case cudaDevAttrClockRate: value = p.clockRate; return true;
    case cudaDevAttrTextureAlignment: value = static_cast<int>(p.textureAlignment); return true;
    case cudaDevAttrGpuOverlap: value = p.deviceOverlap; return true;
    case cudaDevAttrMultiProcessorCount: value = p.multiProcessorCount; return true;
    case cudaDevAttrKernelExecTimeout: value = p.kernelExecTimeoutEnabled; return true;
    case cudaDevAttrIntegrated: value = p.integrated; return true;
    case cudaDevAttrCanMapHostMemory: value = p.canMapHostMemory; return true;
    case cudaDevAttrComputeMode: value = p.computeMode; return true;
    case cudaDevAttrConcurrentKernels: value = p.concurrentKernels; return true;
    case cudaDevAttrEccEnabled: value = p.ECCEnabled; return true;
    case cudaDevAttrPciBusId: value = p.pciBusID; return true;
    case cudaDevAttrPciDeviceId: value = p.pciDeviceID; return true;
    case cudaDevAttrTccDriver: value = p.tccDriver; return true;
    case cudaDevAttrMemoryClockRate: value = p.memoryClockRate; return true;
    case cudaDevAttrGlobalMemoryBusWidth: value = p.memoryBusWidth; return true;
    case cudaDevAttrL2CacheSize: value = p.l2CacheSize; return true;
    case cudaDevAttrMaxThreadsPerMultiProcessor: value = p.maxThreadsPerMultiProcessor; return true;
    case cudaDevAttrAsyncEngineCount: value = p.asyncEngineCount; return true;
    case cudaDevAttrUnifiedAddressing: value = p.unifiedAddressing; return true;
    case cudaDevAttrPciDomainId: value = p.pciDomainID; return true;
    case cudaDevAttrComputeCapabilityMajor: value = p.major; return true;
    case cudaDevAttrComputeCapabilityMinor: value = p.minor; return true;
    case cudaDevAttrStreamPrioritiesSupported: value = p.streamPrioritiesSupported; return true;
    case cudaDevAttrGlobalL1CacheSupported: value = p.globalL1CacheSupported; return true;
    case cudaDevAttrLocalL1CacheSupported: value = p.localL1CacheSupported; return true;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      value = static_cast<int>(p.sharedMemPerMultiprocessor);
      return true;
    case cudaDevAttrMaxRegistersPerMultiprocessor: value = p.regsPerMultiprocessor; return true;
    case cudaDevAttrManagedMemory: value = p.managedMemory; return true;
    case cudaDevAttrIsMultiGpuBoard: value = p.isMultiGpuBoard; return true;
    case cudaDevAttrMultiGpuBoardGroupID: value = p.multiGpuBoardGroupID; return true;
    case cudaDevAttrHostNativeAtomicSupported: value = p.hostNativeAtomicSupported; return true;
    case cudaDevAttrPageableMemoryAccess: value = p.pageableMemoryAccess; return true;
    case cudaDevAttrConcurrentManagedAccess: value = p.concurrentManagedAccess; return true;
    case cudaDevAttrComputePreemptionSupported: value = p.computePreemptionSupported; return true;
    case cudaDevAttrCanUseHostPointerForRegisteredMem:
      value = p.canUseHostPointerForRegisteredMem;
      return true;
    case cudaDevAttrCooperativeLaunch: value = p.cooperativeLaunch; return true;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      value = static_cast<int>(p.sharedMemPerBlockOptin);
      return true;
    case cudaDevAttrHostRegisterSupported: value = p.hostRegisterSupported; return true;
    case cudaDevAttrDirectManagedMemAccessFromHost: value = p.directManagedMemAccessFromHost; return true;
    case cudaDevAttrMaxBlocksPerMultiprocessor: value = p.maxBlocksPerMultiProcessor; return true;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      value = static_cast<int>(p.reservedSharedMemPerBlock);
      return true;
    case cudaDevAttrMemoryPoolsSupported: value = p.memoryPoolsSupported; return true;
    case cudaDevAttrClusterLaunch: value = p.clusterLaunch; return true;
  }
  return false;
}

/// What cudaDeviceSetLimit has set; CUDA's values at first. They change nothing here.
size_t limits[] = {1024, size_t{1} << 20, size_t{8} << 20};

}  // namespace

cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaDeviceReset() {
  release_all();
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (count == nullptr) return returned(cudaErrorInvalidValue);
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  if (device == nullptr) return returned(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : returned(cudaErrorInvalidDevice); }
cudaError_t cudaSetDeviceFlags(unsigned) { return cudaSuccess; }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* wanted, int device) {
  if (wanted == nullptr) return returned(cudaErrorInvalidValue);
  if (device != 0) return returned(cudaErrorInvalidDevice);
  *wanted = properties();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (value == nullptr) return returned(cudaErrorInvalidValue);
  if (device != 0) return returned(cudaErrorInvalidDevice);
  return look_up(properties(), attribute, *value) ? cudaSuccess : returned(cudaErrorInvalidValue);
}

cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaRuntimeGetVersion(int* version) {
  if (version == nullptr) return returned(cudaErrorInvalidValue);
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
  if (limit > cudaLimitMallocHeapSize) return returned(cudaErrorUnsupportedLimit);
  limits[limit] = value;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetLimit(size_t* value, cudaLimit limit) {
  if (value == nullptr) return returned(cudaErrorInvalidValue);
  if (limit > cudaLimitMallocHeapSize) return returned(cudaErrorUnsupportedLimit);
  *value = limits[limit];
  return cudaSuccess;
}
