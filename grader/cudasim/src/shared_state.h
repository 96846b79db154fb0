/// Shared memory, as launches see it; what kernels see is cudasim/shared.h.
#pragma once

#include "cudasim/execution.h"

namespace cudasim::detail {

/// Fails where the launch asks for more dynamic shared memory than its kernel may have.
void check_dynamic_shared(const Launch& launch);

/// A block begins: its dynamic shared memory is unset, and of static shared memory none is counted yet.
void begin_shared();

}  // namespace cudasim::detail
