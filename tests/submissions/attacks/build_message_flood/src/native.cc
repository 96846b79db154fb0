// Eight levels of includes, each of which says something long.
#define A "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define B A A A A A A A A A A A A A A A A
#define C B B B B B B B B B B B B B B B B
#define D C C C C C C C C C C C C C C C C
#if __INCLUDE_LEVEL__ < 7
#pragma message(D)
#include __FILE__
#include __FILE__
#else
#pragma message(D)
#endif
#if __INCLUDE_LEVEL__ == 0
#error that was all
#endif
