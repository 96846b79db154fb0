/// CUDA's words around declarations, as macros. What needs more than a macro (variables in __shared__,
/// __device__ and
/// __constant__ memory, __noinline__) the translator rewrites.
#pragma once

/// Sources choose CUDA's own declarations by it. __CUDA_ARCH__ stays undefined: the one compilation there is
/// also holds the host's code, and the sources' fallbacks for old architectures (their own atomicAdd on
/// double) must not appear.
#ifndef __CUDACC__
#define __CUDACC__ 1
#endif
/// The toolkit that CUDART_VERSION names.
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __cluster_dims__(...)
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __builtin_align__(bytes) __attribute__((aligned(bytes)))

/// The compiler calls hooks before every load and store of a translated source under --check. Functions of
/// ours that are compiled within it, but whose accesses are not the student's, are marked with this.
#if defined(__clang__)
#define CUDASIM_UNCHECKED __attribute__((no_sanitize("thread")))
#else
#define CUDASIM_UNCHECKED __attribute__((no_sanitize_thread))
#endif

/// Variables of the runtime lie in the same module as the translated source: no detour over its table of
/// symbols, which would cost a load for each use of threadIdx.
#define CUDASIM_HIDDEN __attribute__((visibility("hidden")))

/// A function that exists in CUDA and not here: whoever calls it reads why when compiling.
#if defined(__clang__)
#define CUDASIM_REFUSED(why) __attribute__((unavailable(why)))
#else
#define CUDASIM_REFUSED(why) __attribute__((error(why)))
#endif

/// A kernel's name as it is written in the launch; it may hold commas between template arguments.
#define CUDASIM_NAME(...) #__VA_ARGS__
