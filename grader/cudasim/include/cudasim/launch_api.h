/// cudaLaunchKernel: a launch as a function call.
#pragma once

#include <cstddef>
#include <utility>

#include "cudasim/errors.h"
#include "cudasim/execution.h"

namespace cudasim::detail {

/// The kernel with the arguments that `args` points to.
template <class... Parameters, size_t... index>
cudaError_t launch_with(void (*kernel)(Parameters...), const Config& config, [[maybe_unused]] void** args,
                        Place at, std::index_sequence<index...>) {
  Launcher launcher(config, "given to cudaLaunchKernel", at.file, at.line,
                    [kernel](Parameters... copies) { kernel(copies...); });
  launcher.of(reinterpret_cast<const void*>(kernel))(*static_cast<Parameters*>(args[index])...);
  return returned(cudaSuccess);
}

}  // namespace cudasim::detail

template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** args,
                             size_t dynamic_shared = 0, cudaStream_t stream = nullptr,
                             cudasim::Place at = cudasim::Place::here()) {
  return cudasim::detail::launch_with(kernel, cudasim::Config(grid, block, dynamic_shared, stream), args, at,
                                      std::index_sequence_for<Parameters...>());
}

/// A kernel as `void*` has lost its parameters' types, without which a CPU cannot call it.
CUDASIM_REFUSED("cuda-sim needs the kernel's type: pass the kernel itself, without the cast to void*")
cudaError_t cudaLaunchKernel(const void* kernel, dim3 grid, dim3 block, void** args,
                             size_t dynamic_shared = 0, cudaStream_t stream = nullptr);
