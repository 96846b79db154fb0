// The host's side: streams, events, copies, symbols, and what a host may do wrong with device memory.
#include "common.cuh"

__constant__ float coefficients[3];
__device__ unsigned launches;

// The polynomial c[0] + c[1] x + c[2] x^2 of each element in place; x: (n)
__global__ void Polynomial(float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i == 0) atomicAdd(&launches, 1u);
  if (i < n) x[i] = coefficients[0] + x[i] * (coefficients[1] + x[i] * coefficients[2]);
}

// Four elements a thread; x: (n), n a multiple of four, x aligned to 16 bytes
__global__ void Double(float* x, int n) {  // BUG: called_kernel, kernel_in_kernel
  int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) {
    float4 four = *reinterpret_cast<float4*>(x + i);  // BUG: misaligned
    *reinterpret_cast<float4*>(x + i) = make_float4(2 * four.x, 2 * four.y, 2 * four.z, 2 * four.w);
  }
}

// As many a source makes its kernels.
#define ELEMENTWISE(NAME, EXPRESSION)               \
  __global__ void NAME##Kernel(float* x, int n) {   \
    int i = blockIdx.x * blockDim.x + threadIdx.x;  \
    if (i < n) x[i] = EXPRESSION;                   \
  }
ELEMENTWISE(Twice, 2 * x[i])

#ifdef CUDASIM  // nvcc refuses these, and calls of them
void Plain(float* x, int n) {
  for (int i = 0; i < n; ++i) x[i] *= 2;
}
__global__ void DoubleTwice(float* x, int n) {
  Double(x, n);
  Double(x, n);
}
#endif

// Two halves of an array, each copied, computed and copied back on a stream of its own.
int Streams() {
  const int n = 2000, half = n / 2;
  const float c[3] = {1, -2, 3};
  CUDA_CHECK(cudaMemcpyToSymbol(coefficients, c, sizeof(c)));
  float *host = nullptr, *device = nullptr;
  CUDA_CHECK(cudaMallocHost(&host, n * sizeof(float)));
  const std::vector<float> in = Numbers(n);
  std::copy(in.begin(), in.end(), host);
  cudaStream_t streams[2];
  cudaEvent_t begin, end;
  CUDA_CHECK(cudaEventCreate(&begin));
  CUDA_CHECK(cudaEventCreate(&end));
  CUDA_CHECK(cudaMallocAsync(&device, n * sizeof(float), nullptr));
  CUDA_CHECK(cudaStreamSynchronize(nullptr));
  CUDA_CHECK(cudaEventRecord(begin));
  for (int s = 0; s < 2; ++s) {
    CUDA_CHECK(cudaStreamCreateWithFlags(&streams[s], cudaStreamNonBlocking));
    float *from = host + s * half, *to = device + s * half;
    CUDA_CHECK(cudaMemcpyAsync(to, from, half * sizeof(float), cudaMemcpyHostToDevice, streams[s]));
    Polynomial<<<(half + 255) / 256, 256, 0, streams[s]>>>(to, half);
    CUDA_CHECK(cudaGetLastError());
    CUDA_CHECK(cudaMemcpyAsync(from, to, half * sizeof(float), cudaMemcpyDeviceToHost, streams[s]));
  }
  for (cudaStream_t stream : streams) {
    CUDA_CHECK(cudaStreamSynchronize(stream));
    CUDA_CHECK(cudaStreamDestroy(stream));
  }
  CUDA_CHECK(cudaEventRecord(end));
  CUDA_CHECK(cudaEventSynchronize(end));
  float milliseconds = -1;
  CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
  unsigned count = 0;
  CUDA_CHECK(cudaMemcpyFromSymbol(&count, launches, sizeof(count)));
  CUDA_CHECK(cudaEventDestroy(begin));
  CUDA_CHECK(cudaEventDestroy(end));
  CUDA_CHECK(cudaFreeAsync(device, nullptr));
  std::vector<float> got(host, host + n), want(n);
  CUDA_CHECK(cudaFreeHost(host));
  for (int i = 0; i < n; ++i) want[i] = c[0] + in[i] * (c[1] + in[i] * c[2]);
  got.push_back(float(count)), want.push_back(2);
  got.push_back(milliseconds >= 0), want.push_back(1);
  return Compare(got, want);
}

int main(int argc, char** argv) {
  const std::string variant = argc > 1 ? argv[1] : "right";
  if (variant == "right") return Streams();
  const int n = 256;
  std::vector<float> in = Numbers(n + 4), want(n);
  for (int i = 0; i < n; ++i) want[i] = 2 * in[i];
  float* x = ToDevice(in);

  if (variant == "right_vector") {
    Double<<<1, 64>>>(x, n);
  } else if (variant == "right_macro") {
    void (*kernel)(float*, int) = TwiceKernel;
    kernel<<<n / 64, 64>>>(x, n);
  } else if (variant == "misaligned") {
    Double<<<1, 64>>>(x + 1, n);
  } else if (variant == "zero_grid") {
    Double<<<n / 1024, 1024>>>(x, n);  // BUG: zero_grid
  } else if (variant == "read_on_host") {
    std::printf("x[2] is %g\n", x[2]);  // BUG: read_on_host
  } else if (variant == "write_on_host") {
    x[2] = 1;  // BUG: write_on_host
  } else if (variant == "double_free") {
    CUDA_CHECK(cudaFree(x));
    CUDA_CHECK(cudaFree(x));  // BUG: double_free
  } else if (variant == "copy_too_much") {
    CUDA_CHECK(cudaMemcpy(in.data(), x, (n + 5) * sizeof(float), cudaMemcpyDeviceToHost));  // BUG: copy_too_much
  } else if (variant == "copy_wrong_way") {
    CUDA_CHECK(cudaMemcpy(x, in.data(), n * sizeof(float), cudaMemcpyDeviceToHost));  // BUG: copy_wrong_way
  } else if (variant == "copy_freed") {
    CUDA_CHECK(cudaFree(x));
    CUDA_CHECK(cudaMemcpy(in.data(), x, n * sizeof(float), cudaMemcpyDeviceToHost));  // BUG: copy_freed
#ifdef CUDASIM
  } else if (variant == "no_kernel") {
    Plain<<<1, 1>>>(x, n);
  } else if (variant == "called_kernel") {
    Double(x, n);
  } else if (variant == "kernel_in_kernel") {
    DoubleTwice<<<1, 64>>>(x, n);
#endif
  } else {
    return UnknownVariant(argv[1]);
  }
  return Compare(ToHost(x, n), want);
}
