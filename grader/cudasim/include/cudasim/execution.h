/// Launches: what `kernel<<<grid, block, shared, stream>>>(args)` becomes, and the built-in variables.
///
/// One thread of the operating system runs everything. Blocks run one after another; the threads of a block
/// run one after another as plain calls, as long as none of them has to wait. So a kernel without barriers is
/// a loop, and the compiler inlines the kernel into it (a vector add costs about 2 ns a thread). Only when a
/// thread waits (at a barrier, in a warp shuffle) the next ones are started on another stack: block.cc and
/// fiber.cc.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include "cudasim/failure.h"
#include "cudasim/qualifiers.h"
#include "cudasim/vectors.h"

typedef struct CUstream_st* cudaStream_t;

extern CUDASIM_HIDDEN uint3 threadIdx;
extern CUDASIM_HIDDEN uint3 blockIdx;
extern CUDASIM_HIDDEN dim3 blockDim;
extern CUDASIM_HIDDEN dim3 gridDim;
constexpr int warpSize = 32;

namespace cudasim {

/// What stands between <<< and >>>. Streams order nothing: a launch has ended when it returns.
struct Config {
  Config(dim3 grid, dim3 block, size_t dynamic_shared = 0, cudaStream_t stream = nullptr)
      : grid(grid), block(block), dynamic_shared(dynamic_shared), stream(stream) {}
  dim3 grid;              // blocks
  dim3 block;             // threads of a block
  size_t dynamic_shared;  // bytes
  cudaStream_t stream;    // must be known
};

namespace detail {

/// A launch, its types erased.
struct Launch {
  Config config;
  const char* name;          // of the kernel, as the source writes it
  Place place;               // of the launch
  const void* kernel;        // its function where it is known, else null: whose limits were raised
  void (*run)(const void*);  // calls the kernel with `call` once for each thread, while next_thread()
  const void* call;          // kernel and arguments
  size_t call_bytes;
  size_t argument_bytes;
};

/// Runs it. Throws Failure.
void launch(const Launch& launch);

/// Which thread of the block is running, in the plain case: in the natural order, none has had to wait yet.
struct Progress {
  unsigned thread;     // number in the block: x + y * blockDim.x + z * blockDim.x * blockDim.y
  unsigned plain_end;  // threads below it are plain calls; 0 as soon as one has waited
};
extern CUDASIM_HIDDEN Progress progress;

/// The next thread, where that takes more than counting: false never (a fiber without work does not come
/// back).
bool next_thread_slowly();

/// Makes the next thread the current one.
CUDASIM_UNCHECKED inline bool next_thread() {
  if (progress.thread + 1 >= progress.plain_end) return next_thread_slowly();
  ++progress.thread;
  if (++threadIdx.x == blockDim.x) {
    threadIdx.x = 0;
    if (++threadIdx.y == blockDim.y) {
      threadIdx.y = 0;
      ++threadIdx.z;
    }
  }
  return true;
}

/// Whether the thread that runs has called what was launched, and no kernel has begun since.
extern CUDASIM_HIDDEN bool kernel_awaited;
CUDASIM_UNCHECKED inline void await_kernel() { kernel_awaited = true; }
[[noreturn]] void not_launched(const char* kernel, Place at);
[[noreturn]] void not_a_kernel();

template <class Body, class... Args>
struct Call {
  Body body;
  std::tuple<Args...> args;
};

/// On a fiber: `copy` is a Call on its stack.
template <class Body, class... Args>
void run_threads(const void* copy) {
  const auto& call = *static_cast<const Call<Body, Args...>*>(copy);
  while (next_thread()) {
    await_kernel();
    std::apply(call.body, call.args);  // body takes its arguments by value: a copy for each thread
  }
}

/// Whether a launch can copy arguments of these types at all.
template <class... Args>
constexpr bool HAVE_COPIES = (std::is_copy_constructible<std::decay_t<Args>>::value && ...);

}  // namespace detail

/// The first statement of every `__global__` function: fails where it was called like any other function.
CUDASIM_UNCHECKED inline void kernel_begun(const char* kernel, const char* file, int line) {
  if (!detail::kernel_awaited) detail::not_launched(kernel, {file, line});
  detail::kernel_awaited = false;
}

/// After a launched function has returned, where every kernel has the statement above: fails where it had
/// none.
CUDASIM_UNCHECKED inline void kernel_ended() {
  if (detail::kernel_awaited) detail::not_a_kernel();
}

/// A launch that waits for its arguments: Launcher(Config(g, b), CUDASIM_NAME(k), file, line, body)(args).
/// `body` calls the kernel with copies of the arguments; a template so that the compiler inlines the kernel
/// into the loop over threads.
template <class Body>
class Launcher {
 public:
  Launcher(const Config& config, const char* name, const char* file, int line, Body body)
      : config_(config), name_(name), place_{file, line}, body_(body) {}

  /// For cudaLaunchKernel and for kernels whose limits cudaFuncSetAttribute may have raised.
  Launcher& of(const void* kernel) {
    kernel_ = kernel;
    return *this;
  }

  template <class... Args, std::enable_if_t<detail::HAVE_COPIES<Args...>, int> = 0>
  void operator()(Args... args) const {
    static_assert(
        (std::is_trivially_copyable<Args>::value && ...),
        "cuda-sim: kernel arguments are copied to the GPU byte by byte, so they must be numbers, device "
        "pointers or plain structs: not std::vector, std::string or another class that owns memory; of a "
        "class that converts to a pointer, pass the pointer");
    const detail::Call<Body, Args...> call{body_, std::tuple<Args...>(args...)};
    detail::launch({config_, name_, place_, kernel_, &detail::run_threads<Body, Args...>, &call, sizeof(call),
                    (size_t{0} + ... + sizeof(Args))});
  }

  /// Only for what the above cannot take, to say so. It takes no references itself: bit fields have none.
  template <class... Args, std::enable_if_t<!detail::HAVE_COPIES<Args...>, int> = 0>
  void operator()(const Args&...) const {
    static_assert(detail::HAVE_COPIES<Args...>,  // never: it says why there is no such launch
                  "cuda-sim: kernel arguments are copied to the GPU, and one of these is of a class that "
                  "cannot be copied: pass the pointer that is in it (array.ptr), not the object");
  }

 private:
  Config config_;
  const char* name_;
  Place place_;
  const void* kernel_ = nullptr;
  Body body_;
};

}  // namespace cudasim
