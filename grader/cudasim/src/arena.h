/// The range of addresses that device memory lies in, reserved once, at the first use.
///
///     base                                                                                          end
///     | dynamic shared memory | device memory: cudaMalloc                  | host-visible: managed, pinned |
///     |<------------------ taken away from the host (guard.h) ------------>|
///
/// A page costs memory only once it has been touched.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cudasim::memory {

struct Arena {
  std::byte* base = nullptr;
  size_t guarded_bytes = 0;  // device memory and what lies before it; a multiple of HUGE_PAGE
  size_t visible_bytes = 0;  // host-visible memory behind it; a multiple of HUGE_PAGE
  bool huge_pages = false;   // whether the system gives us pages of 2 MiB, see guard.cc

  size_t bytes() const { return guarded_bytes + visible_bytes; }
  bool contains(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - base) < bytes();
  }
  bool guards(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - base) < guarded_bytes;
  }
};

inline constexpr size_t HUGE_PAGE = size_t{2} << 20;

/// Dynamic shared memory has the arena's first addresses to itself: MAX_SHARED_BYTES between two red zones.
inline constexpr size_t SHARED_OFFSET = 4096;
inline constexpr size_t SHARED_RESERVED = 256 * 1024;

/// Reserved at the first call. Fails where the system has no room.
const Arena& arena();

/// Whether arena() has been called: nothing is reserved in a process that only loads the module.
bool arena_exists();

}  // namespace cudasim::memory
