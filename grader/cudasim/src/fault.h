/// SIGSEGV and SIGFPE in words.
#pragma once

namespace cudasim::memory {

/// Puts handlers in front of those that are there; at the arena's creation, so that a process that only loads
/// the module keeps its own.
void explain_faults();

}  // namespace cudasim::memory
