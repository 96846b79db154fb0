#include "shadow.h"

#include <link.h>
#include <sys/mman.h>

#include <cstring>

#include "arena.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"

namespace cudasim::memory {

Zone arena_zone;
Zone module_zone;

namespace {

uint8_t* reserve(size_t bytes) {
  void* start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    fail("no room for the memory check: it takes another " + std::to_string(bytes >> 20) +
         " MiB of addresses; raise the limit of address space (ulimit -v)");
  }
  madvise(start, bytes, MADV_DONTDUMP);
  return static_cast<uint8_t*>(start);
}

Zone zone(uintptr_t base, size_t bytes) {
  const size_t bits = (bytes + 7) / 8 + 8;  // 8: the check of an unaligned access may load one byte more
  return {base, bytes, reserve(bits), reserve(bits)};
}

struct Segment {
  uintptr_t within;  // an address in it
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

/// dl_iterate_phdr's callback: the writable segment that `within` lies in.
int find_segment(dl_phdr_info* info, size_t, void* data) {
  auto* segment = static_cast<Segment*>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type != PT_LOAD || segment->within - begin >= header.p_memsz) continue;
    segment->begin = begin & ~uintptr_t{7};
    segment->end = begin + header.p_memsz;
    return 1;
  }
  return 0;
}

const Zone* zone_of(const void* address) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (arena_zone.contains(at)) return &arena_zone;
  if (module_zone.contains(at)) return &module_zone;
  return nullptr;
}

bool get(const uint8_t* bits, size_t i) { return (bits[i / 8] >> (i % 8) & 1) != 0; }

void put(uint8_t* bits, size_t i, bool value) {
  const uint8_t mask = static_cast<uint8_t>(1u << (i % 8));
  bits[i / 8] = static_cast<uint8_t>(value ? bits[i / 8] | mask : bits[i / 8] & ~mask);
}

/// Bits begin .. end - 1 become `value`.
void fill(uint8_t* bits, size_t begin, size_t end, bool value) {
  for (; begin < end && begin % 8 != 0; ++begin) put(bits, begin, value);
  for (; begin < end && end % 8 != 0; --end) put(bits, end - 1, value);
  if (begin < end) std::memset(bits + begin / 8, value ? 0xFF : 0, (end - begin) / 8);
}

/// The first of bits begin .. end - 1 that is 0, or end.
size_t first_zero(const uint8_t* bits, size_t begin, size_t end) {
  while (begin < end) {
    if (begin % 8 == 0 && end - begin >= 8 && bits[begin / 8] == 0xFF) {
      begin += 8;
    } else if (get(bits, begin)) {
      ++begin;
    } else {
      return begin;
    }
  }
  return end;
}

size_t first_missing(const void* address, size_t bytes, uint8_t* Zone::*which) {
  const Zone* zone = zone_of(address);
  if (zone == nullptr) return bytes;
  const size_t begin = reinterpret_cast<uintptr_t>(address) - zone->base;
  return first_zero(zone->*which, begin, begin + bytes) - begin;
}

void change(const void* address, size_t bytes, uint8_t* Zone::*which, bool value) {
  const Zone* zone = zone_of(address);
  if (zone == nullptr) return;
  const size_t begin = reinterpret_cast<uintptr_t>(address) - zone->base;
  fill(zone->*which, begin, begin + bytes, value);
}

}  // namespace

void create_shadow(const Arena& arena) {
  if (!checked()) return;
  arena_zone = zone(reinterpret_cast<uintptr_t>(arena.base), arena.bytes());
  Segment segment{reinterpret_cast<uintptr_t>(&arena_zone)};
  dl_iterate_phdr(find_segment, &segment);
  module_zone = zone(segment.begin, segment.end - segment.begin);
  // Variables of the runtime (threadIdx) and constants of the source lie there, too.
  mark_live(reinterpret_cast<const void*>(segment.begin), module_zone.bytes, true);
}

void mark_live(const void* address, size_t bytes, bool set) {
  change(address, bytes, &Zone::live, true);
  change(address, bytes, &Zone::set, set);
}

void mark_dead(const void* address, size_t bytes) {
  change(address, bytes, &Zone::live, false);
  change(address, bytes, &Zone::set, false);
}

void mark_set(const void* address, size_t bytes) { change(address, bytes, &Zone::set, true); }

void mark_unset(const void* address, size_t bytes) { change(address, bytes, &Zone::set, false); }

void move_set(const void* to, const void* from, size_t bytes) {
  const Zone* target = zone_of(to);
  const Zone* source = zone_of(from);
  if (target == nullptr) return;
  if (source == nullptr) return mark_set(to, bytes);
  const size_t begin = reinterpret_cast<uintptr_t>(to) - target->base;
  const size_t origin = reinterpret_cast<uintptr_t>(from) - source->base;
  if (begin % 8 == origin % 8 && bytes >= 16) {
    // Whole bytes of the shadow in the middle, single bits at both ends; read first, for the ranges may
    // overlap.
    put_set(to, bytes, copy_set(from, bytes));
    return;
  }
  std::vector<bool> bits(bytes);
  for (size_t i = 0; i < bytes; ++i) bits[i] = get(source->set, origin + i);
  for (size_t i = 0; i < bytes; ++i) put(target->set, begin + i, bits[i]);
}

bool all_live(const void* address, size_t bytes) { return first_dead(address, bytes) == bytes; }
bool all_set(const void* address, size_t bytes) { return first_unset(address, bytes) == bytes; }

size_t first_dead(const void* address, size_t bytes) { return first_missing(address, bytes, &Zone::live); }
size_t first_unset(const void* address, size_t bytes) { return first_missing(address, bytes, &Zone::set); }

std::vector<uint8_t> copy_set(const void* address, size_t bytes) {
  const Zone* zone = zone_of(address);
  if (zone == nullptr) return {};
  const size_t begin = reinterpret_cast<uintptr_t>(address) - zone->base;
  return {zone->set + begin / 8, zone->set + (begin + bytes + 7) / 8};
}

void put_set(const void* address, size_t bytes, const std::vector<uint8_t>& bits) {
  const Zone* zone = zone_of(address);
  if (zone == nullptr || bits.empty()) return;
  const size_t begin = reinterpret_cast<uintptr_t>(address) - zone->base;
  const size_t end = begin + bytes;
  const size_t first = (begin + 7) / 8;  // whole bytes of the shadow: first .. last - 1
  const size_t last = end / 8;
  const uint8_t* source = bits.data();
  if (first >= last) {
    for (size_t i = begin; i < end; ++i) put(zone->set, i, get(source, i - begin / 8 * 8));
    return;
  }
  for (size_t i = begin; i < first * 8; ++i) put(zone->set, i, get(source, i - begin / 8 * 8));
  std::memcpy(zone->set + first, source + (first - begin / 8), last - first);
  for (size_t i = last * 8; i < end; ++i) put(zone->set, i, get(source, i - begin / 8 * 8));
}

}  // namespace cudasim::memory
