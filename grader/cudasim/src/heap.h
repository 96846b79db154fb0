/// Free space in a range of addresses: best fit, neighbours joined.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace cudasim::memory {

class Heap {
 public:
  Heap(std::byte* begin, size_t bytes) { give(begin, bytes); }

  /// The start of `bytes` bytes; null where no piece is that large. The smallest piece that is, the lowest of
  /// these.
  std::byte* take(size_t bytes) {
    const auto found = by_size_.lower_bound({bytes, nullptr});
    if (found == by_size_.end()) return nullptr;
    const auto [size, start] = *found;
    remove(start, size);
    if (size > bytes) add(start + bytes, size - bytes);
    return start;
  }

  /// Gives a piece back.
  void give(std::byte* start, size_t bytes) {
    auto next = by_address_.lower_bound(start);
    if (next != by_address_.end() && next->first == start + bytes) {
      const size_t size = next->second;
      remove(start + bytes, size);
      bytes += size;
      next = by_address_.lower_bound(start);
    }
    if (next != by_address_.begin()) {
      const auto [before, size] = *std::prev(next);
      if (before + size == start) {
        remove(before, size);
        start = before;
        bytes += size;
      }
    }
    add(start, bytes);
  }

 private:
  void add(std::byte* start, size_t bytes) {
    by_address_[start] = bytes;
    by_size_.insert({bytes, start});
  }
  void remove(std::byte* start, size_t bytes) {
    by_address_.erase(start);
    by_size_.erase({bytes, start});
  }

  std::map<std::byte*, size_t> by_address_;
  std::set<std::pair<size_t, std::byte*>> by_size_;
};

}  // namespace cudasim::memory
