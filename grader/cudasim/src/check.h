/// Whether accesses are looked up.
#pragma once

namespace cudasim::memory {

/// A translation unit with hooks has been loaded (hooks.cc).
void hooks_are_there();

/// Fails when CUDASIM_CHECK asks for the memory check and the source was compiled without hooks: the check
/// would find nothing, silently.
void require_hooks();

}  // namespace cudasim::memory
