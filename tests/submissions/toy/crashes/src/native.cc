#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *total(PyObject *, PyObject *) {
  volatile int *nowhere = nullptr;
  return PyLong_FromLong(*nowhere);
}

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
