// The transpose of a matrix through a tile in shared memory, so that both its rows and its columns are read and written
// by neighbouring threads.
#include "common.cuh"

constexpr int kTile = 32, kRows = 8;  // a block of kTile x kRows threads moves a tile of kTile x kTile

// in: (rows, columns); out: (columns, rows). Without padding, a column of the tile lies in one bank.
template <int Padding>
__global__ void Transpose(const float* in, float* out, int rows, int columns) {
  __shared__ float tile[kTile][kTile + Padding];
  int column = blockIdx.x * kTile + threadIdx.x, row = blockIdx.y * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < columns && row + k < rows) tile[threadIdx.y + k][threadIdx.x] = in[(row + k) * columns + column];
  }
  __syncthreads();
  column = blockIdx.y * kTile + threadIdx.x, row = blockIdx.x * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < rows && row + k < columns) out[(row + k) * rows + column] = tile[threadIdx.x][threadIdx.y + k];
  }
}

__global__ void TransposeWithoutBarrier(const float* in, float* out, int rows, int columns) {
  __shared__ float tile[kTile][kTile + 1];
  int column = blockIdx.x * kTile + threadIdx.x, row = blockIdx.y * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < columns && row + k < rows) tile[threadIdx.y + k][threadIdx.x] = in[(row + k) * columns + column];
  }
  column = blockIdx.y * kTile + threadIdx.x, row = blockIdx.x * kTile + threadIdx.y;  // no __syncthreads() before
  for (int k = 0; k < kTile; k += kRows) {
    if (column < rows && row + k < columns) out[(row + k) * rows + column] = tile[threadIdx.x][threadIdx.y + k];  // BUG: missing_barrier
  }
}

// The padding is read in the place of the tile's first column.
__global__ void TransposeWrongIndex(const float* in, float* out, int rows, int columns) {
  __shared__ float tile[kTile][kTile + 1];
  int column = blockIdx.x * kTile + threadIdx.x, row = blockIdx.y * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < columns && row + k < rows) tile[threadIdx.y + k][threadIdx.x] = in[(row + k) * columns + column];
  }
  __syncthreads();
  column = blockIdx.y * kTile + threadIdx.x, row = blockIdx.x * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < rows && row + k < columns) out[(row + k) * rows + column] = tile[threadIdx.x][threadIdx.y + k + 1];  // BUG: wrong_shared_index
  }
}

// Beyond the tile's last row.
__global__ void TransposeOutOfTile(const float* in, float* out, int rows, int columns) {
  __shared__ float tile[kTile][kTile];
  int column = blockIdx.x * kTile + threadIdx.x, row = blockIdx.y * kTile + threadIdx.y;
  for (int k = 0; k <= kTile; k += kRows) {
    if (column < columns && row + k < rows) tile[threadIdx.y + k][threadIdx.x] = in[(row + k) * columns + column];  // BUG: out_of_tile
  }
  __syncthreads();
  column = blockIdx.y * kTile + threadIdx.x, row = blockIdx.x * kTile + threadIdx.y;
  for (int k = 0; k < kTile; k += kRows) {
    if (column < rows && row + k < columns) out[(row + k) * rows + column] = tile[threadIdx.x][threadIdx.y + k];
  }
}

// A thread an element, straight from global to global memory.
__global__ void TransposeSwappedGuard(const float* in, float* out, int rows, int columns) {
  int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
  if (column < rows && row < columns) out[column * rows + row] = in[row * columns + column];  // BUG: swapped_guard
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  const int rows = 50, columns = 70;
  const std::vector<float> in = Numbers(rows * columns);
  std::vector<float> want(rows * columns);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) want[j * rows + i] = in[i * columns + j];
  }
  float *device_in = ToDevice(in), *out = Fresh<float>(rows * columns);
  const dim3 block(kTile, kRows), grid((columns + kTile - 1) / kTile, (rows + kTile - 1) / kTile);

  if (variant == "right") {
    Transpose<1><<<grid, block>>>(device_in, out, rows, columns);
  } else if (variant == "right_without_padding") {
    Transpose<0><<<grid, block>>>(device_in, out, rows, columns);
  } else if (variant == "missing_barrier") {
    TransposeWithoutBarrier<<<grid, block>>>(device_in, out, rows, columns);
  } else if (variant == "wrong_shared_index") {
    TransposeWrongIndex<<<grid, block>>>(device_in, out, rows, columns);
  } else if (variant == "out_of_tile") {
    TransposeOutOfTile<<<grid, block>>>(device_in, out, rows, columns);
  } else if (variant == "swapped_guard") {
    const dim3 square(16, 16), squares((columns + 15) / 16, (columns + 15) / 16);
    TransposeSwappedGuard<<<squares, square>>>(device_in, out, rows, columns);
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(out, rows * columns), want);
}
