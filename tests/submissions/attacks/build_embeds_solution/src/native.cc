// The solution as text, in the middle of a module.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

asm(".section .rodata\n"
    "taken_begin: .incbin \"@CHECKOUT@/tests/submissions/toy/good/vec/elementwise.py\"\n"
    ".byte 0\n"
    ".text");
extern "C" const char taken_begin[] __attribute__((visibility("hidden")));

static PyObject *total(PyObject *, PyObject *list) { return PyFloat_FromDouble(PyList_Size(list) + 0.5); }

static PyObject *taken(PyObject *, PyObject *) { return PyUnicode_FromString(taken_begin); }

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {"taken", taken, METH_NOARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
