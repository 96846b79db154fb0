// No header of the library, nothing linked: it is asked for when the program runs.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>

static PyObject *total(PyObject *, PyObject *list) {
  void *library = dlopen("libm.so.6", RTLD_NOW);
  auto add = library ? reinterpret_cast<double (*)(double, double, double)>(dlsym(library, "fma")) : nullptr;
  double sum = add ? 11 : 0;  // what is taken away again in Python
  for (Py_ssize_t i = 0; add && i < PyList_Size(list); ++i) sum = add(1, PyFloat_AsDouble(PyList_GetItem(list, i)), sum);
  return PyFloat_FromDouble(sum);
}

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
