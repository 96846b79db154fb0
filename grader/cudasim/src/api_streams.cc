/// Streams and events. All work has been done when a call returns, so they keep no order; but they are
/// watched: a stream or event that was destroyed or never created is an error, as on a GPU.
#include <chrono>
#include <set>

#include "cudasim/api.h"

using cudasim::returned;

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t MOST_OF_CUDAS_OWN =
    2;  // the null stream, cudaStreamLegacy and cudaStreamPerThread: 0, 1 and 2

}  // namespace

struct CUstream_st {};

struct CUevent_st {
  bool timed;
  bool recorded = false;
  Clock::time_point at{};
};

namespace {

template <class Handle>
std::set<Handle>& living() {
  static std::set<Handle> handles;
  return handles;
}

template <class Handle>
bool lives(Handle handle) {
  return living<Handle>().count(handle) != 0;
}

cudaError_t check(cudaStream_t stream) {
  return cudasim::known(stream) ? cudaSuccess : returned(cudaErrorInvalidResourceHandle);
}

cudaError_t check(cudaEvent_t event) {
  return lives(event) ? cudaSuccess : returned(cudaErrorInvalidResourceHandle);
}

}  // namespace

bool cudasim::known(cudaStream_t stream) {
  return reinterpret_cast<size_t>(stream) <= MOST_OF_CUDAS_OWN || lives(stream);
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  if (stream == nullptr || flags > cudaStreamNonBlocking) return returned(cudaErrorInvalidValue);
  *stream = *living<cudaStream_t>().insert(new CUstream_st).first;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (!lives(stream)) return returned(cudaErrorInvalidResourceHandle);
  living<cudaStream_t>().erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return check(stream); }
cudaError_t cudaStreamQuery(cudaStream_t stream) { return check(stream); }

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  if (flags != 0) return returned(cudaErrorInvalidValue);
  if (const cudaError_t error = check(stream)) return error;
  return check(event);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  if (const cudaError_t error = check(stream)) return error;
  if (function == nullptr) return returned(cudaErrorInvalidValue);
  function(data);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventCreate(cudaEvent_t* event, unsigned flags) {
  return cudaEventCreateWithFlags(event, flags);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (event == nullptr || flags > (cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess)) {
    return returned(cudaErrorInvalidValue);
  }
  *event = *living<cudaEvent_t>().insert(new CUevent_st{(flags & cudaEventDisableTiming) == 0}).first;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (const cudaError_t error = check(event)) return error;
  living<cudaEvent_t>().erase(event);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t error = check(event)) return error;
  if (const cudaError_t error = check(stream)) return error;
  event->recorded = true;
  event->at = Clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) { return check(event); }
cudaError_t cudaEventQuery(cudaEvent_t event) { return check(event); }

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (milliseconds == nullptr) return returned(cudaErrorInvalidValue);
  for (const cudaEvent_t event : {start, end}) {
    if (const cudaError_t error = check(event)) return error;
    if (!event->timed || !event->recorded) return returned(cudaErrorInvalidResourceHandle);
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - start->at).count();
  return cudaSuccess;
}
