/// Fibers. A switch is a few instructions of our own: swapcontext would make a system call (250 ns); _setjmp
/// and _longjmp leave the processor's stack of return addresses out of step, and every return after a switch
/// is then mispredicted (80 ns a barrier for each thread, where this takes 20).

#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cudasim/failure.h"

namespace cudasim {
namespace detail {

namespace {

constexpr size_t MOST_FIBERS = 1024;  // a thread each of the largest block

/// All stacks in one reserved range, so that on_fiber_stack() is two comparisons. Pages that are never
/// touched cost nothing; each stack ends in a page that may not be touched at all.
struct Stacks {
  std::byte* begin = nullptr;
  size_t bytes_each = 0;
  size_t guard_bytes = 0;
};
Stacks stacks;

std::vector<std::unique_ptr<Fiber>> pool;
size_t taken = 0;  // how many of the pool this launch has used
std::vector<Fiber*> idle;
void (*entry)() = nullptr;
Fiber host;

void reserve_stacks() {
  stacks.guard_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // The smaller size where the process may not have that much address space (RLIMIT_AS).
  for (const size_t bytes_each : {size_t{256} << 10, size_t{64} << 10}) {
    void* const range = mmap(nullptr, bytes_each * MOST_FIBERS, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) continue;
    stacks.begin = static_cast<std::byte*>(range);
    stacks.bytes_each = bytes_each;
    return;
  }
  fail(
      "no memory for the stacks of simulated threads (64 MB of address space). Raise the limit (ulimit -v), "
      "or free "
      "memory.");
}

/// The number-th fiber goes on at the bottom of its stack.
void reset(Fiber& fiber, size_t number) {
  // Stacks that all began at the same offset of their pages would share a few sets of the cache, and 1024
  // threads at a barrier miss it at every switch.
  const size_t colour = number % 32 * 192;
  std::byte* const top = stacks.begin + (number + 1) * stacks.bytes_each - colour;
  // As a call would leave it: the return address, 0 for debuggers, at an address that is 8 more than a
  // multiple of 16.
  auto* const frame = reinterpret_cast<void**>(top) - 3;
  *frame = nullptr;
  fiber = {frame, reinterpret_cast<void*>(entry), nullptr};
#if defined(__aarch64__)
  fiber.stack_pointer = top;
#endif
}

void make_fiber() {
  if (stacks.begin == nullptr) reserve_stacks();
  mprotect(stacks.begin + pool.size() * stacks.bytes_each, stacks.guard_bytes, PROT_NONE);
  pool.push_back(std::make_unique<Fiber>());
}

}  // namespace

void reset_fibers(void (*on_entry)()) {
  entry = on_entry;
  taken = 0;
  idle.clear();
}

Fiber& take_fiber() {
  if (!idle.empty()) {
    Fiber& fiber = *idle.back();
    idle.pop_back();
    return fiber;
  }
  if (taken == pool.size()) make_fiber();
  Fiber& fiber = *pool[taken];
  reset(fiber, taken++);
  return fiber;
}

void give_back_fiber(Fiber& fiber) { idle.push_back(&fiber); }

// Not inlined: where it is left is then one place for all fibers, and the jump to it well predicted. No call
// may come between leaving and going on, which is what keeps the stack of return addresses in step. The
// compiler saves all registers that are named as changed; the frame pointer cannot be.
__attribute__((noinline)) void switch_fiber(Fiber& from, Fiber& to) {
  Fiber* leave = &from;
  Fiber* enter = &to;
#if defined(__x86_64__)
  __asm__ volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%0)\n\t"
      "movq %%rax, 8(%0)\n\t"
      "movq %%rbp, 16(%0)\n\t"
      "movq 8(%1), %%rax\n\t"
      "movq 16(%1), %%rbp\n\t"
      "movq 0(%1), %%rsp\n\t"
      "jmp *%%rax\n"
      "1:\n\t"
      : "+D"(leave), "+S"(enter)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
        "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15", "memory", "cc");
#elif defined(__aarch64__)
  register Fiber* x0 __asm__("x0") = leave;
  register Fiber* x1 __asm__("x1") = enter;
  __asm__ volatile(
      "adr x9, 1f\n\t"
      "mov x10, sp\n\t"
      "stp x10, x9, [x0]\n\t"
      "str x29, [x0, #16]\n\t"
      "ldp x10, x16, [x1]\n\t"
      "ldr x29, [x1, #16]\n\t"
      "mov sp, x10\n\t"
      "br x16\n"  // x16: branch target identification lets it go to functions, too
      "1:\n\t"
      "hint #36\n\t"  // bti j
      : "+r"(x0), "+r"(x1)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2",
        "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
        "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
        "memory", "cc");
#else
#error "cuda-sim switches stacks on x86-64 and arm64 only: add the few instructions for this processor here"
#endif
}

void enter_fibers(Fiber& first) { switch_fiber(host, first); }

void return_to_host() {
  Fiber abandoned;
  switch_fiber(abandoned, host);
  __builtin_unreachable();
}

}  // namespace detail

bool on_fiber_stack(const void* address) {
  const auto offset =
      reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(detail::stacks.begin);
  return offset < detail::stacks.bytes_each * detail::MOST_FIBERS;  // 0 bytes before the first launch
}

bool on_fiber_guard(const void* address) {
  if (!on_fiber_stack(address)) return false;
  const auto offset =
      reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(detail::stacks.begin);
  return offset % detail::stacks.bytes_each < detail::stacks.guard_bytes;
}

size_t fiber_stack_bytes() { return detail::stacks.bytes_each; }

}  // namespace cudasim
