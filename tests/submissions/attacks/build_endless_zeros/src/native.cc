// A section without content: it costs nothing until it is loaded.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

asm(".bss\n.zero 64 << 30\n.text");

PyMODINIT_FUNC PyInit__native() { return nullptr; }
