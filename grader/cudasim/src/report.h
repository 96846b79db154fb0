/// What is said about an access that must not be.
#pragma once

#include <cstddef>
#include <string>

namespace cudasim::memory {

enum class Access { read, write };

/// An access of the translated source that the shadow does not allow, or that lies outside it. Returns when
/// it is fine after all (a stack, a constant of this program). Fails in a kernel, aborts on the host. `from`
/// is the return address of the hook.
void judge(const void* address, size_t bytes, Access access, const void* from);

/// Bytes that hold nothing yet were read.
[[noreturn]] void uninitialised(const void* address, size_t bytes, const void* from);

/// A value of `bytes` bytes at an address that is no multiple of it: a GPU traps.
[[noreturn]] void misaligned(const void* address, size_t alignment, Access access, const void* from);

/// Writes the line to stderr, with "cuda-sim: " before it.
void say(const std::string& message);

}  // namespace cudasim::memory
