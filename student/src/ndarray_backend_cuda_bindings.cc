/// What Python sees of the CUDA backend. (Given.) Plain C++: see ndarray_backend_cuda.h.

#include "ndarray_backend_cuda.h"
#include "ndarray_bindings.h"

PYBIND11_MODULE(ndarray_backend_cuda, module) {
  using namespace needle::bindings;
  using namespace needle::cuda;
  // As if the module were not there: needle.cuda() is then not enabled, and says this sentence.
  if (const std::string reason = WhyNoDevice(); !reason.empty()) throw pybind11::import_error(reason);

  module.doc() = "needle's CUDA backend: flat arrays of float32 and the functions that NDArray calls";
  module.attr("__device_name__") = "cuda";
  module.attr("__tile_size__") = 1;  // tiles are an affair of Matmul alone: it has no matmul_tiled

  BindNotImplemented<NotImplemented>();
  BindArray<CudaArray>(module);
  BindCopies<CudaArray>(module);
  BindFill(module, "fill", Fill);
  BindCompact(module, "compact", Compact);
  BindEwiseSetitem(module, "ewise_setitem", EwiseSetitem);
  BindScalarSetitem(module, "scalar_setitem", ScalarSetitem);

  BindEwise(module, "ewise_add", EwiseAdd);
  BindEwise(module, "ewise_mul", EwiseMul);
  BindEwise(module, "ewise_div", EwiseDiv);
  BindEwise(module, "ewise_power", EwisePower);
  BindEwise(module, "ewise_maximum", EwiseMaximum);
  BindEwise(module, "ewise_eq", EwiseEq);
  BindEwise(module, "ewise_ge", EwiseGe);

  BindScalar(module, "scalar_add", ScalarAdd);
  BindScalar(module, "scalar_mul", ScalarMul);
  BindScalar(module, "scalar_div", ScalarDiv);
  BindScalar(module, "scalar_power", ScalarPower);
  BindScalar(module, "scalar_maximum", ScalarMaximum);
  BindScalar(module, "scalar_eq", ScalarEq);
  BindScalar(module, "scalar_ge", ScalarGe);

  BindUnary(module, "ewise_log", EwiseLog);
  BindUnary(module, "ewise_exp", EwiseExp);
  BindUnary(module, "ewise_tanh", EwiseTanh);

  BindProduct(module, "matmul", 1, Matmul);
  BindReduction(module, "reduce_max", 1, ReduceMax);  // a row has one element at least
  BindReduction(module, "reduce_sum", 0, ReduceSum);
}
