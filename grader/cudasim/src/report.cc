#include "report.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "allocations.h"
#include "arena.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "regions.h"
#include "shadow.h"
#include "source_line.h"

namespace cudasim::memory {
namespace {

constexpr uintptr_t NULL_PAGE = 4096;  // below it: a null pointer, or an element of an array at one

std::string hexadecimal(const void* address) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", address);
  return text;
}

std::string count(ptrdiff_t bytes) { return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes"); }

/// "reads 4 bytes at src/x.cu:40"
std::string does(Access access, size_t bytes, const void* from) {
  return (access == Access::read ? "reads " : "writes ") + count(static_cast<ptrdiff_t>(bytes)) +
         at_source_line(from);
}

/// "element 5 of ", "byte 6 of ": a place in something that is probably made of elements of 4 bytes.
std::string position(ptrdiff_t offset) {
  return offset % 4 == 0 ? "element " + std::to_string(offset / 4) + " of "
                         : "byte " + std::to_string(offset) + " of ";
}

std::string behind(ptrdiff_t bytes) {
  return bytes == 0 ? "directly past the end of " : count(bytes) + " past the end of ";
}

std::string in_words(const Region& region) {
  const std::string kind = region.kind;
  std::string words = kind == "shared" ? "" : "the __" + kind + "__ variable ";
  if (kind == "shared" && std::string(region.name) != "dynamic shared memory")
    words = "the __shared__ variable ";
  words += region.name;
  return words + " of " + size_in_words(region.bytes);
}

/// Where the address lies, seen from the region.
std::string relative_to(const Region& region, const std::byte* at) {
  const ptrdiff_t offset = at - region.address;
  if (region.contains(at)) return position(offset) + in_words(region);
  if (offset < 0) return count(-offset) + " before the start of " + in_words(region);
  return behind(offset - static_cast<ptrdiff_t>(region.bytes)) + in_words(region);
}

std::string relative_to(const Allocation& allocation, const std::byte* at) {
  const std::string words = in_words(allocation);
  const std::string freed = allocation.freed ? " that has been freed" : "";
  if (allocation.contains(at)) return position(at - allocation.address) + words + freed;
  if (at >= allocation.end()) return behind(at - allocation.end()) + words + freed;
  return count(allocation.address - at) + " before the start of " + words + freed;
}

/// Host code may not touch device memory: there is nothing to go on with.
[[noreturn]] void stop(const std::string& message) {
  say(message);
  std::abort();
}

void judge_in_kernel(const void* address, size_t bytes, Access access, const void* from) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (arena_zone.contains(at) || module_zone.contains(at)) {
    // Where an access that begins inside ends outside, the first byte outside is named.
    const void* wrong = static_cast<const std::byte*>(address) + first_dead(address, bytes);
    const Allocation* allocation = nearest(wrong);
    const bool freed = allocation != nullptr && allocation->freed && allocation->contains(wrong);
    fail(where() + (freed ? ": use of freed device memory: " : ": out of bounds: ") +
         does(access, bytes, from) + ", " + describe(wrong) + ".");
  }
  if (on_fiber_stack(address)) return;
  if (at < NULL_PAGE)
    fail(where() + ": null pointer: " + does(access, bytes, from) + ", " + describe(address) + ".");
  // Constants and tables of this program and its libraries; a kernel has no other way to them than by their
  // names.
  Dl_info info{};
  if (dladdr(address, &info) != 0) return;
  fail(where() + ": host pointer or wild index: " + does(access, bytes, from) + ", at address " +
       hexadecimal(address) +
       ", which is neither device memory nor a variable of the kernel. Memory for kernels comes from "
       "cudaMalloc, and cudaMemcpy fills it; where the pointer did come from there, print the index: a "
       "negative number taken as unsigned is far off.");
}

void judge_on_host(const void* address, size_t bytes, Access access, const void* from) {
  const Region* variable = find_variable(address);
  if (variable != nullptr && std::string(variable->kind) == "managed") return;
  const bool device = arena_zone.contains(reinterpret_cast<uintptr_t>(address)) && arena().guards(address);
  if (variable == nullptr && !device) return;
  stop("device pointer on the host: host code " + does(access, bytes, from) + ", " + describe(address) +
       ". Copy with " + (device ? "cudaMemcpy." : "cudaMemcpyToSymbol or cudaMemcpyFromSymbol."));
}

}  // namespace

void say(const std::string& message) {
  const std::string line = "cuda-sim: " + message + "\n";
  // One write, so that lines of several processes do not mix; a full pipe is no reason to fail here.
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

std::string describe(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const Region* region = find_region(address);
  if (region != nullptr && region->contains(address)) return relative_to(*region, at);
  if (const Allocation* allocation = find(address)) return relative_to(*allocation, at);
  if (region != nullptr) return relative_to(*region, at);
  if (const Allocation* allocation = nearest(address)) return relative_to(*allocation, at);
  if (arena_exists() && arena().contains(address)) {
    return "address " + hexadecimal(address) + " of device memory, far from every allocation";
  }
  if (reinterpret_cast<uintptr_t>(address) < NULL_PAGE) return "address " + hexadecimal(address);
  return "address " + hexadecimal(address) + ", which is no device memory";
}

void judge(const void* address, size_t bytes, Access access, const void* from) {
  if (in_kernel()) {
    judge_in_kernel(address, bytes, access, from);
  } else {
    judge_on_host(address, bytes, access, from);
  }
}

void uninitialised(const void* address, size_t bytes, const void* from) {
  const void* first = static_cast<const std::byte*>(address) + first_unset(address, bytes);
  fail(where() + ": uninitialised memory: " + does(Access::read, bytes, from) +
       " that nothing has been written to, " + describe(first) + ".");
}

void misaligned(const void* address, size_t alignment, Access access, const void* from) {
  fail(where() + ": misaligned address: " + does(access, alignment, from) + ", at " + describe(address) +
       " (" + hexadecimal(address) + "), which is no multiple of " +
       count(static_cast<ptrdiff_t>(alignment)) + ".");
}

}  // namespace cudasim::memory
