"""What CUDA has and cuda-sim does not: how it is recognised, how it is called, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.cudasim.code import Region, Scope
from grader.cudasim.edits import Edits
from grader.cudasim.tokens import Token

_GUARD = "leave it out with #ifndef CUDASIM"


@dataclass(frozen=True)
class _Feature:
    """A part of CUDA that is not simulated."""

    name: str  # as the message calls it
    remedy: str
    headers: str = ""  # a regular expression that the whole name of an included header matches
    words: str = ""  # one that a whole identifier matches
    follows: str = ""  # the text of the token that must follow such an identifier; "" for any


_LIBCUXX_FEATURE = _Feature(
    "libcu++ (the cuda:: namespace)",
    "use the functions without it: atomicAdd and its like, __syncthreads(), __threadfence()",
    r"cuda/.*|nv/target",
)
_FEATURES = (
    _Feature(
        "cooperative groups",
        "use __syncthreads(), __syncwarp() and the __shfl_*_sync functions; for the whole grid, launch a second kernel",
        r"cooperative_groups(\.h|/.*)",
        r"cooperative_groups|cudaLaunchCooperativeKernel\w*|this_thread_block|this_grid|tiled_partition",
    ),
    _Feature("CUB", "write the algorithm as a kernel", r"cub/.*", "cub", "::"),
    _Feature("Thrust", "write the algorithm as a kernel", r"thrust/.*", "thrust", "::"),
    _Feature("cuBLAS", "write the matrix product as a kernel", r"cublas\w*\.h", r"cublas[A-Z]\w*"),
    _Feature("cuDNN", "write the operation as a kernel", r"cudnn\w*\.h", r"cudnn[A-Z]\w*"),
    _Feature(
        "the CUDA libraries (cuFFT, cuRAND, cuSPARSE, cuSOLVER, NPP, NCCL)",
        "write what you need of them as a kernel",
        r"(cufft|curand|cusparse|cusolver|npp|nccl|cutensor)\w*\.h|cutlass/.*|cute/.*",
        r"(cufft|curand|cusparse|cusolver)[A-Z]\w*|curand_\w+",
    ),
    _Feature(
        "16-bit and 8-bit floats",
        "compute in float",
        r"cuda_(fp16|bf16|fp8|fp6|fp4)\.h(pp)?",
        r"__half2?(_raw)?|__nv_(bfloat|fp8|fp6|fp4)\w*|nv_bfloat162?|__(float2half|half2float|float2bfloat16)\w*",
    ),
    _Feature("tensor cores (wmma)", "multiply with float arithmetic", r"mma\.h", "wmma|nvcuda", "::"),
    _Feature(
        "textures and surfaces",
        "read through a plain pointer, with __ldg or const __restrict__",
        r"(texture|surface)_\w+\.h|cuda_texture_types\.h",
        r"cuda(Texture|Surface)Object_t|cuda(Create|Destroy)(Texture|Surface)Object|cuda(Un)?Bind(Texture|Surface)\w*|"
        r"tex[123]D\w*|texCubemap\w*|surf[123]D\w*|cudaArray(_t|_const_t)?|cudaMallocArray|cudaMalloc3DArray",
    ),
    _LIBCUXX_FEATURE,
    _Feature(
        "asynchronous copies into shared memory",
        "load and store through a register",
        r"cuda_(awbarrier|pipeline)\w*\.h",
        r"__pipeline_\w+|__mbarrier_\w+",
    ),
    _Feature(
        "thread-block clusters and extended launches",
        "launch a plain grid with kernel<<<grid, block>>>(arguments)",
        "",
        r"__cluster_dims__|cudaLaunchKernelEx\w*|cudaLaunchConfig_t|cudaLaunchAttribute\w*",
    ),
    _Feature(
        "CUDA graphs",
        "launch the kernels one after another",
        "",
        r"cudaGraph\w+|cudaStream(BeginCapture|EndCapture|IsCapturing)\w*",
    ),
    _Feature(
        "the driver API and run-time compilation",
        "use the cuda* functions of the runtime API",
        r"nvrtc\.h|cudaTypedefs\.h",
        r"cu(Init|LaunchKernel|Mem(Alloc|Free|cpy)\w*|Ctx\w+|DeviceGet\w*|Module\w+|StreamCreate|TensorMap\w+)(_v2)?|nvrtc\w+",
    ),
    _Feature(
        "several GPUs",
        "use one device",
        "",
        r"cuda(Device(Can|Enable|Disable)\w*PeerAccess\w*|Memcpy3DPeer\w*|Ipc\w+)",
    ),
    _Feature("NVIDIA's profiling marks (NVTX)", _GUARD, r"nvtx3?/.*|nvToolsExt\w*\.h", r"nvtx[A-Z]\w*"),
)
# Of libcu++'s own names: `namespace cuda` is what many a backend calls its own.
_LIBCUXX = {
    "std", "atomic", "atomic_ref", "atomic_thread_fence", "barrier", "pipeline", "latch", "memcpy_async", "ptx",
    "counting_semaphore", "binary_semaphore", "thread_scope_device", "thread_scope_block", "thread_scope_system",
    "memory_order_relaxed", "memory_order_acquire", "aligned_size_t", "annotated_ptr", "ceil_div", "device",
}  # fmt: skip
_ANY_WORD = re.compile("|".join(feature.words for feature in _FEATURES if feature.words))
_ALLOCATING = {"malloc", "calloc", "realloc", "free"}


def find_headers(includes: Sequence[Token], edits: Edits) -> None:
    """Reject the headers that are not simulated. includes: what stands behind each #include."""
    for token in includes:
        written = token.text.strip()
        for feature in _FEATURES:
            if feature.headers and re.fullmatch(feature.headers, written.strip('<>"')):
                edits.reject(token, f"cuda-sim does not support {feature.name}, {written}; {feature.remedy}")


def find_words(region: Region, edits: Edits) -> None:
    """Reject the functions and types that are not simulated, and what only a function on the device may not do."""
    for at, token in enumerate(region.tokens):
        if token.kind != "word" or region.text(at - 1) in (".", "->"):
            continue
        following = region.text(at + 1)
        for feature in _FEATURES if _ANY_WORD.fullmatch(token.text) else ():
            if feature.words and re.fullmatch(feature.words, token.text) and feature.follows in ("", following):
                edits.reject(token, f"cuda-sim does not support {feature.name}, {token.text}; {feature.remedy}")
        on_device = region.scopes[at] in (Scope.DEVICE, Scope.MACRO)
        if (
            token.text == "cuda"
            and following == "::"
            and region.text(at - 1) != "::"
            and region.text(at + 2) in _LIBCUXX
        ):
            name = f"cuda::{region.text(at + 2)}"
            edits.reject(token, f"cuda-sim does not support {_LIBCUXX_FEATURE.name}, {name}; {_LIBCUXX_FEATURE.remedy}")
        elif token.text in ("asm", "__asm__", "__asm") and on_device:
            edits.reject(
                token,
                "cuda-sim does not support PTX in asm; write it in CUDA C++ (intrinsics are supported), or keep it for "
                "the GPU with #ifndef CUDASIM ... #else ... #endif",
            )
        elif region.scopes[at] is Scope.DEVICE and _allocates(region, at):
            edits.reject(
                token,
                f"cuda-sim does not support {token.text} inside a kernel; allocate with cudaMalloc on the host, or "
                "use a local or shared array",
            )


def _allocates(region: Region, at: int) -> bool:
    """Whether the word at `at` takes memory from the heap: malloc(n) or `new T`, but not `new (place) T`."""
    text, following = region.text(at), region.text(at + 1)
    if text in ("new", "delete"):
        declares = region.text(at - 1) == "operator" or (text == "delete" and region.text(at - 1) == "=")
        return following != "(" and not declares
    return text in _ALLOCATING and following == "("
