/// The block that runs: its threads, who waits for what, and who runs next.
///
/// A block begins plain: its threads run one after another as plain calls on one fiber, and nothing is
/// written down about them. The first thread that waits ends that (track()): from then on every thread has a
/// state, a thread that waits keeps its fiber, and others run on fibers of their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cudasim/barriers.h"
#include "cudasim/execution.h"
#include "fiber.h"

namespace cudasim::detail {

/// Whether and how the order of threads and blocks is shuffled, for the race check.
struct Order {
  unsigned seed = 0;  // 0: the natural order; 1: exactly the reverse; more: random
};

enum class State : uint8_t { unstarted, running, at_barrier, in_warp, returned };  // running: or ready to

struct Thread {
  State state;
  Fiber* fiber;      // that it waits on
  uint3 index;       // its threadIdx, while it waits
  const char* name;  // of what it waits in: "__syncthreads()"
  unsigned mask;     // of that, when it is a warp operation; else 0
  Place at;          // the line of that
};

/// Random numbers that are the same everywhere for a seed (splitmix64; std::shuffle's are the library's own).
struct Random {
  uint64_t state = 0;
  uint64_t below(uint64_t limit) {
    uint64_t x = state += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return (x ^ (x >> 31)) % limit;
  }
};

/// Everything about the block that runs now. One for the process: launches do not nest.
struct Block {
  const Launch* launch;  // null: no kernel is running
  unsigned threads;      // of a block
  Order order;
  Random random;

  uint64_t blocks;                    // of the grid
  uint64_t blocks_begun;              // of the grid
  std::vector<uint64_t> block_order;  // shuffled: which block is the i-th

  bool tracked;                        // has any thread waited, or is the order shuffled?
  Fiber* fiber;                        // that runs
  std::vector<Thread> thread;          // valid once tracked
  std::vector<unsigned> thread_order;  // shuffled: which thread is the i-th to start
  unsigned started;                    // how many have been, when tracked
  unsigned returned;                   // how many have
  std::vector<unsigned> ready;         // a ring of `threads` places: those that may go on
  unsigned ready_first, ready_count;

  unsigned at_barrier;       // how many wait at one
  bool at_different_lines;   // they are not the same
  const char* barrier_name;  // the first one's
  Place barrier_at;
  unsigned votes;  // predicates that were not 0
  int barrier_result;
};
extern Block block;

/// Runs all blocks of a launch in that order. Throws Failure.
void run_grid(const Launch& launch, Order order);

/// Ends the plain beginning of a block.
void track();

/// The current thread waits, having said for what in block.thread; returns once somebody has released it.
void park();

/// A thread that waits may go on.
void release(unsigned thread);

/// Nobody can go on: tells why and fails (divergence.cc).
[[noreturn]] void fail_diverged();

/// "thread (240, 0, 0)"
std::string thread_name(unsigned thread);

/// "block (3, 0, 0)"
std::string block_name();

}  // namespace cudasim::detail
