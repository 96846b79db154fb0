// How often each byte occurs: a histogram a block in shared memory, then added to the one in device memory.
#include "common.cuh"

constexpr int kBins = 256;

// in: (n); bins: (kBins), zero before
__global__ void Histogram(const unsigned char* in, unsigned* bins, int n) {
  __shared__ unsigned mine[kBins];
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) mine[bin] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&mine[in[i]], 1u);
  __syncthreads();
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) atomicAdd(&bins[bin], mine[bin]);
}

__global__ void HistogramGlobal(const unsigned char* in, unsigned* bins, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&bins[in[i]], 1u);
}

__global__ void HistogramNoAtomic(const unsigned char* in, unsigned* bins, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) bins[in[i]] += 1;  // BUG: no_atomic
}

__global__ void HistogramNoAtomicShared(const unsigned char* in, unsigned* bins, int n) {
  __shared__ unsigned mine[kBins];
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) mine[bin] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) mine[in[i]]++;  // BUG: no_atomic_shared
  __syncthreads();
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) atomicAdd(&bins[bin], mine[bin]);
}

// A histogram a warp: 32 * kBins counters of a block of 1024 threads are 32 KiB, with 16 bytes a counter 128 KiB.
template <class Counter>
__global__ void HistogramWarps(const unsigned char* in, unsigned* bins, int n) {
  extern __shared__ unsigned char memory[];
  Counter* mine = reinterpret_cast<Counter*>(memory);
  const int all = kBins * (blockDim.x / warpSize);
  for (int bin = threadIdx.x; bin < all; bin += blockDim.x) mine[bin].count = 0;
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&mine[threadIdx.x / warpSize * kBins + in[i]].count, 1u);
  __syncthreads();
  for (int bin = threadIdx.x; bin < all; bin += blockDim.x) atomicAdd(&bins[bin % kBins], mine[bin].count);
}

struct Small {
  unsigned count;
};
struct alignas(16) Wide {
  unsigned count;
};

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int n = 3000, grid = 3;
  std::vector<unsigned char> in(n);
  std::vector<unsigned> want(kBins);
  for (int i = 0; i < n; ++i) ++want[in[i] = static_cast<unsigned char>(i * i % 251)];
  unsigned char* device_in = ToDevice(in);
  unsigned* bins = ToDevice(std::vector<unsigned>(kBins));

  if (variant == "right") {
    Histogram<<<grid, 128>>>(device_in, bins, n);
  } else if (variant == "right_global") {
    HistogramGlobal<<<(n + 127) / 128, 128>>>(device_in, bins, n);
  } else if (variant == "no_atomic") {
    HistogramNoAtomic<<<(n + 127) / 128, 128>>>(device_in, bins, n);
  } else if (variant == "no_atomic_shared") {
    HistogramNoAtomicShared<<<grid, 128>>>(device_in, bins, n);
  } else if (variant == "block_too_large") {
    HistogramGlobal<<<(n + 2047) / 2048, 2048>>>(device_in, bins, n);  // BUG: block_too_large
  } else if (variant == "right_warps") {
    HistogramWarps<Small><<<grid, 1024, 32 * kBins * sizeof(Small)>>>(device_in, bins, n);
  } else if (variant == "too_much_shared") {
    HistogramWarps<Wide><<<grid, 1024, 32 * kBins * sizeof(Wide)>>>(device_in, bins, n);  // BUG: too_much_shared
  } else if (variant == "right_raised") {
    const int bytes = 32 * kBins * sizeof(Wide);
    CUDA_CHECK(cudaFuncSetAttribute(HistogramWarps<Wide>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    HistogramWarps<Wide><<<grid, 1024, bytes>>>(device_in, bins, n);
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(bins, kBins), want);
}
