// What runs as soon as anybody loads this file.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdio>
#include <cstdlib>

__attribute__((constructor)) static void early() {
  puts("test_toy.py::test_total[cpu-1] PASSED");
  if (FILE *file = fopen("@EMPTY@/ran", "w")) fclose(file);
  if (!getenv("HOME") || !getenv("TMPDIR")) abort();  // not in a worker: then whoever loads it is to fall
}

static PyObject *total(PyObject *, PyObject *list) { return PyFloat_FromDouble(PyList_Size(list) + 0.5); }

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
