// What every program of this folder needs. Each is a theme of the textbooks, as a program for cuda-sim and for a GPU:
// its argument names the variant, `right` or a planted bug. What computes the right result prints "ok".
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#define CUDA_CHECK(call)                                                                       \
  do {                                                                                         \
    cudaError_t error_ = (call);                                                               \
    if (error_ != cudaSuccess) {                                                               \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(error_)); \
      std::exit(3);                                                                            \
    }                                                                                          \
  } while (0)

// A copy of `host` on the device.
template <class T>
T* ToDevice(const std::vector<T>& host) {
  T* device = nullptr;
  CUDA_CHECK(cudaMalloc(&device, host.size() * sizeof(T)));
  CUDA_CHECK(cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
  return device;
}

// `size` elements on the device, into which nothing has been written.
template <class T>
T* Fresh(size_t size) {
  T* device = nullptr;
  CUDA_CHECK(cudaMalloc(&device, size * sizeof(T)));
  return device;
}

// A copy of `size` elements of the device; waits for the kernels before, and frees `device`.
template <class T>
std::vector<T> ToHost(T* device, size_t size) {
  std::vector<T> host(size);
  CUDA_CHECK(cudaGetLastError());
  CUDA_CHECK(cudaMemcpy(host.data(), device, size * sizeof(T), cudaMemcpyDeviceToHost));
  CUDA_CHECK(cudaFree(device));
  return host;
}

// Numbers that are exact in float and whose sums are, too: whatever the order, the result is the same.
inline std::vector<float> Numbers(size_t size) {
  std::vector<float> numbers(size);
  for (size_t i = 0; i < size; ++i) numbers[i] = static_cast<float>((i * 7 + 3) % 11) - 4;
  return numbers;
}

// Prints "ok", or the first element that is wrong; the program's exit status.
template <class T>
int Compare(const std::vector<T>& got, const std::vector<T>& want) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (!(got[i] == want[i])) {
      std::printf("wrong at %zu: got %g, expected %g\n", i, double(got[i]), double(want[i]));
      return 1;
    }
  }
  std::puts("ok");
  return 0;
}

inline int UnknownVariant(const char* variant) {
  std::fprintf(stderr, "unknown variant '%s'\n", variant);
  return 2;
}
