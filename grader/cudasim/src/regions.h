/// Named memory that is no allocation: __device__ variables, and shared memory of the block that runs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cudasim/memory.h"

namespace cudasim::memory {

struct Region {
  std::byte* address;
  size_t bytes;
  const char* kind;  // "shared", "device", "constant", "managed"
  const char* name;

  bool contains(const void* p) const {
    return static_cast<size_t>(static_cast<const std::byte*>(p) - address) < bytes;
  }
};

/// A registered variable that the address lies in, or null.
const Region* find_variable(const void* address);

/// Everything registered that device code can write: __device__ and __managed__ variables.
const std::vector<Region>& variables();

/// The variable or shared memory that the address lies in, else the nearest one within 4 KiB, or null.
const Region* find_region(const void* address);

}  // namespace cudasim::memory
