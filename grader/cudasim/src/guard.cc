/// One mprotect lowers the guard and one raises it, around every launch and every copy. What that costs, a
/// pair, on an EPYC under Linux 6.18 (microseconds; MiB of device memory that have been touched):
///
///     pages of   0 MiB   1 MiB   16 MiB   100 MiB   400 MiB
///     2 MiB        4      10       13        24        62
///     4 KiB        7      66      720      4000     20000
///
/// So the arena asks for huge pages (MADV_HUGEPAGE), and not all of it is guarded: 16 MiB, or 512 KiB where
/// the system has no huge pages. The allocator fills the arena from its start, so that a program has to hold
/// that much before an array lies beyond. Fresh memory waits for the next time that the guard is down to be
/// filled (allocations.cc), so that an allocation costs nothing here.
///
/// Ways not taken: memory mapped twice with a forbidden alias for the host (kernels are given the very
/// pointers that the host holds, also inside structs); protection keys (20 ns, but many machines have none,
/// this one included); to leave the guard down from one launch to the next call (the host's own code runs in
/// between); faulting in kernels instead (a signal costs more than both mprotects).
#include "guard.h"

#include <sys/mman.h>

#include <algorithm>

#include "allocations.h"
#include "arena.h"
#include "check.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"

namespace cudasim::memory {
namespace {

constexpr size_t GUARDED = size_t{16} << 20;
constexpr size_t GUARDED_WITHOUT_HUGE_PAGES = SHARED_RESERVED + 512 * 1024;

bool kernel_runs = false;
int lifted = 0;  // GuardLifted alive

void protect(int access) {
  const Arena& all = arena();
  const size_t bytes = std::min(all.guarded_bytes, all.huge_pages ? GUARDED : GUARDED_WITHOUT_HUGE_PAGES);
  if (mprotect(all.base, bytes, access) != 0)
    fail("mprotect of device memory failed; this is a fault of cuda-sim");
}

void lower_guard() {
  protect(PROT_READ | PROT_WRITE);
  fill_fresh();
}

}  // namespace

void raise_guard() { protect(PROT_NONE); }

bool guard_is_up() { return lifted == 0 && !kernel_runs; }

GuardLifted::GuardLifted() {
  arena();
  if (guard_is_up()) lower_guard();
  ++lifted;
}

GuardLifted::~GuardLifted() {
  --lifted;
  if (guard_is_up()) raise_guard();
}

void kernel_begins() {
  require_hooks();
  arena();
  if (guard_is_up()) lower_guard();
  kernel_runs = true;
}

void kernel_ends() {
  const bool ran = kernel_runs;
  kernel_runs = false;
  if (ran && guard_is_up()) raise_guard();
}

}  // namespace cudasim::memory
