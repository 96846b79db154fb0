/// What fail() has to say, on its way from a fiber to the host.
#pragma once

namespace cudasim::detail {

/// A launch has ended: throws what a kernel failed with, if it did.
void throw_failure();

}  // namespace cudasim::detail
