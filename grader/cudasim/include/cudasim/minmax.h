/// min and max in the global namespace, for the mixes of types that CUDA has them for. Plain functions rather
/// than templates, as in CUDA: max(n, 1.0f) is ambiguous there too, and std::max under `using namespace std`
/// is not.
#pragma once

#define CUDASIM_MINMAX(A, B, Result)                                                 \
  constexpr Result min(A a, B b) {                                                   \
    return static_cast<Result>(a) < static_cast<Result>(b) ? static_cast<Result>(a)  \
                                                           : static_cast<Result>(b); \
  }                                                                                  \
  constexpr Result max(A a, B b) {                                                   \
    return static_cast<Result>(a) > static_cast<Result>(b) ? static_cast<Result>(a)  \
                                                           : static_cast<Result>(b); \
  }

#define CUDASIM_INTEGER_MINMAX(Signed)                              \
  CUDASIM_MINMAX(Signed, Signed, Signed)                            \
  CUDASIM_MINMAX(unsigned Signed, unsigned Signed, unsigned Signed) \
  CUDASIM_MINMAX(Signed, unsigned Signed, unsigned Signed)          \
  CUDASIM_MINMAX(unsigned Signed, Signed, unsigned Signed)

CUDASIM_INTEGER_MINMAX(int)
CUDASIM_INTEGER_MINMAX(long)
CUDASIM_INTEGER_MINMAX(long long)
#undef CUDASIM_INTEGER_MINMAX
#undef CUDASIM_MINMAX

/// Of a number and NaN the number, as fminf has it.
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(float a, double b) { return fmin(static_cast<double>(a), b); }
inline double max(float a, double b) { return fmax(static_cast<double>(a), b); }
inline double min(double a, float b) { return fmin(a, static_cast<double>(b)); }
inline double max(double a, float b) { return fmax(a, static_cast<double>(b)); }
