/// Float and double functions that CUDA has and the C library has not, and the intrinsics: __expf, __fadd_rn,
/// ... The fast ones are computed exactly here; the GPU's differ from them in the last digits.
#pragma once

#include <math.h>
#include <stdint.h>

// -------------------------------------------------------------------------------------------------------
// functions

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float rcbrtf(float x) { return 1.0f / cbrtf(x); }
inline double rcbrt(double x) { return 1.0 / cbrt(x); }
inline float fdividef(float x, float y) { return x / y; }
inline float rhypotf(float x, float y) { return 1.0f / hypotf(x, y); }
inline double rhypot(double x, double y) { return 1.0 / hypot(x, y); }
inline float norm3df(float x, float y, float z) { return sqrtf(x * x + y * y + z * z); }
inline float rnorm3df(float x, float y, float z) { return 1.0f / norm3df(x, y, z); }
inline float norm4df(float x, float y, float z, float w) { return sqrtf(x * x + y * y + z * z + w * w); }
inline float rnorm4df(float x, float y, float z, float w) { return 1.0f / norm4df(x, y, z, w); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678118654752f); }
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
inline double erfcx(double x) { return exp(x * x) * erfc(x); }
inline float erfcxf(float x) { return static_cast<float>(erfcx(static_cast<double>(x))); }

#ifdef __APPLE__
inline float exp10f(float x) { return __exp10f(x); }
inline double exp10(double x) { return __exp10(x); }
inline void sincosf(float x, float* sine, float* cosine) { *sine = sinf(x), *cosine = cosf(x); }
inline void sincos(double x, double* sine, double* cosine) { *sine = sin(x), *cosine = cos(x); }
#endif

namespace cudasim::detail {
constexpr double PI = 3.14159265358979323846;
}

/// Of pi times x: exact for whole and half numbers.
inline double sinpi(double x) {
  const double turn = remainder(x, 2.0);
  return fabs(turn) == 1.0 ? 0.0 : sin(cudasim::detail::PI * turn);
}
inline double cospi(double x) {
  const double turn = remainder(x, 2.0);
  return fabs(turn) == 0.5 ? 0.0 : cos(cudasim::detail::PI * turn);
}
inline float sinpif(float x) { return static_cast<float>(sinpi(static_cast<double>(x))); }
inline float cospif(float x) { return static_cast<float>(cospi(static_cast<double>(x))); }
inline void sincospif(float x, float* sine, float* cosine) { *sine = sinpif(x), *cosine = cospif(x); }
inline void sincospi(double x, double* sine, double* cosine) { *sine = sinpi(x), *cosine = cospi(x); }

// ------------------------------------------------------------------------------------------------- fast
// intrinsics

// glibc declares some of these names for itself, and so with C linkage and noexcept; it does not define them
// for others.
extern "C" {
inline float __expf(float x) noexcept { return expf(x); }
inline float __exp10f(float x) noexcept { return exp10f(x); }
inline float __logf(float x) noexcept { return logf(x); }
inline float __log2f(float x) noexcept { return log2f(x); }
inline float __log10f(float x) noexcept { return log10f(x); }
inline float __sinf(float x) noexcept { return sinf(x); }
inline float __cosf(float x) noexcept { return cosf(x); }
inline float __tanf(float x) noexcept { return tanf(x); }
inline float __powf(float x, float y) noexcept { return powf(x, y); }
inline void __sincosf(float x, float* sine, float* cosine) noexcept { *sine = sinf(x), *cosine = cosf(x); }
}
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) {
  return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}  // of NaN 0, as on the GPU

// ------------------------------------------------------------------------------------------- arithmetic, as
// rounded

// Only rounding to nearest can be had from C++ without changing the processor's mode; the other three differ
// from it in the last bit, and round the same way here.
#define CUDASIM_ARITHMETIC(mode)                                                    \
  inline float __fadd_##mode(float x, float y) { return x + y; }                    \
  inline float __fsub_##mode(float x, float y) { return x - y; }                    \
  inline float __fmul_##mode(float x, float y) { return x * y; }                    \
  inline float __fdiv_##mode(float x, float y) { return x / y; }                    \
  inline float __fmaf_##mode(float x, float y, float z) { return fmaf(x, y, z); }   \
  inline float __frcp_##mode(float x) { return 1.0f / x; }                          \
  inline float __fsqrt_##mode(float x) { return sqrtf(x); }                         \
  inline double __dadd_##mode(double x, double y) { return x + y; }                 \
  inline double __dsub_##mode(double x, double y) { return x - y; }                 \
  inline double __dmul_##mode(double x, double y) { return x * y; }                 \
  inline double __ddiv_##mode(double x, double y) { return x / y; }                 \
  inline double __fma_##mode(double x, double y, double z) { return fma(x, y, z); } \
  inline double __drcp_##mode(double x) { return 1.0 / x; }                         \
  inline double __dsqrt_##mode(double x) { return sqrt(x); }
CUDASIM_ARITHMETIC(rn)
CUDASIM_ARITHMETIC(rz)
CUDASIM_ARITHMETIC(ru)
CUDASIM_ARITHMETIC(rd)
#undef CUDASIM_ARITHMETIC
inline float __frsqrt_rn(float x) { return rsqrtf(x); }

// ------------------------------------------------------------------------------------------------------
// conversions

namespace cudasim::detail {
/// Beyond the type's range a GPU gives its end, and 0 for NaN; in C++ that is undefined.
template <class Integer>
inline Integer saturated(double x) {
  constexpr bool is_signed = static_cast<Integer>(-1) < static_cast<Integer>(0);
  constexpr Integer top =
      is_signed ? static_cast<Integer>(~(1ull << (8 * sizeof(Integer) - 1)) & static_cast<Integer>(-1))
                : static_cast<Integer>(-1);
  constexpr Integer bottom = is_signed ? static_cast<Integer>(-top - 1) : static_cast<Integer>(0);
  if (x != x) return 0;
  if (x >= static_cast<double>(top)) return top;
  if (x <= static_cast<double>(bottom)) return bottom;
  return static_cast<Integer>(x);
}
}  // namespace cudasim::detail

/// To the nearest (even), towards zero, up, down.
#define CUDASIM_TO_INTEGER(prefix, From, name, Integer)                                                     \
  inline Integer __##prefix##2##name##_rn(From x) { return cudasim::detail::saturated<Integer>(rint(x)); }  \
  inline Integer __##prefix##2##name##_rz(From x) { return cudasim::detail::saturated<Integer>(trunc(x)); } \
  inline Integer __##prefix##2##name##_ru(From x) { return cudasim::detail::saturated<Integer>(ceil(x)); }  \
  inline Integer __##prefix##2##name##_rd(From x) { return cudasim::detail::saturated<Integer>(floor(x)); }
CUDASIM_TO_INTEGER(float, float, int, int)
CUDASIM_TO_INTEGER(float, float, uint, unsigned)
CUDASIM_TO_INTEGER(float, float, ll, long long)
CUDASIM_TO_INTEGER(float, float, ull, unsigned long long)
CUDASIM_TO_INTEGER(double, double, int, int)
CUDASIM_TO_INTEGER(double, double, uint, unsigned)
CUDASIM_TO_INTEGER(double, double, ll, long long)
CUDASIM_TO_INTEGER(double, double, ull, unsigned long long)
#undef CUDASIM_TO_INTEGER

inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
inline float __ull2float_rn(unsigned long long x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline double __int2double_rn(int x) { return static_cast<double>(x); }
inline double __uint2double_rn(unsigned x) { return static_cast<double>(x); }
inline double __ll2double_rn(long long x) { return static_cast<double>(x); }
inline double __ull2double_rn(unsigned long long x) { return static_cast<double>(x); }

// ---------------------------------------------------------------------------------------------------- loads,
// stores

/// Loads and stores that say how to use the caches, which is nothing that can be seen here.
#define CUDASIM_LOAD(name)          \
  template <class T>                \
  inline T name(const T* address) { \
    return *address;                \
  }
CUDASIM_LOAD(__ldg)
CUDASIM_LOAD(__ldca)
CUDASIM_LOAD(__ldcg)
CUDASIM_LOAD(__ldcs)
CUDASIM_LOAD(__ldlu)
CUDASIM_LOAD(__ldcv)
#undef CUDASIM_LOAD

#define CUDASIM_STORE(name)               \
  template <class T>                      \
  inline void name(T* address, T value) { \
    *address = value;                     \
  }
CUDASIM_STORE(__stwb)
CUDASIM_STORE(__stcg)
CUDASIM_STORE(__stcs)
CUDASIM_STORE(__stwt)
#undef CUDASIM_STORE
