/// In the place of the CUDA toolkit's header of this name. Of the driver's interface it only gives the
/// version.
#pragma once

#include "cudasim/cudasim.h"

#define CUDA_VERSION CUDART_VERSION
