#include <algorithm>
#include <cstring>

#include "allocations.h"
#include "arena.h"
#include "cudasim/memory.h"
#include "guard.h"
#include "regions.h"
#include "shadow.h"

namespace cudasim::memory {
namespace {

uint64_t word_at(const std::byte* address, size_t bytes) {
  uint64_t word = 0;
  std::memcpy(&word, address, bytes);
  return word;
}

bool bits_set(const std::vector<uint8_t>& bits, size_t first, size_t count) {
  if (bits.empty()) return true;
  for (size_t i = first; i < first + count; ++i) {
    if ((bits[i / 8] >> (i % 8) & 1) == 0) return false;
  }
  return true;
}

}  // namespace

void Snapshot::take() { copy(nullptr); }

void Snapshot::take_changes(const Snapshot& before) { copy(&before); }

void Snapshot::copy(const Snapshot* before) {
  const GuardLifted lifted;
  pieces_.clear();
  size_t total = 0;
  const auto add = [&](std::byte* address, size_t bytes) {
    pieces_.push_back({address, bytes, nullptr, false, copy_set(address, bytes)});
    total += bytes;
  };
  for (const Allocation& allocation : live_allocations()) add(allocation.address, allocation.bytes);
  for (const Region& variable : variables()) {
    if (std::string(variable.kind) != "constant") add(variable.address, variable.bytes);
  }
  if (total > room_bytes_) {
    room_.reset();  // first: both need not fit
    room_.reset(new std::byte[total]);
    room_bytes_ = total;
  }
  std::byte* next = room_.get();
  for (size_t i = 0; i < pieces_.size(); ++i) {
    Piece& piece = pieces_[i];
    if (before != nullptr) {
      const Piece& then = before->pieces_[i];
      piece.unchanged = std::memcmp(piece.address, then.content, piece.bytes) == 0;
      piece.content = then.content;
    }
    if (piece.unchanged) continue;
    std::memcpy(next, piece.address, piece.bytes);
    piece.content = next;
    next += piece.bytes;
  }
}

void Snapshot::restore(const Snapshot& now) const {
  const GuardLifted lifted;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (!now.pieces_[i].unchanged) std::memcpy(piece.address, piece.content, piece.bytes);
    put_set(piece.address, piece.bytes, piece.set);
  }
}

std::optional<Difference> Snapshot::difference(const Compare& compare) {
  const GuardLifted lifted;
  std::optional<Difference> first;
  for (Piece& piece : pieces_) {
    const size_t bytes = piece.bytes;
    // Most memory of a launch is not written at all: one comparison for the whole piece.
    if (std::memcmp(piece.address, piece.content, bytes) == 0) continue;
    piece.unchanged = false;
    const size_t skew =
        reinterpret_cast<uintptr_t>(piece.address) % 8;  // where the shadow's bits of the piece begin
    size_t word = 4;
    for (size_t at = 0; at < bytes; at += word) {
      const std::byte* address = piece.address + at;
      word = 4;
      if (std::memcmp(address, piece.content + at, std::min<size_t>(8, bytes - at)) != 0 &&
          compare.word) {
        word = compare.word(address);
      }
      const size_t size = std::min(word, bytes - at);
      const uint64_t then = word_at(piece.content + at, size);
      const uint64_t now = word_at(address, size);
      if (then == now || (compare.same && compare.same(address, size, then, now))) continue;
      if (first) {
        ++first->words;
        continue;
      }
      first = Difference{
          address,          size, 1, then, now, bits_set(piece.set, skew + at, size), all_set(address, size),
          describe(address)};
    }
  }
  return first;
}

}  // namespace cudasim::memory
