#include "failing.h"

#include <stdio.h>
#include <stdlib.h>

#include <utility>

#include "block.h"
#include "cudasim/failure.h"

namespace cudasim {

namespace detail {

namespace {
/// An exception cannot be thrown from one stack to another: the text waits here until the host's stack is
/// back.
std::string pending;
}  // namespace

void throw_failure() {
  if (pending.empty()) return;
  throw Failure(std::exchange(pending, {}));
}

void trap(const char* name, Place at) {
  fail(where() + ": " + name + " at " + to_string(at) + " was reached.");
}

void not_launched(const char* kernel, Place at) {
  const std::string name = kernel;
  const std::string is = name + " is a kernel (__global__ at " + to_string(at) + "), but ";
  if (in_kernel()) {
    fail(where() + ": " + is +
         "was called as a function by device code; make what is needed there a __device__ function, which "
         "both can call.");
  }
  fail(is + "was called as a function; launch it: " + name + "<<<blocks, threads>>>(...).");
}

void not_a_kernel() {
  fail(launched() + ": " + block.launch->name +
       " is not a kernel, and nvcc refuses to launch it; declare it `__global__ void`.");
}

}  // namespace detail

void fail(std::string message) {
  const std::string prefix = "cuda-sim: ";
  if (message.compare(0, prefix.size(), prefix) != 0) message.insert(0, prefix);
  if (!in_kernel()) throw Failure(message);
  detail::pending = std::move(message);
  detail::return_to_host();
}

std::string to_string(const Place& place) {
  return std::string(place.file) + ":" + std::to_string(place.line);
}

std::string where() {
  using namespace detail;
  if (!in_kernel()) return "host code";
  return std::string("kernel ") + block.launch->name + " at " + to_string(block.launch->place) + ", " +
         block_name() + ", " + thread_name(progress.thread);
}

std::string launched() {
  using namespace detail;
  if (block.launch == nullptr) return "host code";
  return std::string("kernel ") + block.launch->name + ", launched at " + to_string(block.launch->place);
}

}  // namespace cudasim

/// What <assert.h> calls in translated sources (cudasim.h renames it): a failed assert() in a kernel is a
/// failed launch.
#ifdef __APPLE__
extern "C" void cudasim_assert_fail(const char* function, const char* file, int line,
                                    const char* expression) {
#else
extern "C" void cudasim_assert_fail(const char* expression, const char* file, unsigned line,
                                    const char* function) {
#endif
  if (cudasim::in_kernel()) {
    cudasim::fail(cudasim::where() + ": assertion `" + expression + "` failed at " + file + ":" +
                  std::to_string(line) + ".");
  }
  fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, static_cast<unsigned>(line), function,
          expression);
  abort();
}
