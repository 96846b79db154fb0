#include "regions.h"

#include <algorithm>
#include <cstring>

#include "arena.h"
#include "cudasim/failure.h"
#include "guard.h"
#include "shadow.h"

namespace cudasim::memory {
namespace {

constexpr uintptr_t NEARBY = 4096;  // an address farther off was not meant for a variable

// Functions, since variables are registered before main, in any order of files.
std::vector<Region>& all_variables() {
  static std::vector<Region> list;
  return list;
}

std::vector<Region>& unset_regions() {
  static std::vector<Region> list;
  return list;
}

const char* word(VariableKind kind) {
  switch (kind) {
    case VariableKind::constant: return "constant";
    case VariableKind::managed: return "managed";
    case VariableKind::device: break;
  }
  return "device";
}

const Region* containing(const std::vector<Region>& list, const void* address) {
  for (const Region& region : list) {
    if (region.contains(address)) return &region;
  }
  return nullptr;
}

}  // namespace

Variable::Variable(const volatile void* address, size_t bytes, const char* name, VariableKind kind) {
  auto* start = static_cast<std::byte*>(const_cast<void*>(address));
  all_variables().push_back({start, bytes, word(kind), name});
}

const std::vector<Region>& variables() { return all_variables(); }

const Region* find_variable(const void* address) { return containing(all_variables(), address); }

const Region* find_region(const void* address) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  const Region* nearest = nullptr;
  uintptr_t least = NEARBY;
  for (const auto* list : {&unset_regions(), &all_variables()}) {
    for (const Region& region : *list) {
      if (region.contains(address)) return &region;
      // As numbers: the difference of pointers from opposite ends of the address space overflows.
      const uintptr_t begin = reinterpret_cast<uintptr_t>(region.address);
      const uintptr_t off = at < begin ? begin - at : at - (begin + region.bytes);
      if (off < least) {
        least = off;
        nearest = &region;
      }
    }
  }
  return nearest;
}

void mark_unset(void* address, size_t bytes, const char* kind, const char* name) {
  if (!checked()) return;
  arena();  // creates the shadow
  mark_unset(address, bytes);
  const auto same = [&](const Region& region) { return region.address == address; };
  auto& list = unset_regions();
  const auto known = std::find_if(list.begin(), list.end(), same);
  const Region region{static_cast<std::byte*>(address), bytes, kind, name};
  if (known == list.end()) {
    list.push_back(region);
  } else {
    *known = region;
  }
}

void mark_red_zone(const void* address, size_t bytes) {
  if (!checked()) return;
  arena();  // creates the shadow
  mark_dead(address, bytes);
}

void forget(const void* address) {
  auto& list = unset_regions();
  const auto same = [&](const Region& region) { return region.address == address; };
  const auto known = std::find_if(list.begin(), list.end(), same);
  if (known == list.end()) return;
  mark_set(known->address, known->bytes);
  list.erase(known);
}

void* dynamic_shared() { return arena().base + SHARED_OFFSET; }

void begin_dynamic_shared(size_t bytes) {
  static_assert(SHARED_OFFSET + MAX_SHARED_BYTES + SHARED_OFFSET <= SHARED_RESERVED, "no red zone behind");
  void* start = dynamic_shared();
  if (bytes > MAX_SHARED_BYTES)
    fail("more dynamic shared memory than a block can have; this is a fault of cuda-sim");
  if (bytes > 0) {
    const GuardLifted lifted;
    std::memset(start, 0xFF, bytes);
  }
  if (!checked()) return;
  mark_dead(start, MAX_SHARED_BYTES);
  mark_live(start, bytes, false);
  mark_unset(start, bytes, "shared", "dynamic shared memory");
}

}  // namespace cudasim::memory
