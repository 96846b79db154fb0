/// Stacks to run simulated threads on, and switching between them.
#pragma once

namespace cudasim::detail {

/// A stack, and where on it to go on. It runs one simulated thread after another; a thread that waits keeps
/// it.
struct Fiber {
  void* stack_pointer;
  void* address;  // of the next instruction
  void* frame_pointer;
};

/// A launch begins: what older launches left on the stacks is forgotten. `entry` runs on every fiber that is
/// switched to for the first time, and must not return.
void reset_fibers(void (*entry)());

/// A fiber that runs nothing: one given back, else the next of the pool. At most 1024 are taken at a time.
Fiber& take_fiber();

/// The fiber that runs has nothing to do any more: take_fiber() may return it, and it then goes on where it
/// stopped.
void give_back_fiber(Fiber& fiber);

/// Leaves `from`, which is running, and goes on in `to`. Returns when somebody switches back.
void switch_fiber(Fiber& from, Fiber& to);

/// Leaves the host's stack for the first fiber of a launch. Returns when a fiber calls return_to_host().
void enter_fibers(Fiber& first);

/// Leaves all fibers as they are.
[[noreturn]] void return_to_host();

}  // namespace cudasim::detail
