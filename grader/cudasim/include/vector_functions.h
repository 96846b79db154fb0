/// In the place of the CUDA toolkit's header of this name: all of cuda-sim is there before the source's first
/// line.
#pragma once

#include "cudasim/cudasim.h"
