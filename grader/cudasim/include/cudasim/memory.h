/// Device memory as the other parts of cuda-sim see it: the execution of kernels (guard, shared memory, race
/// check) and the translated source (registration of __device__ variables). The cuda* functions that a
/// student calls are in api.h.
///
/// Device memory is one reserved range of addresses, the arena, with an allocator of our own in it. Two
/// things watch over it:
///
///     the guard    always: the arena is mprotected away while host code runs, so that `a.ptr[0]` there
///                  is a SIGSEGV, which fault.cc explains
///     the check    CUDASIM_CHECK contains "memory", and the source was compiled with -fsanitize=thread
///                  (hooks.cc): every load and store is looked up in a shadow of the arena
///
/// Nothing here is thread-safe: cuda-sim runs on one thread of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cudasim::memory {

// ---------------------------------------------------------------------------- around a launch

/// Device memory becomes accessible, host memory forbidden (under the check). Fails when CUDASIM_CHECK asks
/// for the memory check and the source was compiled without hooks: nothing would be found, silently.
void kernel_begins();

/// The reverse. Must be called on every way out of a launch, a failed one included; calling it twice is
/// harmless.
void kernel_ends();

/// Whether accesses are looked up: CUDASIM_CHECK contains "memory" and the module was compiled with hooks.
bool checked();

// ---------------------------------------------------------------------------- shared memory

/// Most dynamic shared memory of a block: what cudaFuncSetAttribute can raise the limit of 48 KB to.
inline constexpr size_t MAX_SHARED_BYTES = 227 * 1024;

/// Where dynamic shared memory begins: one address for the whole process, 1024-byte aligned, in the arena,
/// with a red zone around it.
void* dynamic_shared();

/// A block begins: its dynamic shared memory is `bytes` long (at most MAX_SHARED_BYTES) and unset, and filled
/// with 0xFF; what lies behind is out of bounds.
void begin_dynamic_shared(size_t bytes);

/// The memory at `address` holds nothing yet: a read before a write is a failure under the check. `kind` is
/// "shared" or the like, `name` the variable's; both must outlive the process (string literals). Does not
/// fill. Takes memory of the arena and static variables of this module; marking the same range again is
/// cheap.
void mark_unset(void* address, size_t bytes, const char* kind, const char* name);

/// The memory at `address` belongs to nothing: any access is out of bounds under the check. Marking again is
/// cheap.
void mark_red_zone(const void* address, size_t bytes);

/// Undoes mark_unset: reads are no longer looked at.
void forget(const void* address);

// ---------------------------------------------------------------------------- __device__ and its relatives

enum class VariableKind { device, constant, managed };

/// Registers a variable that lives on the device. The translated source says, behind `__device__ float
/// a[3];`:
///     static const ::cudasim::memory::Variable cudasim_variable_1(&a, sizeof(a), "a", VariableKind::device);
struct Variable {
  Variable(const volatile void* address, size_t bytes, const char* name, VariableKind kind);
};

// ---------------------------------------------------------------------------- race check

/// Where device memory differs between two runs.
struct Difference {
  const void* address;  // of the first differing word
  size_t bytes;   // size of that word: 4, or 8 where the caller says so; less at the end of an allocation
  size_t words;   // how many words differ, this one included
  uint64_t then;  // the word in the snapshot, zero-extended
  uint64_t now;   // the word now
  bool then_set;  // false: nothing had been written there (always true without the memory check)
  bool now_set;
  std::string place;  // as describe() says
};

/// Contents of all live device memory and of all __device__ and __managed__ variables (not shared memory).
/// Bytes are as in an array: sum of live allocations. Valid as long as nothing is allocated or freed.
class Snapshot {
 public:
  /// Copies what is there now. Into the memory of an earlier copy: fresh pages cost thrice what copying does.
  void take();

  /// The same after a launch, before which `before` was taken: what is still as it was is not copied, for most
  /// memory of a program is not written by one launch.
  void take_changes(const Snapshot& before);

  /// Puts it back, and which bytes are set, where memory is as in `now` and as its difference() saw it last.
  void restore(const Snapshot& now) const;

  /// How two words at an address compare. 4 and 8 byte words are passed as unsigned numbers.
  struct Compare {
    /// Size of the words around this address: 4 or 8. Null means 4 everywhere.
    std::function<size_t(const void* address)> word;
    /// Whether words with different bits count as equal (float sums by atomics). Null means never.
    std::function<bool(const void* address, size_t bytes, uint64_t then, uint64_t now)> same;
  };

  /// The first difference between the snapshot and memory as it is now, or nothing.
  std::optional<Difference> difference(const Compare& compare);

 private:
  struct Piece {
    std::byte* address;
    size_t bytes;
    const std::byte* content;  // in the room, or in that of the snapshot before
    bool unchanged;            // as in the snapshot before, then and at every difference() since
    std::vector<uint8_t> set;  // shadow bits of the piece, empty without the check
  };
  void copy(const Snapshot* before);

  std::vector<Piece> pieces_;
  std::unique_ptr<std::byte[]> room_;
  size_t room_bytes_ = 0;
};

// ---------------------------------------------------------------------------- in words

/// What an address means: "element 5 of an allocation of 400 bytes (100 elements of 4 bytes)", "8 bytes past
/// the end of the __shared__ variable tile of ...", "address 0x55..., which is no device memory".
std::string describe(const void* address);

}  // namespace cudasim::memory
