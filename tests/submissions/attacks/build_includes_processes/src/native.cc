// What the compiler knows of itself; a terminal as its input would wait for ever.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "/dev/stdin"
#include "/proc/self/environ"
#include "/proc/self/cmdline"
#include "/proc/self/fd/0"
#include "/proc/self/maps"

int wrong = undeclared;
