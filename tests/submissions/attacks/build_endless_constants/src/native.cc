// 33 million steps are allowed for a constant, and take seconds; nothing says how many constants there may be.
template <int N>
constexpr int slow() {
  int sum = N;
  for (int i = 0; i < 5; ++i)
    for (int k = 0; k < 200000; ++k) sum = (sum * 31 + k) % 1009;
  return sum;
}

template <int N>
struct Slow {
  static constexpr int value = slow<N>() + Slow<N - 1>::value;
};

template <>
struct Slow<0> {
  static constexpr int value = 0;
};

int all = Slow<800>::value;
