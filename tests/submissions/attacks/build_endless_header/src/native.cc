// Zeros without end.
#include "/dev/zero"
