/// Who owns which bytes of the arena.
///
///     | payload, a multiple of 256 bytes | red zone |     a block; payloads begin at multiples of 256
///
/// A new allocation and its red zone are filled with 0xFF: a float read from them is NaN. Under the memory check, freed blocks
/// are kept out of use for a while (the quarantine), so that a use after the free does not meet a new owner's
/// data, and all calls keep the shadow in step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cudasim::memory {

enum class Kind { device, managed, host };

struct Allocation {
  std::byte* address;
  size_t bytes;  // as asked for
  Kind kind;
  bool freed = false;

  bool contains(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - address) < bytes;
  }
  std::byte* end() const { return address + bytes; }
};

/// Null where there is no room. bytes > 0.
void* allocate(size_t bytes, Kind kind);

/// `address` must be that of a live allocation.
void release(void* address);

/// All of it, without a quarantine: cudaDeviceReset.
void release_all();

/// Fills what was allocated since the last time with 0xFF; whenever the guard has come down.
void fill_fresh();

/// The live allocation that the address lies in, or null. Kernels' accesses do not come here: the shadow is
/// faster.
const Allocation* find(const void* address);

/// The allocation that an address which lies in none was probably meant for: a freed one around it, else the
/// nearest live one. Null where there is none within 16 MiB.
const Allocation* nearest(const void* address);

/// All live ones, by address.
std::vector<Allocation> live_allocations();

/// Bytes asked for and not freed, and the most that these have been; for device memory.
size_t bytes_in_use();
size_t most_bytes_in_use();

/// "400 bytes (100 elements of 4 bytes)"
std::string size_in_words(size_t bytes);

/// "an allocation of 400 bytes (100 elements of 4 bytes)"
std::string in_words(const Allocation& allocation);

}  // namespace cudasim::memory
