#include "block.h"

#include <numeric>
#include <utility>

#include "cudasim/atomics.h"
#include "cudasim/interrupt.h"
#include "cudasim/memory.h"
#include "cudasim/shared.h"
#include "failing.h"
#include "shared_state.h"
#include "warp_state.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace cudasim::detail {

Progress progress;
Block block;
unsigned long long block_serial = 0;
bool running_kernel = false;
bool kernel_awaited = false;
unsigned atomics_in_a_row = 0;

namespace {

constexpr unsigned NOBODY = ~0u;  // as progress.thread: the fiber has run no thread yet. One more is 0.

/// 0, 1, ..., count - 1 in the order that the seed stands for. Seed 1 is the reverse: of all orders the one
/// that differs most from the natural one, and it is never the natural one by chance as it may be for two
/// threads.
template <class Number>
void shuffle(std::vector<Number>& numbers, uint64_t count, unsigned seed) {
  numbers.resize(count);
  std::iota(numbers.begin(), numbers.end(), Number{0});
  for (uint64_t i = count; i-- > 1;) {
    const uint64_t other = seed == 1 ? (i >= count / 2 ? count - 1 - i : i) : block.random.below(i + 1);
    std::swap(numbers[i], numbers[other]);
  }
}

void set_thread(unsigned thread) {
  progress.thread = thread;
  threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
}

/// The next block of the grid becomes the current one, none of its threads started. False: there is none.
bool begin_block() {
  if (block.blocks_begun == block.blocks) return false;
  uint64_t number = block.blocks_begun++;
  if (block.order.seed != 0) number = block.block_order[number];
  blockIdx = {static_cast<unsigned>(number % gridDim.x),
              static_cast<unsigned>(number / gridDim.x % gridDim.y),
              static_cast<unsigned>(number / gridDim.x / gridDim.y)};
  ++block_serial;
  begin_shared();
  block.tracked = false;
  block.started = block.returned = 0;
  block.at_barrier = block.votes = 0;
  block.at_different_lines = false;
  progress.plain_end = block.threads;
  if (block.order.seed != 0) {
    shuffle(block.thread_order, block.threads, block.order.seed);
    track();
  }
  return true;
}

void start_thread() {
  const unsigned number = block.started++;
  const unsigned thread = block.order.seed == 0 ? number : block.thread_order[number];
  block.thread[thread].state = State::running;
  set_thread(thread);
}

/// The thread that has waited longest and may go on; any of them when shuffled.
unsigned pop_ready() {
  const unsigned first = block.ready_first;
  if (block.order.seed > 1) {
    const unsigned other = (first + block.random.below(block.ready_count)) % block.threads;
    std::swap(block.ready[first], block.ready[other]);
  }
  block.ready_first = first + 1 == block.threads ? 0 : first + 1;
  --block.ready_count;
  return block.ready[first];
}

void push_ready(unsigned thread) {
  unsigned end = block.ready_first + block.ready_count++;
  if (end >= block.threads) end -= block.threads;
  block.ready[end] = thread;
}

/// Apart from barrier(), whose frame lies on the stack of every thread that waits: 200 bytes less of it.
[[noreturn]] __attribute__((noinline)) void fail_on_host(const char* name, Place at) {
  fail(std::string(name) + " at " + to_string(at) + " was called by host code; it is for kernels.");
}

void switch_to(Fiber& next) {
  Fiber& me = *block.fiber;
  if (&next == &me) return;
  block.fiber = &next;
  switch_fiber(me, next);
}

/// The current thread, which is at rest, hands over: to threads that may go on, then to those not started
/// yet. The other way round when it only lets others go first.
void hand_over(bool unstarted_first) {
  const unsigned me = progress.thread;
  Thread& mine = block.thread[me];
  mine.fiber = block.fiber;
  mine.index = threadIdx;
  if (block.ready_count != 0 && !(unstarted_first && block.started < block.threads)) {
    switch_to(*block.thread[pop_ready()].fiber);
  } else if (block.started < block.threads) {
    switch_to(take_fiber());
  } else {
    fail_diverged();
  }
  progress.thread = me;
  threadIdx = mine.index;
}

/// On every fiber that a launch uses, from its beginning: the threads, on a copy of the call.
void run_fiber() {
  // The copy lies on the fiber's stack, where kernel arguments belong: under the memory check the host's
  // stack may not be read in a kernel. 64 bytes: the largest alignment that arguments are given in practice.
  const size_t bytes = block.launch->call_bytes;
  void* copy = __builtin_alloca(bytes + 64);
  copy = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(copy) + 63) & ~uintptr_t{63});
  __builtin_memcpy(copy, block.launch->call, bytes);
  progress.thread = NOBODY;
  try {
    block.launch->run(copy);
  } catch (...) {
    fail(where() + ": an exception was thrown in device code, where there are none. Return instead.");
  }
}

}  // namespace

bool next_thread_slowly() {
  if (block.tracked) {
    if (progress.thread != NOBODY) {
      block.thread[progress.thread].state = State::returned;
      ++block.returned;
      lane_returned(progress.thread);
      if (block.ready_count != 0) {
        give_back_fiber(*block.fiber);
        switch_to(*block.thread[pop_ready()].fiber);
        // Taken again: there is a thread to start.
      }
    }
    if (block.started < block.threads) {
      start_thread();
      return true;
    }
    if (block.returned < block.threads) fail_diverged();
  }
  if (!begin_block()) return_to_host();
  if (block.tracked) {
    start_thread();
  } else {
    set_thread(0);
  }
  return true;
}

void track() {
  if (block.tracked) return;
  block.tracked = true;
  const bool plain = block.order.seed == 0;
  block.started = plain ? progress.thread + 1 : 0;
  block.returned = plain ? progress.thread : 0;
  block.ready_first = block.ready_count = 0;
  for (unsigned t = 0; t < block.threads; ++t) {
    block.thread[t].state = t < block.returned  ? State::returned
                            : t < block.started ? State::running
                                                : State::unstarted;
  }
  progress.plain_end = 0;
  begin_warps();
}

void park() { hand_over(false); }

void release(unsigned thread) {
  block.thread[thread].state = State::running;
  push_ready(thread);
}

void yield() {
  if (!in_kernel()) return;
  track();
  if (block.ready_count == 0 && block.started == block.threads) return;  // there is nobody else
  release(progress.thread);
  hand_over(true);
}

int barrier(const char* name, Vote vote, int predicate, Place at) {
  if (!in_kernel()) fail_on_host(name, at);
  track();
  Thread& me = block.thread[progress.thread];
  me.state = State::at_barrier;
  me.name = name;
  me.mask = 0;
  me.at = at;
  if (block.at_barrier++ == 0) {
    block.barrier_at = at;
  } else if (at.line != block.barrier_at.line || at.file != block.barrier_at.file) {
    block.at_different_lines = true;
  }
  block.votes += predicate != 0;
  if (block.at_barrier == block.threads && !block.at_different_lines) {
    block.barrier_result = vote == Vote::count ? static_cast<int>(block.votes)
                           : vote == Vote::all ? block.votes == block.threads
                                               : block.votes != 0;
    block.at_barrier = block.votes = 0;
    for (unsigned t = 0; t < block.threads; ++t) release(t);
  } else {
    lane_waits(progress.thread);
  }
  park();
  return block.barrier_result;
}

void run_grid(const Launch& launch, Order order) {
  memory::kernel_begins();  // may throw
  gridDim = launch.config.grid;
  blockDim = launch.config.block;
  block.launch = &launch;
  block.order = order;
  block.random.state = order.seed;
  interrupting = order.seed > 1;
  in_atomic = false;
  block.threads = blockDim.x * blockDim.y * blockDim.z;
  block.blocks = static_cast<uint64_t>(gridDim.x) * gridDim.y * gridDim.z;
  block.blocks_begun = 0;
  if (order.seed != 0) shuffle(block.block_order, block.blocks, order.seed);
  block.thread.resize(block.threads);
  block.ready.resize(block.threads);
  block.tracked = false;
  progress.plain_end = 0;

  reset_fibers(run_fiber);
  block.fiber = &take_fiber();
  running_kernel = true;
  enter_fibers(*block.fiber);
  running_kernel = interrupting = kernel_awaited = false;
  memory::kernel_ends();
  block.launch = nullptr;
  throw_failure();
}

std::string to_string_of(uint3 v) {
  return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) + ")";
}

std::string thread_name(unsigned thread) {
  return "thread " + to_string_of({thread % blockDim.x, thread / blockDim.x % blockDim.y,
                                   thread / blockDim.x / blockDim.y});
}

std::string block_name() { return "block " + to_string_of(blockIdx); }

}  // namespace cudasim::detail
