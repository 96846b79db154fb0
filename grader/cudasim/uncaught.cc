// Linked into stand-alone programs, not into Python modules: what cuda-sim finds ends the program with its one line, as
// an exit status, and not with the "terminate called after throwing an instance of" that a person would have to read past.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "cudasim/failure.h"

namespace {

std::terminate_handler otherwise;

[[noreturn]] void tell() {
  if (std::exception_ptr error = std::current_exception()) {
    try {
      std::rethrow_exception(error);
    } catch (const cudasim::Failure& failure) {
      std::fflush(stdout);
      std::fprintf(stderr, "%s\n", failure.what());
      std::fflush(stderr);
      std::_Exit(EXIT_FAILURE);
    } catch (...) {  // the program's own: the usual words
    }
  }
  otherwise();
  std::abort();
}

const bool installed = (otherwise = std::set_terminate(tell), true);

}  // namespace
