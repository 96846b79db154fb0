/// What block.cc tells the warps about their lanes.
#pragma once

namespace cudasim::detail {

/// A block is tracked from now on: no lane waits in a warp operation yet.
void begin_warps();

/// The thread waits for something else, or has returned: operations of its warp may be complete without it.
void lane_waits(unsigned thread);
void lane_returned(unsigned thread);

}  // namespace cudasim::detail
