/// All of cuda-sim that a translated CUDA source sees. It is included before the first line of the source, as
/// nvcc includes cuda_runtime.h, so it also brings in what CUDA sources use without including it.
#pragma once

/// A failed assert() must not end the process when it stands in a kernel: what <assert.h> calls, however
/// often it is included, is a function of ours (failing.cc).
#define __assert_fail cudasim_assert_fail
#define __assert_rtn cudasim_assert_fail

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "cudasim/qualifiers.h"
#include "cudasim/vectors.h"

#include "cudasim/failure.h"
#include "cudasim/memory.h"

#include "cudasim/api.h"

#include "cudasim/execution.h"
#include "cudasim/shared.h"

#include "cudasim/atomics.h"
#include "cudasim/barriers.h"
#include "cudasim/clock.h"
#include "cudasim/float_math.h"
#include "cudasim/integer_math.h"
#include "cudasim/launch_api.h"
#include "cudasim/minmax.h"
#include "cudasim/warp.h"
