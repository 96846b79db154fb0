/// The race check: CUDASIM_CHECK contains "race".
#pragma once

#include "cudasim/execution.h"

namespace cudasim::detail {

bool race_check_asked();

/// Runs the grid in the natural order and in CUDASIM_SEEDS (3) others. Fails where device memory differs
/// afterwards; else leaves it as the natural order did.
void run_in_many_orders(const Launch& launch);

}  // namespace cudasim::detail
