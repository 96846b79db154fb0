/// How cuda-sim says that something is wrong.
#pragma once

#include <stdexcept>
#include <string>

#include "cudasim/qualifiers.h"

namespace cudasim {

/// What a failed launch or a wrong call throws on the host. The text begins with "cuda-sim: ".
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A line of the student's source. As a default argument, `Place at = Place::here()` is the caller's line.
struct Place {
  const char* file;
  int line;
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// "src/x.cu:41"
std::string to_string(const Place& place);

/// Ends the launch that is running, or the call on the host, with this message; "cuda-sim: " is put before it
/// unless it is there. In a kernel all threads of the launch are abandoned where they are (no destructor
/// runs) and the Failure is thrown by the launch, on the host's stack; on the host it is thrown at once.
[[noreturn]] void fail(std::string message);

namespace detail {
extern CUDASIM_HIDDEN bool running_kernel;
}

/// Whether a simulated thread is running, rather than the host's code.
inline bool in_kernel() { return detail::running_kernel; }

/// "kernel Sum at src/x.cu:120, block (0, 0, 0), thread (5, 0, 0)": launched there; "host code" outside
/// kernels.
std::string where();

/// "kernel Sum, launched at src/x.cu:120": without block and thread; "host code" outside launches.
std::string launched();

/// Whether the address lies in the stack of a simulated thread: its local variables and kernel arguments.
bool on_fiber_stack(const void* address);

/// Whether it lies in the page that ends such a stack: the thread recursed too deep or has too large local
/// arrays.
bool on_fiber_guard(const void* address);

/// Bytes of such a stack: what local variables of one simulated thread may take, roughly.
size_t fiber_stack_bytes();

}  // namespace cudasim
