// The running sum of an array by one block: after the step of width d, each element holds the sum of 2 d before it.
#include "common.cuh"

constexpr int kBlock = 256;

// in, out: (n), n at most kBlock. Two buffers: a step reads one and writes the other.
__global__ void Scan(const float* in, float* out, int n) {
  __shared__ float buffer[2][kBlock];
  int i = threadIdx.x, from = 0;
  buffer[from][i] = i < n ? in[i] : 0;
  __syncthreads();
  for (int d = 1; d < kBlock; d *= 2) {
    buffer[1 - from][i] = buffer[from][i] + (i >= d ? buffer[from][i - d] : 0);
    from = 1 - from;
    __syncthreads();
  }
  if (i < n) out[i] = buffer[from][i];
}

// One buffer: each step reads, waits, and writes.
__global__ void ScanInPlace(const float* in, float* out, int n) {
  __shared__ float sums[kBlock];
  int i = threadIdx.x;
  sums[i] = i < n ? in[i] : 0;
  __syncthreads();
  for (int d = 1; d < kBlock; d *= 2) {
    float before = i >= d ? sums[i - d] : 0;
    __syncthreads();
    sums[i] += before;
    __syncthreads();
  }
  if (i < n) out[i] = sums[i];
}

__global__ void ScanWithoutBarrier(const float* in, float* out, int n) {
  __shared__ float sums[kBlock];
  int i = threadIdx.x;
  sums[i] = i < n ? in[i] : 0;
  __syncthreads();
  for (int d = 1; d < kBlock; d *= 2) {
    float before = i >= d ? sums[i - d] : 0;  // BUG: missing_barrier
    sums[i] += before;                        // BUG: missing_barrier
    __syncthreads();
  }
  if (i < n) out[i] = sums[i];
}

__global__ void ScanBelowZero(const float* in, float* out, int n) {
  __shared__ float buffer[2][kBlock];
  int i = threadIdx.x, from = 0;
  buffer[from][i] = i < n ? in[i] : 0;
  __syncthreads();
  for (int d = 1; d < kBlock; d *= 2) {
    buffer[1 - from][i] = buffer[from][i] + buffer[from][i - d];  // BUG: below_zero
    from = 1 - from;
    __syncthreads();
  }
  if (i < n) out[i] = buffer[from][i];
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int n = 200;
  const std::vector<float> in = Numbers(n);
  std::vector<float> want(n);
  for (int i = 0; i < n; ++i) want[i] = in[i] + (i ? want[i - 1] : 0);
  float *device_in = ToDevice(in), *out = Fresh<float>(n);

  if (variant == "right") {
    Scan<<<1, kBlock>>>(device_in, out, n);
  } else if (variant == "right_in_place") {
    ScanInPlace<<<1, kBlock>>>(device_in, out, n);
  } else if (variant == "missing_barrier") {
    ScanWithoutBarrier<<<1, kBlock>>>(device_in, out, n);
  } else if (variant == "below_zero") {
    ScanBelowZero<<<1, kBlock>>>(device_in, out, n);
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(out, n), want);
}
