/// Which line of the source an address of code belongs to.
#pragma once

#include <string>

namespace cudasim::memory {

/// " at src/x.cu:40" for the return address of a function that runs, by addr2line: the student's line nearest
/// to it, since the address may lie in a header of ours (atomicAdd). "" where addr2line is not installed, or
/// the code was compiled without -g. Costs a process: only for messages.
std::string at_source_line(const void* return_address);

}  // namespace cudasim::memory
