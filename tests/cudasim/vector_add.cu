// c = a + b, a thread an element.
#include "common.cuh"

// a, b, c: (n)
__global__ void Add(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

__global__ void AddOffByOne(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) c[i] = a[i] + b[i];  // BUG: off_by_one
}

__global__ void AddNoGuard(const float* a, const float* b, float* c) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  c[i] = a[i] + b[i];  // BUG: no_guard
}

__global__ void AddTo(const float* a, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] += a[i];  // BUG: unset, host_pointer, freed
}

// Into the n elements before c; i is unsigned, and so is i - n: four billion, or nearly.
__global__ void AddBefore(const float* a, const float* b, float* c, int n) {
  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i - n] = a[i] + b[i];  // BUG: wild_index
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int n = variant == "empty" ? 0 : 1000, block = 256, grid = (n + block - 1) / block;
  std::vector<float> a = Numbers(n), b(a.rbegin(), a.rend()), want(n);
  for (int i = 0; i < n; ++i) want[i] = a[i] + b[i];
  float *device_a = ToDevice(a), *device_b = ToDevice(b), *c = Fresh<float>(n);

  if (variant == "right") {
    Add<<<grid, block>>>(device_a, device_b, c, n);
  } else if (variant == "off_by_one") {
    AddOffByOne<<<grid, block>>>(device_a, device_b, c, n);
  } else if (variant == "no_guard") {
    AddNoGuard<<<grid, block>>>(device_a, device_b, c);
  } else if (variant == "unset") {
    AddTo<<<grid, block>>>(device_a, c, n);
  } else if (variant == "host_pointer") {
    CUDA_CHECK(cudaMemcpy(c, b.data(), n * sizeof(float), cudaMemcpyHostToDevice));
    AddTo<<<grid, block>>>(a.data(), c, n);
  } else if (variant == "wild_index") {
    AddBefore<<<grid, block>>>(device_a, device_b, c, n);
  } else if (variant == "freed") {
    CUDA_CHECK(cudaFree(c));
    AddTo<<<grid, block>>>(device_a, c, n);
  } else if (variant == "empty") {
    Add<<<grid, block>>>(device_a, device_b, c, n);  // BUG: empty
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(c, n), want);
}
