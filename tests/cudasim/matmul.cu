// The product of two matrices, a tile of each in shared memory at a time; sizes that tiles do not divide.
#include "common.cuh"

constexpr int kTile = 16;

// a: (m, k); b: (k, n); out: (m, n). A block computes a tile of out.
__global__ void Matmul(const float* a, const float* b, float* out, int m, int k, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int start = 0; start < k; start += kTile) {
    int x = start + threadIdx.x, y = start + threadIdx.y;
    tile_a[threadIdx.y][threadIdx.x] = row < m && x < k ? a[row * k + x] : 0;
    tile_b[threadIdx.y][threadIdx.x] = y < k && column < n ? b[y * n + column] : 0;
    __syncthreads();
    for (int i = 0; i < kTile; ++i) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];
    __syncthreads();
  }
  if (row < m && column < n) out[row * n + column] = sum;
}

// A fast thread overwrites the tile that a slow one still reads.
__global__ void MatmulOneBarrier(const float* a, const float* b, float* out, int m, int k, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int start = 0; start < k; start += kTile) {
    int x = start + threadIdx.x, y = start + threadIdx.y;
    tile_a[threadIdx.y][threadIdx.x] = row < m && x < k ? a[row * k + x] : 0;  // BUG: missing_second_barrier
    tile_b[threadIdx.y][threadIdx.x] = y < k && column < n ? b[y * n + column] : 0;  // BUG: missing_second_barrier
    __syncthreads();
    for (int i = 0; i < kTile; ++i) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];  // BUG: missing_second_barrier
  }
  if (row < m && column < n) out[row * n + column] = sum;
}

__global__ void MatmulNoRemainder(const float* a, const float* b, float* out, int m, int k, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int start = 0; start < k; start += kTile) {
    tile_a[threadIdx.y][threadIdx.x] = a[row * k + start + threadIdx.x];  // BUG: no_remainder_guard
    tile_b[threadIdx.y][threadIdx.x] = b[(start + threadIdx.y) * n + column];  // BUG: no_remainder_guard
    __syncthreads();
    for (int i = 0; i < kTile; ++i) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];
    __syncthreads();
  }
  if (row < m && column < n) out[row * n + column] = sum;
}

__global__ void MatmulEarlyReturn(const float* a, const float* b, float* out, int m, int k, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  if (row >= m || column >= n) return;
  float sum = 0;
  for (int start = 0; start < k; start += kTile) {
    int x = start + threadIdx.x, y = start + threadIdx.y;
    tile_a[threadIdx.y][threadIdx.x] = x < k ? a[row * k + x] : 0;
    tile_b[threadIdx.y][threadIdx.x] = y < k ? b[y * n + column] : 0;
    __syncthreads();  // BUG: early_return
    for (int i = 0; i < kTile; ++i) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];
    __syncthreads();
  }
  out[row * n + column] = sum;
}

// Behind the last row of b there are a few bytes that belong to nobody: with zeros in them the sum would be right.
__global__ void MatmulOneTermTooMany(const float* a, const float* b, float* out, int m, int k, int n) {
  int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  if (row >= m || column >= n) return;
  float sum = 0;
  for (int i = 0; i <= k; ++i) sum += a[row * k + i] * b[i * n + column];  // BUG: one_term_too_many
  out[row * n + column] = sum;
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int m = 35, k = 40, n = 20;
  const std::vector<float> a = Numbers(m * k), b = Numbers(k * n);
  std::vector<float> want(m * n);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int l = 0; l < k; ++l) want[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  float *device_a = ToDevice(a), *device_b = ToDevice(b), *out = Fresh<float>(m * n);
  const dim3 block(kTile, kTile), grid((n + kTile - 1) / kTile, (m + kTile - 1) / kTile);

  if (variant == "right") {
    Matmul<<<grid, block>>>(device_a, device_b, out, m, k, n);
  } else if (variant == "missing_second_barrier") {
    MatmulOneBarrier<<<grid, block>>>(device_a, device_b, out, m, k, n);
  } else if (variant == "no_remainder_guard") {
    MatmulNoRemainder<<<grid, block>>>(device_a, device_b, out, m, k, n);
  } else if (variant == "early_return") {
    MatmulEarlyReturn<<<grid, block>>>(device_a, device_b, out, m, k, n);
  } else if (variant == "one_term_too_many") {
    MatmulOneTermTooMany<<<grid, block>>>(device_a, device_b, out, m, k, n);
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(out, m * n), want);
}
