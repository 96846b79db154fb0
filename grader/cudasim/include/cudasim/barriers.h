/// Barriers of a block, and memory fences.
///
/// Every function takes the line that it is called from as a last, defaulted argument, so that messages can
/// name it.
#pragma once

#include "cudasim/failure.h"

namespace cudasim::detail {
enum class Vote { none, count, all, any };  // what a barrier gathers from its threads
int barrier(const char* name, Vote vote, int predicate, Place at);
void yield();
void trap(const char* name, Place at);
}  // namespace cudasim::detail

/// Waits until every thread of the block is here, at the same line.
inline void __syncthreads(cudasim::Place at = cudasim::Place::here()) {
  cudasim::detail::barrier("__syncthreads()", cudasim::detail::Vote::none, 0, at);
}

/// The same; returns how many threads came with a predicate other than 0.
inline int __syncthreads_count(int predicate, cudasim::Place at = cudasim::Place::here()) {
  return cudasim::detail::barrier("__syncthreads_count()", cudasim::detail::Vote::count, predicate, at);
}

/// The same; returns whether all of them did.
inline int __syncthreads_and(int predicate, cudasim::Place at = cudasim::Place::here()) {
  return cudasim::detail::barrier("__syncthreads_and()", cudasim::detail::Vote::all, predicate, at);
}

/// The same; returns whether any of them did.
inline int __syncthreads_or(int predicate, cudasim::Place at = cudasim::Place::here()) {
  return cudasim::detail::barrier("__syncthreads_or()", cudasim::detail::Vote::any, predicate, at);
}

/// Fences order the accesses of one thread as others see them. Here threads run one after another, so memory
/// is always in order; the compiler alone must not move accesses across.
inline void __threadfence_block() { __asm__ __volatile__("" ::: "memory"); }
inline void __threadfence() { __asm__ __volatile__("" ::: "memory"); }
inline void __threadfence_system() { __asm__ __volatile__("" ::: "memory"); }

/// Lets other threads go on: a thread that polls what another one will write must call it (or an atomic) in
/// its loop.
inline void __nanosleep(unsigned) { cudasim::detail::yield(); }

inline void __trap(cudasim::Place at = cudasim::Place::here()) { cudasim::detail::trap("__trap()", at); }
inline void __brkpt(cudasim::Place at = cudasim::Place::here()) { cudasim::detail::trap("__brkpt()", at); }
