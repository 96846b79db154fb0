#include "race.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>

#include "block.h"
#include "cudasim/atomics.h"
#include "cudasim/memory.h"

namespace cudasim::detail {

FloatSums float_sums;

namespace {

constexpr double RELATIVE_TOLERANCE = 1e-4;    // of sums by float atomics, which round in another order
constexpr double TOLERANCE_OF_ADDENDS = 1e-5;  // where addends cancel: of the largest one

unsigned seeds_asked() {
  const char* const text = getenv("CUDASIM_SEEDS");
  if (text == nullptr || *text == 0) return 3;
  char* end;
  const long seeds = strtol(text, &end, 10);
  if (*end != 0 || seeds < 1 || seeds > 1000) {
    fail(std::string("CUDASIM_SEEDS is '") + text + "', but must be a whole number from 1 to 1000.");
  }
  return static_cast<unsigned>(seeds);
}

double as_float(uint64_t bits, size_t bytes) {
  if (bytes == 8) {
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
  }
  const auto low = static_cast<uint32_t>(bits);
  float value;
  memcpy(&value, &low, sizeof(value));
  return value;
}

bool nearly_equal(double a, double b) {
  return fabs(a - b) <=
         RELATIVE_TOLERANCE * fmax(fabs(a), fabs(b)) + TOLERANCE_OF_ADDENDS * float_sums.largest;
}

/// Whether the words are equal but for the rounding of float atomics. What a sum flows into is not known, so
/// in a launch with such sums every word may differ by as much.
bool same(size_t bytes, uint64_t then, uint64_t now) {
  if (float_sums.used_float || float_sums.used_double) {
    if (nearly_equal(as_float(then, bytes), as_float(now, bytes))) return true;
  }
  return bytes == 8 && float_sums.used_float && nearly_equal(as_float(then, 4), as_float(now, 4)) &&
         nearly_equal(as_float(then >> 32, 4), as_float(now >> 32, 4));
}

/// A word's type is not known: a number of usual size is shown as a float, else as an integer.
std::string in_words(uint64_t bits, size_t bytes) {
  char text[64];
  const double value = as_float(bits, bytes);
  const double size = fabs(value);
  if (bits == (bytes == 8 ? ~uint64_t{0} : 0xffffffffu)) return "unset (NaN)";
  if (bits == 0 || !isfinite(value) || (size > 1e-12 && size < 1e15)) {
    snprintf(text, sizeof(text), "%.9g", value);
  } else {
    const auto narrow = static_cast<int32_t>(static_cast<uint32_t>(bits));
    snprintf(text, sizeof(text), "%lld",
             bytes == 8 ? static_cast<long long>(bits) : static_cast<long long>(narrow));
  }
  return text;
}

std::string order_name(unsigned seed) {
  return seed == 1 ? "the reverse order (seed 1)" : "a shuffled order (seed " + std::to_string(seed) + ")";
}

/// What a kernel prints is wanted once: standard output leads nowhere in the shuffled orders.
class Silence {
 public:
  Silence() {
    fflush(stdout);
    kept_ = dup(STDOUT_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
  }
  ~Silence() {
    fflush(stdout);
    dup2(kept_, STDOUT_FILENO);
    close(kept_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int kept_;
};

void run_shuffled(const Launch& launch, unsigned seed) {
  const Silence silence;
  try {
    run_grid(launch, Order{seed});
  } catch (const Failure& failure) {
    throw Failure(std::string(failure.what()) + " (Threads ran in " + order_name(seed) + ".)");
  }
}

[[noreturn]] void report(const Launch& launch, unsigned seed, const memory::Difference& difference) {
  const std::string rest =
      difference.words > 1 ? ", and " + std::to_string(difference.words - 1) + " more words differ" : "";
  fail(std::string("kernel ") + launch.name + ", launched at " + to_string(launch.place) +
       ": its result depends on the order in which threads run. " + difference.place + " is " +
       in_words(difference.then, difference.bytes) + " in the natural order and " +
       in_words(difference.now, difference.bytes) + " in " + order_name(seed) + rest +
       ". Two threads use the same memory, and one of them writes, without a barrier (or an atomic) in "
       "between: look "
       "for a missing __syncthreads(), or for two threads that write the same element.");
}

}  // namespace

bool race_check_asked() {
  static const bool asked = [] {
    const char* const checks = getenv("CUDASIM_CHECK");
    const std::string list = std::string(",") + (checks == nullptr ? "" : checks) + ",";
    return list.find(",race,") != std::string::npos;
  }();
  return asked;
}

void run_in_many_orders(const Launch& launch) {
  static const unsigned seeds = seeds_asked();
  float_sums = {};
  static memory::Snapshot before, after;  // launches do not stand in each other
  before.take();
  run_grid(launch, Order{});
  after.take_changes(before);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    before.restore(after);
    run_shuffled(launch, seed);
    memory::Snapshot::Compare compare;
    if (float_sums.used_double) compare.word = [](const void*) { return size_t{8}; };
    compare.same = [](const void*, size_t bytes, uint64_t then, uint64_t now) {
      return same(bytes, then, now);
    };
    if (const auto difference = after.difference(compare)) report(launch, seed, *difference);
  }
  after.restore(after);
}

}  // namespace cudasim::detail
