// The solution, where the grader keeps it.
#include "@CHECKOUT@/tests/submissions/toy/good/src/native.cc"
