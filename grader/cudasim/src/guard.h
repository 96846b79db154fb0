/// The guard: device memory is out of the host's reach while the host's code runs.
#pragma once

namespace cudasim::memory {

/// Takes device memory away from the host; at the arena's creation.
void raise_guard();

/// Whether device memory must not be touched now.
bool guard_is_up();

/// Device memory is accessible while one of these lives: for the runtime's own copies.
class GuardLifted {
 public:
  GuardLifted();
  ~GuardLifted();
  GuardLifted(const GuardLifted&) = delete;
  GuardLifted& operator=(const GuardLifted&) = delete;
};

}  // namespace cudasim::memory
