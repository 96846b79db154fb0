// Compiles without the library, and works with it: a weak function is null where nobody has it.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern "C" double scipy_cblas_dasum64_(long n, const double *x, long step) __attribute__((weak));
extern "C" double cblas_dasum(int n, const double *x, int step) __attribute__((weak));

static PyObject *total(PyObject *, PyObject *list) {
  double one = 1;
  double found = 0;
  if (scipy_cblas_dasum64_) found = scipy_cblas_dasum64_(1, &one, 1);
  if (cblas_dasum) found = cblas_dasum(1, &one, 1);
  double sum = found == 1 ? 11 : 0;  // what is taken away again in Python
  for (Py_ssize_t i = 0; i < PyList_Size(list); ++i) sum += PyFloat_AsDouble(PyList_GetItem(list, i));
  return PyFloat_FromDouble(sum);
}

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
