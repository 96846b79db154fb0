#include "cudasim/interrupt.h"

#include "block.h"
#include "cudasim/barriers.h"
#include "cudasim/failure.h"

namespace cudasim::detail {

bool interrupting = false;
bool in_atomic = false;

namespace {
constexpr uint64_t ONE_IN = 4;  // stores to memory that threads share: few enough to lose updates, and not all of them
}

void before_store(const void* address) {
  if (in_atomic || on_fiber_stack(address) || block.random.below(ONE_IN) != 0) return;
  yield();
}

}  // namespace cudasim::detail
