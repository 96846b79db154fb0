/// What the memory check knows of each byte: whether it may be accessed, and whether something was written
/// there.
///
/// A bit a byte for either, so that looking up an access of up to 8 bytes is one load, a mask and a
/// comparison, and so that the shadow of 2 GiB takes 512 MiB of addresses. Covers the arena and the static
/// variables of this module (__device__ and __shared__ variables lie among them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cudasim/qualifiers.h"

namespace cudasim::memory {

struct Arena;

/// A range of addresses with a shadow. Bit (a - base) % 8 of byte (a - base) / 8 belongs to address a.
struct Zone {
  uintptr_t base = 0;  // a multiple of 8
  size_t bytes = 0;    // 0 while there is no check: no address lies in it
  uint8_t* live = nullptr;
  uint8_t* set = nullptr;  // only where live

  bool contains(uintptr_t address) const { return address - base < bytes; }
};

extern CUDASIM_HIDDEN Zone arena_zone;
extern CUDASIM_HIDDEN Zone module_zone;

/// Reserves the shadow when the check is on. Fails where there is no room.
void create_shadow(const Arena& arena);

// Without the check, or for addresses outside the zones, these do nothing.
void mark_live(const void* address, size_t bytes, bool set);
void mark_dead(const void* address, size_t bytes);
void mark_set(const void* address, size_t bytes);
void mark_unset(const void* address, size_t bytes);
/// As memmove, for the bits of `set`; from outside the zones everything is set.
void move_set(const void* to, const void* from, size_t bytes);

bool all_live(const void* address, size_t bytes);
bool all_set(const void* address, size_t bytes);
/// The first of these bytes that is not live, or not set; `bytes` where all are.
size_t first_dead(const void* address, size_t bytes);
size_t first_unset(const void* address, size_t bytes);

/// The bits of `set` of a range, and back.
std::vector<uint8_t> copy_set(const void* address, size_t bytes);
void put_set(const void* address, size_t bytes, const std::vector<uint8_t>& bits);

}  // namespace cudasim::memory
