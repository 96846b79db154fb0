/// The clock that kernels read. clock() is the C library's.
#pragma once

#include <time.h>

/// Nanoseconds: how fast the simulation is, nothing about a GPU. Stands still under --check race, where a
/// time in a result would be taken for a race.
long long clock64();
