/// Warp operations: shuffles, votes, matches, reductions, __syncwarp, __activemask.
///
/// A warp is 32 threads of a block with consecutive numbers; a lane is a thread's place in it. An operation
/// is complete as soon as every lane that its mask names is in it, but for those that have returned. Reading
/// a lane that is not there has an undefined result on a GPU and is a failure here.
#pragma once

#include <cstdint>
#include <cstring>

#include "cudasim/execution.h"
#include "cudasim/failure.h"

namespace cudasim::detail {

/// One for each function: lanes that meet must have called the same.
enum class WarpOp {
  sync,
  active,
  ballot,
  any,
  all,
  match_any,
  match_all,
  shfl,
  shfl_up,
  shfl_down,
  shfl_xor,
  add,
  min_signed,
  max_signed,
  min_unsigned,
  max_unsigned,
  bit_and,
  bit_or,
  bit_xor,
};

/// What a lane brings along.
struct Lane {
  uint64_t value;   // to be read by others, compared, summed; predicates are 0 or 1
  int argument;     // shuffles: source lane, delta, or xor mask
  int width;        // shuffles: lanes of a segment, a power of 2
  uint64_t result;  // what it gets
  bool all_match;   // match_all: the predicate
};

/// Waits for the other lanes; the result is in the Lane, and returned too.
uint64_t warp_operation(WarpOp op, unsigned mask, Lane& lane, Place at);

template <class T>
uint64_t bits_of(T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "warp operations take 32 and 64 bit values");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <class T>
T shuffle(WarpOp op, unsigned mask, T value, int argument, int width, Place at) {
  Lane lane{};
  lane.value = bits_of(value);
  lane.argument = argument;
  lane.width = width;
  const uint64_t bits = warp_operation(op, mask, lane, at);
  T result;
  memcpy(&result, &bits, sizeof(T));
  return result;
}

inline uint64_t vote(WarpOp op, unsigned mask, uint64_t value, Place at) {
  Lane lane{};
  lane.value = value;
  return warp_operation(op, mask, lane, at);
}

}  // namespace cudasim::detail

/// The four shuffles for each type that CUDA has them for. `width` splits a warp into segments that do not
/// see each other; where the source lies outside of the segment, a lane gets its own value.
#define CUDASIM_SHUFFLES(T)                                                                                 \
  inline T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,                            \
                       cudasim::Place at = cudasim::Place::here()) {                                        \
    return cudasim::detail::shuffle(cudasim::detail::WarpOp::shfl, mask, value, source, width, at);         \
  }                                                                                                         \
  inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,                     \
                          cudasim::Place at = cudasim::Place::here()) {                                     \
    return cudasim::detail::shuffle(cudasim::detail::WarpOp::shfl_up, mask, value, static_cast<int>(delta), \
                                    width, at);                                                             \
  }                                                                                                         \
  inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,                   \
                            cudasim::Place at = cudasim::Place::here()) {                                   \
    return cudasim::detail::shuffle(cudasim::detail::WarpOp::shfl_down, mask, value,                        \
                                    static_cast<int>(delta), width, at);                                    \
  }                                                                                                         \
  inline T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize,                     \
                           cudasim::Place at = cudasim::Place::here()) {                                    \
    return cudasim::detail::shuffle(cudasim::detail::WarpOp::shfl_xor, mask, value, lane_mask, width, at);  \
  }

CUDASIM_SHUFFLES(int)
CUDASIM_SHUFFLES(unsigned int)
CUDASIM_SHUFFLES(long)
CUDASIM_SHUFFLES(unsigned long)
CUDASIM_SHUFFLES(long long)
CUDASIM_SHUFFLES(unsigned long long)
CUDASIM_SHUFFLES(float)
CUDASIM_SHUFFLES(double)
#undef CUDASIM_SHUFFLES

/// Which lanes of the mask have a predicate other than 0, as bits; whether any has; whether all have.
inline unsigned __ballot_sync(unsigned mask, int predicate, cudasim::Place at = cudasim::Place::here()) {
  return static_cast<unsigned>(
      cudasim::detail::vote(cudasim::detail::WarpOp::ballot, mask, predicate != 0, at));
}
inline int __any_sync(unsigned mask, int predicate, cudasim::Place at = cudasim::Place::here()) {
  return static_cast<int>(cudasim::detail::vote(cudasim::detail::WarpOp::any, mask, predicate != 0, at));
}
inline int __all_sync(unsigned mask, int predicate, cudasim::Place at = cudasim::Place::here()) {
  return static_cast<int>(cudasim::detail::vote(cudasim::detail::WarpOp::all, mask, predicate != 0, at));
}

/// Waits until all lanes of the mask are here.
inline void __syncwarp(unsigned mask = 0xffffffffu, cudasim::Place at = cudasim::Place::here()) {
  cudasim::detail::vote(cudasim::detail::WarpOp::sync, mask, 0, at);
}

/// Lanes of the warp that are at this line now. Here: all that reach it before they wait for something else.
inline unsigned __activemask(cudasim::Place at = cudasim::Place::here()) {
  return static_cast<unsigned>(cudasim::detail::vote(cudasim::detail::WarpOp::active, 0, 0, at));
}

/// Which lanes of the mask have this lane's value, bit by bit.
template <class T>
unsigned __match_any_sync(unsigned mask, T value, cudasim::Place at = cudasim::Place::here()) {
  const uint64_t bits = cudasim::detail::bits_of(+value);
  return static_cast<unsigned>(cudasim::detail::vote(cudasim::detail::WarpOp::match_any, mask, bits, at));
}

/// The mask where all its lanes have the same value, else 0; *all_match says which.
template <class T>
unsigned __match_all_sync(unsigned mask, T value, int* all_match,
                          cudasim::Place at = cudasim::Place::here()) {
  cudasim::detail::Lane lane{};
  lane.value = cudasim::detail::bits_of(+value);
  const uint64_t lanes = cudasim::detail::warp_operation(cudasim::detail::WarpOp::match_all, mask, lane, at);
  *all_match = lane.all_match;
  return static_cast<unsigned>(lanes);
}

/// Every lane of the mask gets the sum (minimum, ...) over all of them.
#define CUDASIM_REDUCE(name, T, op)                                                                     \
  inline T __reduce_##name##_sync(unsigned mask, T value, cudasim::Place at = cudasim::Place::here()) { \
    return static_cast<T>(                                                                              \
        cudasim::detail::vote(cudasim::detail::WarpOp::op, mask, static_cast<unsigned>(value), at));    \
  }
CUDASIM_REDUCE(add, int, add)
CUDASIM_REDUCE(add, unsigned, add)
CUDASIM_REDUCE(min, int, min_signed)
CUDASIM_REDUCE(min, unsigned, min_unsigned)
CUDASIM_REDUCE(max, int, max_signed)
CUDASIM_REDUCE(max, unsigned, max_unsigned)
CUDASIM_REDUCE(and, unsigned, bit_and)
CUDASIM_REDUCE(or, unsigned, bit_or)
CUDASIM_REDUCE(xor, unsigned, bit_xor)
#undef CUDASIM_REDUCE
