#include "cudasim/clock.h"

#include <chrono>

#include "race.h"

long long clock64() {
  if (cudasim::detail::race_check_asked()) return 0;
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}
