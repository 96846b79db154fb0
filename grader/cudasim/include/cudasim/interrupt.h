/// Interrupting simulated threads between two instructions, for the race check.
///
/// Shuffled orders alone do not find `sum += x` by many threads: a thread that is never interrupted between its load and
/// its store loses no update. So in the random orders (seed 2 and up) some stores let other threads go first.
#pragma once

#include "cudasim/qualifiers.h"

namespace cudasim::detail {

extern CUDASIM_HIDDEN bool interrupting;  // a shuffled order is running
extern CUDASIM_HIDDEN bool in_atomic;     // the thread that runs must not be interrupted now

/// While one of these lives, the thread is not interrupted.
class Uninterrupted {
 public:
  CUDASIM_UNCHECKED Uninterrupted() { in_atomic = true; }
  CUDASIM_UNCHECKED ~Uninterrupted() { in_atomic = false; }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

/// The compiler's hooks call it before a store of the translated source, when `interrupting`.
void before_store(const void* address);

}  // namespace cudasim::detail
