#include "cudasim/shared.h"

#include <string.h>

#include <map>
#include <string>

#include "block.h"
#include "shared_state.h"

namespace cudasim {

namespace detail {

namespace {

constexpr size_t USUAL_BYTES = 48 * 1024;  // of a block, unless cudaFuncSetAttribute raises the dynamic part

/// What cudaFuncSetAttribute has raised, by kernel.
std::map<const void*, size_t> raised;

/// Most dynamic shared memory of a launch. Where it does not tell which kernel it runs (a template's address
/// can only be taken once its arguments are known), what was raised for any kernel counts.
size_t most_dynamic(const Launch& launch) {
  size_t most = USUAL_BYTES;
  for (const auto& [kernel, bytes] : raised) {
    if (launch.kernel == nullptr || launch.kernel == kernel) most = bytes > most ? bytes : most;
  }
  return most;
}

size_t static_bytes = 0;  // of the block that runs, as far as its threads have come by declarations

}  // namespace

void check_dynamic_shared(const Launch& launch) {
  const size_t bytes = launch.config.dynamic_shared;
  const size_t most = most_dynamic(launch);
  if (bytes <= most) return;
  std::string text = std::string("kernel ") + launch.name + ", launched at " + to_string(launch.place) +
                     ": " + std::to_string(bytes) +
                     " bytes of dynamic shared memory, but a block has at most " + std::to_string(most) +
                     ". ";
  if (bytes <= memory::MAX_SHARED_BYTES) {
    text +=
        "Use less, or raise the limit (up to 227 KB, where the GPU has them) by cudaFuncSetAttribute(kernel, "
        "cudaFuncAttributeMaxDynamicSharedMemorySize, bytes).";
  } else {
    text += "No GPU has more than 227 KB: use less.";
  }
  fail(text);
}

void begin_shared() {
  static_bytes = 0;
  const size_t bytes = block.launch->config.dynamic_shared;
  // Once for a launch without any: whatever is read of it is out of bounds.
  if (bytes != 0 || block.blocks_begun == 1) memory::begin_dynamic_shared(bytes);
}

void shared_first(void* address, size_t bytes, const char* name, SharedSlot& slot) {
  slot.block = block_serial;
  static_bytes += bytes;
  const size_t dynamic = block.launch->config.dynamic_shared;
  const size_t most = dynamic > USUAL_BYTES ? memory::MAX_SHARED_BYTES : USUAL_BYTES;
  if (static_bytes > USUAL_BYTES || static_bytes + dynamic > most) {
    fail(launched() + ": its __shared__ variables take " + std::to_string(static_bytes) + " bytes with `" +
         name + "`" + (dynamic != 0 ? " and " + std::to_string(dynamic) + " dynamic ones" : "") +
         ", but a block has at most " + std::to_string(static_bytes > USUAL_BYTES ? USUAL_BYTES : most) +
         " bytes (48 KB). Use smaller tiles.");
  }
  memset(address, 0xff, bytes);
  memory::mark_unset(address, bytes, "shared", name);
}

}  // namespace detail

bool allow_dynamic_shared(const void* kernel, int bytes) {
  if (bytes < 0 || static_cast<size_t>(bytes) > memory::MAX_SHARED_BYTES) return false;
  detail::raised[kernel] = static_cast<size_t>(bytes);
  return true;
}

size_t allowed_dynamic_shared(const void* kernel) {
  const auto found = detail::raised.find(kernel);
  return found == detail::raised.end() ? detail::USUAL_BYTES : found->second;
}

}  // namespace cudasim
