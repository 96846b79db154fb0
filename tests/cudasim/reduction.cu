// The sum of an array: a block sums a part of it in shared memory, a second launch sums the parts.
#include "common.cuh"

constexpr int kBlock = 128;

// in: (n); out: (gridDim.x). Half of the threads that are left add the other half's, until one is left.
__global__ void Sum(const float* in, float* out, int n) {
  __shared__ float part[kBlock];
  int i = blockIdx.x * kBlock + threadIdx.x;
  part[threadIdx.x] = i < n ? in[i] : 0;
  __syncthreads();
  for (int half = kBlock / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

// The same, in as much shared memory as the launch says.
__global__ void SumDynamic(const float* in, float* out, int n) {
  extern __shared__ float part[];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  part[threadIdx.x] = i < n ? in[i] : 0;  // BUG: too_little_shared
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

__global__ void SumWithoutBarrier(const float* in, float* out, int n) {
  __shared__ float part[kBlock];
  int i = blockIdx.x * kBlock + threadIdx.x;
  part[threadIdx.x] = i < n ? in[i] : 0;
  __syncthreads();
  for (int half = kBlock / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];  // BUG: missing_barrier
  }
  if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

// `count` numbers, by one thread.
__device__ float SumOf(const float* numbers, int count) {
  float sum = 0;
  for (int i = 0; i <= count; ++i) sum += numbers[i];  // BUG: past_shared
  return sum;
}

__global__ void SumPastShared(const float* in, float* out, int n) {
  __shared__ float part[kBlock];
  int i = blockIdx.x * kBlock + threadIdx.x;
  part[threadIdx.x] = i < n ? in[i] : 0;
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = SumOf(part, kBlock);
}

__global__ void SumUnset(const float* in, float* out, int n) {
  __shared__ float sum;  // nothing stores 0 in it
  int i = blockIdx.x * kBlock + threadIdx.x;
  if (i < n) atomicAdd(&sum, in[i]);  // BUG: unset_accumulator
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

__global__ void SumRace(const float* in, float* out, int n) {
  __shared__ float sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  int i = blockIdx.x * kBlock + threadIdx.x;
  if (i < n) sum += in[i];  // BUG: race_on_shared
  __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// All blocks add to one element of device memory.
__global__ void SumInto(const float* in, float* out, int n) {
  int i = blockIdx.x * kBlock + threadIdx.x;
  if (i < n) atomicAdd(out, in[i]);  // BUG: unset_output
}

__global__ void SumIntoRace(const float* in, float* out, int n) {
  int i = blockIdx.x * kBlock + threadIdx.x;
  if (i < n) *out += in[i];  // BUG: race_on_global
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int n = 1000, grid = (n + kBlock - 1) / kBlock;
  const std::vector<float> in = Numbers(n);
  std::vector<float> want(1);
  for (float number : in) want[0] += number;
  float *device_in = ToDevice(in), *parts = Fresh<float>(grid), *out = Fresh<float>(1);

  if (variant == "right") {
    Sum<<<grid, kBlock>>>(device_in, parts, n);
  } else if (variant == "right_dynamic") {
    SumDynamic<<<grid, kBlock, kBlock * sizeof(float)>>>(device_in, parts, n);
  } else if (variant == "too_little_shared") {
    SumDynamic<<<grid, kBlock, kBlock / 2 * sizeof(float)>>>(device_in, parts, n);
  } else if (variant == "missing_barrier") {
    SumWithoutBarrier<<<grid, kBlock>>>(device_in, parts, n);
  } else if (variant == "past_shared") {
    SumPastShared<<<grid, kBlock>>>(device_in, parts, n);
  } else if (variant == "unset_accumulator") {
    SumUnset<<<grid, kBlock>>>(device_in, parts, n);
  } else if (variant == "race_on_shared") {
    SumRace<<<grid, kBlock>>>(device_in, parts, n);
  } else if (variant == "right_atomic" || variant == "unset_output") {
    if (variant == "right_atomic") CUDA_CHECK(cudaMemset(out, 0, sizeof(float)));
    SumInto<<<grid, kBlock>>>(device_in, out, n);
    return Compare(ToHost(out, 1), want);
  } else if (variant == "race_on_global") {
    CUDA_CHECK(cudaMemset(out, 0, sizeof(float)));
    SumIntoRace<<<grid, kBlock>>>(device_in, out, n);
    return Compare(ToHost(out, 1), want);
  } else {
    return UnknownVariant(argv[1]);
  }
  Sum<<<1, kBlock>>>(parts, out, grid);
  return Compare(ToHost(out, 1), want);
}
