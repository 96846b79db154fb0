/// Atomic operations. One thread of the operating system runs all simulated threads, and none is interrupted
/// within these: plain operations are atomic. Under --check memory the compiler's hooks see them as the loads
/// and stores that they are.
#pragma once

#include <cstdint>
#include <type_traits>

#include "cudasim/interrupt.h"
#include "cudasim/qualifiers.h"

namespace cudasim::detail {

/// Sums by float atomics round differently in another order; the race check allows for that.
struct FloatSums {
  bool used_float = false;
  bool used_double = false;
  double largest = 0;  // addend, by magnitude
};
extern CUDASIM_HIDDEN FloatSums float_sums;

template <class T>
CUDASIM_UNCHECKED inline void note_sum(T addend) {
  if constexpr (std::is_floating_point<T>::value) {
    (sizeof(T) == 4 ? float_sums.used_float : float_sums.used_double) = true;
    const double size = addend < 0 ? -static_cast<double>(addend) : static_cast<double>(addend);
    if (size > float_sums.largest) float_sums.largest = size;
  }
}

void yield();
extern CUDASIM_HIDDEN unsigned atomics_in_a_row;

/// A thread may poll with atomics for what another one will write, as in a lock: now and then the others get
/// a chance.
CUDASIM_UNCHECKED inline void let_others_poll() {
  if (++atomics_in_a_row % 4096 == 0) yield();
}

/// Integers wrap around, as on the GPU.
template <class T>
inline T sum(T a, T b) {
  if constexpr (std::is_integral<T>::value) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
  } else {
    return a + b;
  }
}

/// *address becomes op(*address); returns what was there.
template <class T, class Op>
inline T update(T* address, Op op) {
  let_others_poll();
  const Uninterrupted whole;
  const T old = *address;
  *address = op(old);
  return old;
}

}  // namespace cudasim::detail

/// Each operation in the three scopes that CUDA names: they differ in who may see a value early, here nobody
/// does.
#define CUDASIM_ATOMIC(name, T, result)                                                                      \
  inline T name(T* address, T value) {                                                                       \
    return cudasim::detail::update(address, [=]([[maybe_unused]] T old) { return static_cast<T>(result); }); \
  }                                                                                                          \
  inline T name##_block(T* address, T value) { return name(address, value); }                                \
  inline T name##_system(T* address, T value) { return name(address, value); }

#define CUDASIM_ATOMIC_SUM(T)                                                                         \
  inline T atomicAdd(T* address, T value) {                                                           \
    cudasim::detail::note_sum(value);                                                                 \
    return cudasim::detail::update(address, [=](T old) { return cudasim::detail::sum(old, value); }); \
  }                                                                                                   \
  inline T atomicAdd_block(T* address, T value) { return atomicAdd(address, value); }                 \
  inline T atomicAdd_system(T* address, T value) { return atomicAdd(address, value); }

#define CUDASIM_ATOMIC_SWAP(T)                                                                              \
  inline T atomicCAS(T* address, T expected, T value) {                                                     \
    return cudasim::detail::update(address, [=](T old) { return old == expected ? value : old; });          \
  }                                                                                                         \
  inline T atomicCAS_block(T* address, T expected, T value) { return atomicCAS(address, expected, value); } \
  inline T atomicCAS_system(T* address, T expected, T value) { return atomicCAS(address, expected, value); }

#define CUDASIM_ATOMIC_INTEGER(T)                         \
  CUDASIM_ATOMIC(atomicMin, T, value < old ? value : old) \
  CUDASIM_ATOMIC(atomicMax, T, value > old ? value : old) \
  CUDASIM_ATOMIC(atomicAnd, T, old& value)                \
  CUDASIM_ATOMIC(atomicOr, T, old | value)                \
  CUDASIM_ATOMIC(atomicXor, T, old ^ value)

using cudasim_ulonglong = unsigned long long;

CUDASIM_ATOMIC_SUM(int)
CUDASIM_ATOMIC_SUM(unsigned)
CUDASIM_ATOMIC_SUM(cudasim_ulonglong)
CUDASIM_ATOMIC_SUM(float)
CUDASIM_ATOMIC_SUM(double)

CUDASIM_ATOMIC(atomicSub, int, static_cast<unsigned>(old) - static_cast<unsigned>(value))
CUDASIM_ATOMIC(atomicSub, unsigned, old - value)
CUDASIM_ATOMIC(atomicExch, int, value)
CUDASIM_ATOMIC(atomicExch, unsigned, value)
CUDASIM_ATOMIC(atomicExch, cudasim_ulonglong, value)
CUDASIM_ATOMIC(atomicExch, float, value)

CUDASIM_ATOMIC_INTEGER(int)
CUDASIM_ATOMIC_INTEGER(unsigned)
CUDASIM_ATOMIC_INTEGER(cudasim_ulonglong)
CUDASIM_ATOMIC(atomicMin, long long, value < old ? value : old)
CUDASIM_ATOMIC(atomicMax, long long, value > old ? value : old)

/// Counts up to `value`, then from 0 again; counts down to 0, then from `value` again.
CUDASIM_ATOMIC(atomicInc, unsigned, old >= value ? 0 : old + 1)
CUDASIM_ATOMIC(atomicDec, unsigned, old == 0 || old > value ? value : old - 1)

CUDASIM_ATOMIC_SWAP(int)
CUDASIM_ATOMIC_SWAP(unsigned)
CUDASIM_ATOMIC_SWAP(unsigned short)
CUDASIM_ATOMIC_SWAP(cudasim_ulonglong)

#undef CUDASIM_ATOMIC
#undef CUDASIM_ATOMIC_SUM
#undef CUDASIM_ATOMIC_SWAP
#undef CUDASIM_ATOMIC_INTEGER
