#include "allocations.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>

#include "arena.h"
#include "cudasim/memory.h"
#include "guard.h"
#include "heap.h"
#include "shadow.h"

namespace cudasim::memory {
namespace {

constexpr size_t ALIGNMENT = 256;                  // cudaMalloc's
constexpr size_t RED_ZONE = 256;                   // at least; also what keeps neighbours apart
constexpr size_t QUARANTINE = size_t{64} << 20;    // bytes of freed blocks kept out of use, under the check
constexpr ptrdiff_t NEARBY = ptrdiff_t{16} << 20;  // an address farther off belongs to no allocation

/// Payload and red zone. Under the check a larger block has a larger red zone, since an index that is off by
/// a row (or a kernel that runs over by a block of threads) should not end in a neighbour: an eighth, 64 KiB
/// at most.
size_t block_bytes(size_t bytes) {
  const size_t payload = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (!checked()) return payload + RED_ZONE;
  const size_t zone = std::clamp(bytes / 8, 4 * RED_ZONE, size_t{64} << 10);
  return payload + (zone + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

struct Allocations {
  Heap device{arena().base + SHARED_RESERVED, arena().guarded_bytes - SHARED_RESERVED};
  Heap visible{arena().base + arena().guarded_bytes + RED_ZONE, arena().visible_bytes - RED_ZONE};
  std::map<const std::byte*, Allocation> live;
  std::map<const std::byte*, Allocation> freed;  // until their bytes have a new owner: for messages
  std::deque<Allocation> quarantine;             // oldest first
  size_t quarantine_bytes = 0;
  std::vector<Allocation> fresh;  // not filled yet: the guard was up
  size_t used = 0;
  size_t most_used = 0;

  Heap& heap(Kind kind) { return kind == Kind::device ? device : visible; }
};

Allocations& all() {
  static Allocations allocations;
  return allocations;
}

/// What is remembered of freed allocations that the range overlaps is no longer true.
void forget_freed(const std::byte* begin, size_t bytes) {
  auto& freed = all().freed;
  auto at = freed.lower_bound(begin);
  if (at != freed.begin() && std::prev(at)->second.end() > begin) --at;
  while (at != freed.end() && at->first < begin + bytes) at = freed.erase(at);
}

/// The last allocation that begins at or before the address, or null.
const Allocation* before(const std::map<const std::byte*, Allocation>& allocations, const void* address) {
  const auto next = allocations.upper_bound(static_cast<const std::byte*>(address));
  return next == allocations.begin() ? nullptr : &std::prev(next)->second;
}

/// The red zone as well: a kernel that reads a little past the end then computes with NaN, without any check.
/// With the zeros of untouched memory 7 of 9 products came out right although each sum had one term too many.
void fill(const Allocation& allocation) {
  std::memset(allocation.address, 0xFF, block_bytes(allocation.bytes));
}

void leave_quarantine() {
  Allocations& a = all();
  const Allocation oldest = a.quarantine.front();
  a.quarantine.pop_front();
  a.quarantine_bytes -= block_bytes(oldest.bytes);
  a.heap(oldest.kind).give(oldest.address, block_bytes(oldest.bytes));
}

}  // namespace

void* allocate(size_t bytes, Kind kind) {
  Allocations& a = all();
  if (bytes > arena().bytes()) return nullptr;  // the sum below must not wrap around
  const size_t block = block_bytes(bytes);
  std::byte* address = a.heap(kind).take(block);
  while (address == nullptr && !a.quarantine.empty()) {
    leave_quarantine();
    address = a.heap(kind).take(block);
  }
  if (address == nullptr) return nullptr;
  forget_freed(address, block);
  const Allocation allocation{address, bytes, kind};
  a.live[address] = allocation;
  if (kind == Kind::device) a.most_used = std::max(a.most_used, a.used += bytes);
  if (kind == Kind::device && guard_is_up()) {
    a.fresh.push_back(allocation);
  } else {
    fill(allocation);
  }
  // What the host writes into managed and pinned memory, nobody sees (fread): all of it counts as written.
  mark_live(address, bytes, kind != Kind::device);
  return address;
}

void release(void* address) {
  Allocations& a = all();
  const auto found = a.live.find(static_cast<const std::byte*>(address));
  Allocation allocation = found->second;
  a.live.erase(found);
  if (allocation.kind == Kind::device) a.used -= allocation.bytes;
  allocation.freed = true;
  a.freed[allocation.address] = allocation;
  const auto same = [&](const Allocation& fresh) { return fresh.address == allocation.address; };
  a.fresh.erase(std::remove_if(a.fresh.begin(), a.fresh.end(), same), a.fresh.end());
  mark_dead(allocation.address, allocation.bytes);
  const size_t block = block_bytes(allocation.bytes);
  if (!checked()) {
    a.heap(allocation.kind).give(allocation.address, block);
    return;
  }
  a.quarantine.push_back(allocation);
  a.quarantine_bytes += block;
  while (a.quarantine_bytes > QUARANTINE) leave_quarantine();
}

void release_all() {
  while (!all().live.empty()) release(all().live.begin()->second.address);
}

void fill_fresh() {
  for (const Allocation& fresh : all().fresh) fill(fresh);
  all().fresh.clear();
}

const Allocation* find(const void* address) {
  if (!arena_exists() || !arena().contains(address)) return nullptr;
  const Allocation* candidate = before(all().live, address);
  return candidate != nullptr && candidate->contains(address) ? candidate : nullptr;
}

const Allocation* nearest(const void* address) {
  if (!arena_exists() || !arena().contains(address)) return nullptr;
  const auto* at = static_cast<const std::byte*>(address);
  const Allocation* freed = before(all().freed, address);
  if (freed != nullptr && freed->contains(address)) return freed;
  const Allocation* left = before(all().live, address);
  const auto right = all().live.upper_bound(at);
  const ptrdiff_t behind = left != nullptr ? at - left->end() : NEARBY;
  const ptrdiff_t ahead = right != all().live.end() ? right->first - at : NEARBY;
  if (std::min(behind, ahead) >= NEARBY)
    return freed != nullptr && at - freed->end() < NEARBY ? freed : nullptr;
  return behind <= ahead ? left : &right->second;
}

std::vector<Allocation> live_allocations() {
  std::vector<Allocation> list;
  if (!arena_exists()) return list;
  for (const auto& [address, allocation] : all().live) list.push_back(allocation);
  return list;
}

size_t bytes_in_use() { return arena_exists() ? all().used : 0; }
size_t most_bytes_in_use() { return arena_exists() ? all().most_used : 0; }

std::string size_in_words(size_t bytes) {
  std::string words = std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  if (bytes % 4 == 0 && bytes > 4) words += " (" + std::to_string(bytes / 4) + " elements of 4 bytes)";
  return words;
}

std::string in_words(const Allocation& allocation) {
  std::string words = "an allocation of " + size_in_words(allocation.bytes);
  if (allocation.kind == Kind::managed) words += " of managed memory";
  if (allocation.kind == Kind::host) words += " of pinned host memory";
  return words;
}

}  // namespace cudasim::memory
