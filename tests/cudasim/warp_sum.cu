// Sums within warps by shuffles: values go from lane to lane without shared memory.
#include "common.cuh"

constexpr unsigned kAll = 0xffffffff;

// Lane 0 has the sum of the warp's values.
__device__ float WarpSum(float value) {
  for (int offset = warpSize / 2; offset > 0; offset /= 2) value += __shfl_down_sync(kAll, value, offset);
  return value;
}

// in: (n); out: (1), zero before
__global__ void Sum(const float* in, float* out, int n) {
  __shared__ float parts[32];  // a sum a warp
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % warpSize, warp = threadIdx.x / warpSize;
  float sum = WarpSum(i < n ? in[i] : 0);
  if (lane == 0) parts[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    sum = WarpSum(lane < blockDim.x / warpSize ? parts[lane] : 0);
    if (lane == 0) atomicAdd(out, sum);
  }
}

// Every lane has the sum, and counts by a vote how many lanes hold a negative number: out[1].
__global__ void SumAndVote(const float* in, float* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float value = i < n ? in[i] : 0, sum = value;
  for (int mask = 1; mask < warpSize; mask *= 2) sum += __shfl_xor_sync(kAll, sum, mask);
  int negative = __popc(__ballot_sync(kAll, value < 0));
  if (threadIdx.x % warpSize == 0) {
    atomicAdd(&out[0], sum);
    atomicAdd(&out[1], float(negative));
  }
}

// The lanes beyond n have returned, and the mask still names them.
__global__ void SumLaneLeft(const float* in, float* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float sum = in[i];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffff, sum, offset);  // BUG: lane_left
  if (threadIdx.x % 32 == 0) atomicAdd(out, sum);
}

__global__ void SumBarrierInBranch(const float* in, float* out, int n) {
  __shared__ float parts[32];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = WarpSum(i < n ? in[i] : 0);
  if (threadIdx.x % 32 == 0) {
    parts[threadIdx.x / 32] = sum;
    __syncthreads();  // BUG: barrier_in_branch
  }
  if (threadIdx.x == 0) {
    for (int warp = 0; warp < blockDim.x / 32; ++warp) atomicAdd(out, parts[warp]);
  }
}

// Two barriers, and some threads wait at each.
__global__ void SumTwoBarriers(const float* in, float* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = WarpSum(i < n ? in[i] : 0);
  if (threadIdx.x % 32 == 0) {
    atomicAdd(out, sum);
    __syncthreads();  // BUG: two_barriers
  } else {
    __syncthreads();  // BUG: two_barriers
  }
}

// Lanes of one warp exchange values through shared memory and rely on running in step.
__global__ void SumNoSyncwarp(const float* in, float* out, int n) {
  __shared__ float part[256];
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  part[threadIdx.x] = i < n ? in[i] : 0;
  for (int offset = 16; offset > 0; offset /= 2) {
    if (lane < offset) part[threadIdx.x] += part[threadIdx.x + offset];  // BUG: missing_syncwarp
  }
  if (lane == 0) atomicAdd(out, part[threadIdx.x]);
}

__global__ void SumSyncwarp(const float* in, float* out, int n) {
  __shared__ float part[256];
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  part[threadIdx.x] = i < n ? in[i] : 0;
  __syncwarp();
  for (int offset = 16; offset > 0; offset /= 2) {
    if (lane < offset) part[threadIdx.x] += part[threadIdx.x + offset];
    __syncwarp();
  }
  if (lane == 0) atomicAdd(out, part[threadIdx.x]);
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int n = 1000, block = 256, grid = (n + block - 1) / block;
  const std::vector<float> in = Numbers(n);
  std::vector<float> want(2);
  for (float number : in) want[0] += number, want[1] += number < 0 && variant == "right_vote";
  float *device_in = ToDevice(in), *out = ToDevice(std::vector<float>(2));

  if (variant == "right") {
    Sum<<<grid, block>>>(device_in, out, n);
  } else if (variant == "right_vote") {
    SumAndVote<<<grid, block>>>(device_in, out, n);
  } else if (variant == "right_syncwarp") {
    SumSyncwarp<<<grid, block>>>(device_in, out, n);
  } else if (variant == "lane_left") {
    SumLaneLeft<<<grid, block>>>(device_in, out, n);
  } else if (variant == "barrier_in_branch") {
    SumBarrierInBranch<<<grid, block>>>(device_in, out, n);
  } else if (variant == "two_barriers") {
    SumTwoBarriers<<<grid, block>>>(device_in, out, n);
  } else if (variant == "missing_syncwarp") {
    SumNoSyncwarp<<<grid, block>>>(device_in, out, n);
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(out, 2), want);
}
