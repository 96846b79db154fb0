#include "check.h"

#include <cstdlib>
#include <string>

#include "cudasim/failure.h"
#include "cudasim/memory.h"

namespace cudasim::memory {
namespace {

bool hooks = false;

/// CUDASIM_CHECK is a list with commas: "memory,race".
bool asked_for() {
  static const bool asked = [] {
    const char* value = std::getenv("CUDASIM_CHECK");
    return value != nullptr && ("," + std::string(value) + ",").find(",memory,") != std::string::npos;
  }();
  return asked;
}

}  // namespace

void hooks_are_there() { hooks = true; }

bool checked() { return hooks && asked_for(); }

void require_hooks() {
  if (asked_for() && !hooks) {
    fail(
        "CUDASIM_CHECK asks for the memory check, but the source was compiled without it (--check memory "
        "compiles it "
        "with -fsanitize=thread)");
  }
}

}  // namespace cudasim::memory
