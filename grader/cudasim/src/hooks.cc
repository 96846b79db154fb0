/// The memory check: what the compiler calls, under -fsanitize=thread, before every load and store of the
/// translated source. Names and signatures are those that g++ 12 and clang 14 emit for the thread sanitizer;
/// libtsan is not linked.
///
/// Hidden: several modules with hooks may be loaded in one process, and each has its own arena and its own
/// hooks. Aimed at 2 ns an access: a comparison with the arena's range, a load from the shadow and a mask.
#include <atomic>
#include <cstdint>
#include <cstring>

#include "check.h"
#include "cudasim/failure.h"
#include "cudasim/interrupt.h"
#include "cudasim/memory.h"
#include "cudasim/qualifiers.h"
#include "report.h"
#include "shadow.h"

namespace cudasim::memory {
namespace {

#define CUDASIM_HERE __builtin_return_address(0)
#define CUDASIM_INLINE inline __attribute__((always_inline))

/// Room for the local variables of a function and its callers up to the kernel, right above the hook's own
/// frame. An address there is the thread's stack; others are asked of the execution (on_fiber_stack).
constexpr uintptr_t STACK_NEAR = 16 * 1024;

/// How much of what is read must have been written.
enum class Initialised {
  all,    // numbers
  first,  // structs, whose padding never is; their first byte is no padding
};

CUDASIM_INLINE bool near_stack(uintptr_t address) {
  return address - reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < STACK_NEAR;
}

/// Any size and alignment.
__attribute__((noinline)) void check_slowly(const void* address, size_t bytes, Access access,
                                            Initialised rule, const void* from) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (bytes == 0 || near_stack(at)) return;
  const bool known = arena_zone.contains(at) || module_zone.contains(at);
  if (!known || !all_live(address, bytes)) return judge(address, bytes, access, from);
  if (access == Access::write) return mark_set(address, bytes);
  const size_t first = first_unset(address, bytes);
  if (first == bytes || (rule == Initialised::first && first != 0)) return;
  uninitialised(address, bytes, from);
}

/// An access of 1, 2, 4, 8 or 16 bytes, in a kernel, whose type is aligned to its size. 16 bytes are a
/// struct: of a char and a double, aligned to 8, as well as a float4, whose alignment alignment.cc checks.
template <size_t bytes>
CUDASIM_INLINE void check(const void* address, Access access, const void* from) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  const Zone* zone = &arena_zone;
  if (!zone->contains(at)) {
    if (near_stack(at)) return;
    zone = &module_zone;
    if (!zone->contains(at)) return judge(address, bytes, access, from);
  }
  if (at % (bytes < 8 ? bytes : 8) != 0) misaligned(address, bytes, access, from);
  using Bits = std::conditional_t<bytes == 16, uint16_t, uint8_t>;
  const size_t offset = at - zone->base;
  const Bits mask =
      bytes >= 8 ? static_cast<Bits>(~Bits{0}) : static_cast<Bits>(((1u << (bytes & 7)) - 1) << (offset & 7));
  uint8_t* set = zone->set + (offset >> 3);
  Bits bits;
  if (access == Access::read) {
    std::memcpy(&bits, set, sizeof bits);  // set means live, too
    if ((bits & mask) == mask) return;
  } else {
    std::memcpy(&bits, zone->live + (offset >> 3), sizeof bits);
    if ((bits & mask) == mask) {
      std::memcpy(&bits, set, sizeof bits);
      bits = static_cast<Bits>(bits | mask);
      std::memcpy(set, &bits, sizeof bits);
      return;
    }
  }
  check_slowly(address, bytes, access, bytes == 16 ? Initialised::first : Initialised::all, from);
}

/// The host's accesses: only device memory is looked for.
CUDASIM_INLINE void check_host(const void* address, size_t bytes, Access access, const void* from) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (arena_zone.contains(at) || module_zone.contains(at)) judge(address, bytes, access, from);
}

template <size_t bytes>
CUDASIM_INLINE void aligned(const void* address, Access access, const void* from) {
  if (in_kernel()) {
    if (arena_zone.bytes != 0) check<bytes>(address, access, from);
    if (access == Access::write && detail::interrupting) detail::before_store(address);
  } else {
    check_host(address, bytes, access, from);
  }
}

CUDASIM_INLINE void any(const void* address, size_t bytes, Access access, const void* from) {
  if (in_kernel()) {
    if (arena_zone.bytes != 0) check_slowly(address, bytes, access, Initialised::first, from);
    if (access == Access::write && detail::interrupting) detail::before_store(address);
  } else {
    check_host(address, bytes, access, from);
  }
}

}  // namespace
}  // namespace cudasim::memory

#pragma GCC visibility push(hidden)
extern "C" {

using cudasim::memory::Access;
using cudasim::memory::aligned;
using cudasim::memory::any;

void __tsan_init() { cudasim::memory::hooks_are_there(); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_ignore_thread_begin() {}
void __tsan_ignore_thread_end() {}

#define CUDASIM_HOOKS(bytes)                                                                \
  void __tsan_read##bytes(void* p) { aligned<bytes>(p, Access::read, CUDASIM_HERE); }       \
  void __tsan_write##bytes(void* p) { aligned<bytes>(p, Access::write, CUDASIM_HERE); }     \
  void __tsan_unaligned_read##bytes(void* p) { any(p, bytes, Access::read, CUDASIM_HERE); } \
  void __tsan_unaligned_write##bytes(void* p) { any(p, bytes, Access::write, CUDASIM_HERE); }
CUDASIM_HOOKS(1)
CUDASIM_HOOKS(2)
CUDASIM_HOOKS(4)
CUDASIM_HOOKS(8)
CUDASIM_HOOKS(16)
#undef CUDASIM_HOOKS

void __tsan_read_range(void* p, size_t bytes) { any(p, bytes, Access::read, CUDASIM_HERE); }
void __tsan_write_range(void* p, size_t bytes) { any(p, bytes, Access::write, CUDASIM_HERE); }
void __tsan_vptr_read(void** p) { aligned<sizeof(void*)>(p, Access::read, CUDASIM_HERE); }
void __tsan_vptr_update(void** p, void*) { aligned<sizeof(void*)>(p, Access::write, CUDASIM_HERE); }

// clang replaces these functions of the C library in instrumented code.
void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
  any(from, bytes, Access::read, CUDASIM_HERE);
  any(to, bytes, Access::write, CUDASIM_HERE);
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, size_t bytes) {
  any(from, bytes, Access::read, CUDASIM_HERE);
  any(to, bytes, Access::write, CUDASIM_HERE);
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, size_t bytes) {
  any(to, bytes, Access::write, CUDASIM_HERE);
  return std::memset(to, value, bytes);
}

// Atomic operations are not only announced but left to the hook.
void __tsan_atomic_thread_fence(int) { std::atomic_thread_fence(std::memory_order_seq_cst); }
void __tsan_atomic_signal_fence(int) { std::atomic_signal_fence(std::memory_order_seq_cst); }

#define CUDASIM_FETCH(bits, name, builtin)                                                         \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t* p, uint##bits##_t v, int) { \
    CUDASIM_READ_AND_WRITE(bits, p);                                                               \
    return builtin(p, v, __ATOMIC_SEQ_CST);                                                        \
  }
#define CUDASIM_EXCHANGE(bits, strength)                                                                 \
  int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t* p, uint##bits##_t* old, \
                                                        uint##bits##_t v, int, int) {                    \
    CUDASIM_READ_AND_WRITE(bits, p);                                                                     \
    return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);            \
  }
#define CUDASIM_READ_AND_WRITE(bits, p)                                          \
  aligned<bits / 8>(const_cast<uint##bits##_t*>(p), Access::read, CUDASIM_HERE); \
  aligned<bits / 8>(const_cast<uint##bits##_t*>(p), Access::write, CUDASIM_HERE)
#define CUDASIM_ATOMICS(bits)                                                                               \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t* p, int) {                        \
    aligned<bits / 8>(const_cast<const uint##bits##_t*>(p), Access::read, CUDASIM_HERE);                    \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                            \
  }                                                                                                         \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t* p, uint##bits##_t v, int) {                     \
    aligned<bits / 8>(const_cast<uint##bits##_t*>(p), Access::write, CUDASIM_HERE);                         \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                               \
  }                                                                                                         \
  CUDASIM_FETCH(bits, exchange, __atomic_exchange_n)                                                        \
  CUDASIM_FETCH(bits, fetch_add, __atomic_fetch_add)                                                        \
  CUDASIM_FETCH(bits, fetch_sub, __atomic_fetch_sub)                                                        \
  CUDASIM_FETCH(bits, fetch_and, __atomic_fetch_and)                                                        \
  CUDASIM_FETCH(bits, fetch_or, __atomic_fetch_or)                                                          \
  CUDASIM_FETCH(bits, fetch_xor, __atomic_fetch_xor)                                                        \
  CUDASIM_FETCH(bits, fetch_nand, __atomic_fetch_nand)                                                      \
  CUDASIM_EXCHANGE(bits, strong)                                                                            \
  CUDASIM_EXCHANGE(bits, weak)                                                                              \
  uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t* p, uint##bits##_t old, \
                                                            uint##bits##_t v, int, int) {                   \
    CUDASIM_READ_AND_WRITE(bits, p);                                                                        \
    __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
    return old;                                                                                             \
  }
CUDASIM_ATOMICS(8)
CUDASIM_ATOMICS(16)
CUDASIM_ATOMICS(32)
CUDASIM_ATOMICS(64)

}  // extern "C"
#pragma GCC visibility pop
