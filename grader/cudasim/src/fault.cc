/// A fault prints one sentence and then goes where it would have gone without us: to the handler that was
/// there before (Python's faulthandler), or to the system, which kills the process.
///
/// The sentence is built with std::string in a signal handler. That is not allowed in general; here the fault
/// comes from the very instruction that runs, in a kernel or in the host's code that holds a device pointer,
/// not from within malloc.
#include "fault.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <string>

#include "arena.h"
#include "cudasim/failure.h"
#include "cudasim/memory.h"
#include "report.h"
#include "source_line.h"

namespace cudasim::memory {
namespace {

/// Stack of the handler: that of a simulated thread may be what is full.
constexpr size_t STACK = 64 * 1024;

struct sigaction before_segv;
struct sigaction before_fpe;

const void* program_counter(const void* context) {
  const auto* machine = &static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(machine->gregs[REG_RIP] +
                                       1);  // 1: as a return address lies behind its call
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(machine->pc + 4);
#else
  (void)machine;
  return nullptr;
#endif
}

/// `known`: the system says which address it was. It does not for a load of 16 bytes that must be aligned,
/// and for an address that no pointer can have.
std::string explain_segv(const void* address, bool known, const void* from) {
  const bool device = arena_exists() && arena().contains(address);
  if (!in_kernel()) {
    if (!device || !arena().guards(address)) return "";
    return "device pointer on the host: host code touches device memory" + at_source_line(from) + ": " +
           describe(address) + ". Copy with cudaMemcpy.";
  }
  if (on_fiber_guard(address)) {
    return where() + ": stack overflow: local variables and calls of one thread take more than " +
           std::to_string(fiber_stack_bytes()) + " bytes" + at_source_line(from) + ".";
  }
  if (!known) {
    return where() + ": misaligned or impossible address" + at_source_line(from) +
           ": a float4 must lie at a multiple of 16 bytes, and a pointer that was never written is "
           "0xFFFFFFFFFFFFFFFF. "
           "--check memory says which it is.";
  }
  const bool null = reinterpret_cast<uintptr_t>(address) < 4096;
  return where() + (null ? ": null pointer: touches memory" : ": out of bounds: touches memory") +
         at_source_line(from) + ": " + describe(address) +
         ". --check memory finds where a pointer goes wrong.";
}

std::string explain_fpe(const void* from) {
  if (!in_kernel()) return "";
  return where() + ": integer division by zero" + at_source_line(from) +
         ". A GPU goes on with a number that means nothing.";
}

/// Hands the signal to whoever had it before us.
void pass_on(const struct sigaction& before, int signal, siginfo_t* info, void* context) {
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    // Back to the faulting instruction, which now meets the default: the process dies of this signal, as the
    // harness should see it. A signal that was sent (kill, raise) would not come again by itself.
    sigaction(signal, &before, nullptr);
    if (info->si_code <= 0) raise(signal);
  }
}

void on_fault(int signal, siginfo_t* info, void* context) {
  static bool explained = false;  // a fault within the explanation must not explain itself for ever
  if (info->si_code > 0 && !explained) {
    explained = true;
    const void* from = program_counter(context);
    const std::string message =
        signal == SIGSEGV ? explain_segv(info->si_addr, info->si_code != SI_KERNEL, from) : explain_fpe(from);
    if (!message.empty()) say(message);
    explained = !message.empty();
  }
  pass_on(signal == SIGSEGV ? before_segv : before_fpe, signal, info, context);
}

/// A stack for handlers, unless somebody has set one up.
void alternate_stack() {
  stack_t now{};
  if (sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0) return;
  void* memory = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;  // then a full stack dies without a sentence
  stack_t ours{};
  ours.ss_sp = memory;
  ours.ss_size = STACK;
  sigaltstack(&ours, nullptr);
}

}  // namespace

void explain_faults() {
  alternate_stack();
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags =
      SA_SIGINFO | SA_ONSTACK | SA_NODEFER;  // NODEFER: Python's handler raises the signal again
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &before_segv);
  sigaction(SIGFPE, &action, &before_fpe);
}

}  // namespace cudasim::memory
