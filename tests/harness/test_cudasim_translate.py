"""cudasim.translate: what CUDA becomes in C++, what it refuses with which words, and what it never touches."""

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import cudasim
from grader.cudasim import flags
from grader.cudasim.tokens import read


def translated(text: str, path: str = "src/x.cu") -> str:
    return cudasim.translate({path: text.encode()})[path].decode()


def findings(text: str) -> list[str]:
    with pytest.raises(cudasim.Unsupported) as caught:
        translated(text)
    return str(caught.value).splitlines()


def launch(name: str, config: str, arguments: str) -> str:
    """What a launch becomes."""
    kernel = f"{name}(cudasim_args...); ::cudasim::kernel_ended()"
    return (
        f"::cudasim::Launcher(::cudasim::Config({config}), CUDASIM_NAME({name}), __FILE__, __LINE__, "
        f"[=](auto... cudasim_args) -> void {{ {kernel}; }}){arguments}"
    )


LAUNCHES = {
    "plain": ("k<<<1, 2>>>(a, b);", launch("k", "1, 2", "(a, b);")),
    "no-spaces": ("k<<<1,2>>>();", launch("k", "1,2", "();")),
    "four-values": ("k<<<g, b, 4 * n, s>>>(a);", launch("k", "g, b, 4 * n, s", "(a);")),
    "template": ("k<float, 4><<<g, b>>>(a);", launch("k<float, 4>", "g, b", "(a);")),
    "nested-template": ("k<A<B>, 4><<<g, b>>>(a);", launch("k<A<B>, 4>", "g, b", "(a);")),
    "templates-close-at-once": ("k<A<B<int>>><<<g, b>>>(a);", launch("k<A<B<int>>>", "g, b", "(a);")),
    "template-of-expression": ("k<(n > 2)><<<g, b>>>(a);", launch("k<(n > 2)>", "g, b", "(a);")),
    "namespace": ("a::b::k<<<g, b>>>(a);", launch("a::b::k", "g, b", "(a);")),
    "global-namespace": ("return ::k<<<g, b>>>(a);", "return " + launch("::k", "g, b", "(a);")),
    "namespace-of-template": ("A<int>::k<<<g, b>>>(a);", launch("A<int>::k", "g, b", "(a);")),
    "parentheses": ("k<<<((n) + (m)), f(1, (2))>>>(a);", launch("k", "((n) + (m)), f(1, (2))", "(a);")),
    "braces": ("k<<<dim3{1, 2}, b>>>(a);", launch("k", "dim3{1, 2}, b", "(a);")),
    "template-in-configuration": ("k<<<f<256>(n), b>>>(a);", launch("k", "f<256>(n), b", "(a);")),
    "templates-before-the-end": ("k<<<g, x<A<B>>>>>(a);", launch("k", "g, x<A<B>>", "(a);")),
    "template-call-at-the-end": ("k<<<g, f<A<B<C>>>(x)>>>(a);", launch("k", "g, f<A<B<C>>>(x)", "(a);")),
    "comparison": ("k<<<n < 5 ? 1 : 2, b>>>(a);", launch("k", "n < 5 ? 1 : 2, b", "(a);")),
    "comparison-and-template": (
        "k<<<f<256>(n), n < 5 ? 1 : 2>>>(a);",
        launch("k", "f<256>(n), n < 5 ? 1 : 2", "(a);"),
    ),
    "shift": ("k<<<n >> 3, 1 << 5>>>(a);", launch("k", "n >> 3, 1 << 5", "(a);")),
    "shift-at-the-end": ("k<<<g, n >> 3>>>(a);", launch("k", "g, n >> 3", "(a);")),
    "greater": ("k<<<g, n > 3>>>(a);", launch("k", "g, n > 3", "(a);")),
    "pointer": ("k<<<p->g, p->b>>>(p->a);", launch("k", "p->g, p->b", "(p->a);")),
    "after-if": (
        "if (n) k<<<g, b>>>(a); else k<<<b, g>>>(a);",
        "if (n) " + launch("k", "g, b", "(a);") + " else " + launch("k", "b, g", "(a);"),
    ),
    "after-cast": ("(void)k<<<g, b>>>(a);", "(void)" + launch("k", "g, b", "(a);")),
    "inside-a-call": ("CHECK(k<<<g, b>>>(a));", "CHECK(" + launch("k", "g, b", "(a)") + ");"),
    "two-on-a-line": ("k<<<g, b>>>(a), m<<<g, b>>>(a);", launch("k", "g, b", "(a), ") + launch("m", "g, b", "(a);")),
    "string-in-arguments": ('k<<<g, b>>>("<<<", x);', launch("k", "g, b", '("<<<", x);')),
    "string-in-configuration": ("k<<<f(\">>>(\"), '>'>>>(a);", launch("k", "f(\">>>(\"), '>'", "(a);")),
    "digit-separators": ("k<<<1'000, 2>>>(a);", launch("k", "1'000, 2", "(a);")),
    "null-pointer": ("k<<<g, b>>>(a, NULL, NULLABLE);", launch("k", "g, b", "(a, nullptr, NULLABLE);")),
    "several-lines": ("k\n<<<g,\n b>>>\n (a,\n  b);", launch("k", "\ng,\n b", "\n (a,\n  b);")),
    "comment-in-configuration": ("k<<<g, // >>>(\n b>>>(a);", launch("k", "g, // >>>(\n b", "(a);")),
    "macro": (
        "#define LAUNCH(k, n, ...) k<<<(n + 255) / 256, 256>>>(__VA_ARGS__)\n",
        "#define LAUNCH(k, n, ...) " + launch("k", "(n + 255) / 256, 256", "(__VA_ARGS__)\n"),
    ),
    "macro-pastes": ("#define L(op) op##_kernel<<<g, b>>>(a)", "#define L(op) " + launch("op##_kernel", "g, b", "(a)")),
    "macro-over-lines": (
        "#define L(k) do { \\\n  k<<<1, \\\n  2>>>(a); \\\n} while (0)\nint x;",
        "#define L(k) do { \\\n  " + launch("k", "1, \\\n  2", "(a); \\\n} while (0)\nint x;"),
    ),
    "operator-is-no-launch": ("auto f = &operator<<<char>;", "auto f = &operator<<<char>;"),
    "shifts-are-no-launch": ("x = a << b >> c;", "x = a << b >> c;"),
    "disabled": ("#if 0\nk<<<1, 2>>>(a); asm(\"x\");\n#endif", "#if 0\nk<<<1, 2>>>(a); asm(\"x\");\n#endif"),
    "other-branch": (
        "#if 0\nk<<<1\n#else\nk<<<1, 2>>>(a);\n#endif",
        "#if 0\nk<<<1\n#else\n" + launch("k", "1, 2", "(a);") + "\n#endif",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "want"), LAUNCHES.values(), ids=LAUNCHES)
def test_a_launch(text, want):
    """A launch becomes one expression with everything where it was; what only looks like one stays."""
    inside = f"void f() {{ {text} }}" if not text.startswith("#") else text
    assert translated(inside) == inside.replace(text, want)


ENDED = " ::cudasim::kernel_ended();"
EXPRESSIONS = [
    "(*f)",
    "PASTE(a, b)<int, 2>",
    "(k<float, 2>)",
    "table[i + 1]",
    "ops.add",
    "ops->add",
    "choose(n)",
    "get<1>(t)",
]


@pytest.mark.parametrize("kernel", EXPRESSIONS)
def test_a_kernel_that_is_an_expression_is_evaluated_once_on_the_host(kernel):
    """The lambda holds its value: a thread of the kernel must not read the host's variables."""
    got = translated(f"void f() {{ if (n) {kernel}<<<1, 2>>>(a); }}")
    want = f"[cudasim_kernel = {kernel}](auto... cudasim_args) -> void {{ cudasim_kernel(cudasim_args...);{ENDED} }})"
    assert got.startswith("void f() { if (n) ::cudasim::Launcher(")
    assert want in got


ZONE = "::cudasim::RedZone cudasim_zone_{};"


def shared(before: str, *declarators: str, home: str = "") -> str:
    """What `__shared__` and these declarators become, without the last `;`. before: the words, {} where it stood."""
    names = [re.sub(r"\W*(\w+).*", r"\1", declarator, flags=re.DOTALL) for declarator in declarators]
    home = home or f"cudasim_shared_{names[0]}"
    base = before.replace("{}", "").strip()
    first = f"static struct {{ {ZONE.format(0)} " + before.replace("{}", "")
    rest = "".join(f"; {ZONE.format(n)} {base} {declarator}" for n, declarator in enumerate(declarators) if n)
    registered = "; ".join(
        f"CUDASIM_SHARED({home}, {name}, cudasim_zone_{n}, cudasim_zone_{n + 1})" for n, name in enumerate(names)
    )
    return f"{first}{declarators[0]}{rest}; {ZONE.format(len(names))} }} {home}; {registered}"


def variable(name: str, kind: str) -> str:
    return (
        f" static const ::cudasim::memory::Variable cudasim_variable_{name}(&{name}, sizeof({name}), "
        f"CUDASIM_NAME({name}), ::cudasim::memory::VariableKind::{kind});"
    )


def begun(name: str) -> str:
    """What stands at the begin of a kernel's body."""
    return f" ::cudasim::kernel_begun(CUDASIM_NAME({name}), __FILE__, __LINE__);"


def kernel(body: str) -> str:
    return f"__global__ void k(int* p) {{ {body} }}"


DYNAMIC = "(::cudasim::dynamic_shared());"
VARIABLES = {
    "array": (kernel("__shared__ float a[4];"), kernel(shared("{} float ", "a[4]") + ";")),
    "several": (
        kernel("__shared__ float a[2][3][4], b, *c;"),
        kernel(shared("{} float ", "a[2][3][4]", "b", "*c") + ";"),
    ),
    "comma-in-template": (
        kernel("__shared__ A<3, 3> a[N];"),
        kernel(shared("{} A<3, 3> ", "a[N]") + ";"),
    ),
    "comparison-in-size": (
        kernel("__shared__ T a[N > 4 ? N : 4], b;"),
        kernel(shared("{} T ", "a[N > 4 ? N : 4]", "b") + ";"),
    ),
    "type-first": (kernel("volatile float __shared__ a[4];"), kernel(shared("volatile float {} ", "a[4]") + ";")),
    "static-said": (kernel("static __shared__ int a;"), kernel(shared(" {} int ", "a") + ";")),
    "align": (
        kernel("__shared__ __align__(16) float a[4];"),
        kernel(shared("{} __align__(16) float ", "a[4]") + ";"),
    ),
    "alignas-first": (kernel("alignas(16) __shared__ T a;"), kernel(shared("alignas(16) {} T ", "a") + ";")),
    "alignas-later": (kernel("__shared__ alignas(16) T a;"), kernel(shared("alignas(16) {}  T ", "a") + ";")),
    "struct": (
        kernel("__shared__ struct { int x, y; } a;"),
        kernel(shared("{} struct { int x, y; } ", "a") + ";"),
    ),
    "over-lines": (kernel("__shared__ int a\n[4]; f();"), kernel(shared("{} int ", "a\n[4]") + "; f();")),
    "pointer-to-array": (kernel("__shared__ int (*a)[4];"), kernel(shared("{} int ", "(*a)[4]") + ";")),
    "macro": (
        "#define TILE(T, name) __shared__ T name[32]\n",
        "#define TILE(T, name) " + shared("{} T ", "name[32]", home="cudasim_shared_##name") + "\n",
    ),
    "dynamic": (
        kernel("extern __shared__ float s[];"),
        kernel(f"float* const s = static_cast<float*>{DYNAMIC}"),
    ),
    "dynamic-aligned": (
        kernel("extern __shared__ __align__(16) unsigned char s[];"),
        kernel(f"unsigned char* const s = static_cast<unsigned char*>{DYNAMIC}"),
    ),
    "dynamic-volatile": (
        kernel("extern volatile __shared__ A<int> s[];"),
        kernel(f"volatile A < int >* const s = static_cast<volatile A < int >*>{DYNAMIC}"),
    ),
    "dynamic-several": (
        kernel("extern __shared__ int s[], t[][3];"),
        kernel(f"int* const s = static_cast<int*>{DYNAMIC} int (* const t)[3] = static_cast<int (*)[3]>{DYNAMIC}"),
    ),
    "dynamic-of-the-file": (
        "extern __shared__ float s[];",
        f"static float* const s = static_cast<float*>{DYNAMIC}",
    ),
    "device": ("__device__ int n;", "__device__ int n;" + variable("n", "device")),
    "device-array": ("static __device__ int n[2][3];", "static __device__ int n[2][3];" + variable("n", "device")),
    "device-several": (
        "__device__ int n = 1, m = f(2, 3);",
        "__device__ int n = 1, m = f(2, 3);" + variable("n", "device") + variable("m", "device"),
    ),
    "device-list": ("__device__ int n[] = {1, 2};", "__device__ int n[] = {1, 2};" + variable("n", "device")),
    "device-long": (
        f"__constant__ int n[] = {{{'1, ' * 9999}}};",
        f"__constant__ int n[] = {{{'1, ' * 9999}}};" + variable("n", "constant"),
    ),
    "device-braces": ("__device__ int n{1};", "__device__ int n{1};" + variable("n", "device")),
    "device-pointer": ("__device__ float (*f)(int);", "__device__ float (*f)(int);" + variable("f", "device")),
    "constant": ("__constant__ float c[4];", "__constant__ float c[4];" + variable("c", "constant")),
    "constant-device": ("__device__ __constant__ int c;", "__device__ __constant__ int c;" + variable("c", "constant")),
    "managed": ("__device__ __managed__ int c;", "__device__ __managed__ int c;" + variable("c", "managed")),
    "in-namespace": (
        "namespace a { __device__ int n; }",
        "namespace a { __device__ int n;" + variable("n", "device") + " }",
    ),
    "noinline": ("__noinline__ int f();", "__attribute__((noinline)) int f();"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "want"), VARIABLES.values(), ids=VARIABLES)
def test_a_variable_in_device_memory(text, want):
    """Shared and device variables become C++ variables that the runtime knows by name."""
    assert translated(text).replace(begun("k"), "") == want


FUNCTIONS = [
    "__device__ float f(float x) { return x; }",
    "__device__ float f(float);",
    "__device__ __forceinline__ A<int, 3> f(A<int, 3> x) { int y[2] = {1, 2}; return x; }",
    "template <class T, int N = (3 > 2)> __host__ __device__ constexpr T f();",
    "struct S { __device__ S() : a{1}, b(2) {} __device__ bool operator()(int x) const { return x; } int a, b; };",
    "struct S { __host__ __device__ S& operator=(const S&) = default; __device__ operator int() const; };",
    "__device__ struct S f();",
    "__global__ void __launch_bounds__(256, 2) k(float* a) { float b = a[0]; }",
    "extern __device__ int elsewhere;",
    "__device__ constexpr float pi = 3.14f;",
    "void f() { auto g = [=] __device__ (int i) { int x[2] = {}; return x[i]; }; }",
    "#define HD __host__ __device__\nHD float f(float x) { return x; }",
    "#define KERNEL __global__ void\nKERNEL k() {}",
    "__device__ auto f() -> float { return 1; }",
]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions_keep_their_words(text):
    """`__device__` before a function is a macro's business, and nothing is taken for a variable."""
    assert translated(text).replace(begun("k"), "") == text


KERNELS = {
    "plain": ("__global__ void k(int* p) {", "k"),
    "template": ("template <class T, int N = (3 > 2)> __global__ void k(T* p, T by = T{}) {", "k"),
    "specialization": ("template <> __global__ void k<A<int>, 3>(int* p) {", "k"),
    "bounds": ("__global__ void __launch_bounds__(256, 2) k(int n)\n{", "k"),
    "bounds-of-ones-own": ("__global__ BOUNDS(256) void k(int n) {", "k"),
    "word-later": ("static void __attribute__((noinline)) __global__ k(int (*p)[3]) {", "k"),
    "in-namespace": ("namespace a { __global__ void k() {", "k"),
    "trailing-type": ("__global__ auto k(int n) -> void {", "k"),
    "macro": ("#define MAKE(NAME) __global__ void NAME(int n) {", "NAME"),
    "macro-pastes": ("#define MAKE(a, b) __global__ void a##_##b(int n) { \\\n", "a##_##b"),
}  # fmt: skip


@pytest.mark.parametrize(("head", "name"), KERNELS.values(), ids=KERNELS)
def test_a_kernel_says_that_it_has_begun(head, name):
    """At the begin of its body, on the line of the brace; a launch is then of something that has said so."""
    at = head.rindex("{") + 1
    got = translated(head + " f(); }\nvoid g() { k<<<1, 2>>>(); }")
    assert got.startswith(head[:at] + begun(name) + head[at:] + " f(); }\n")
    assert ENDED in got


UNMARKED = {
    "macro-of-the-word": "#define KERNEL __global__ void\nKERNEL k() {}",
    "macro-of-the-head": "#define HEAD(k) __global__ void k()\nHEAD(k) {}",
    "macro-of-the-body": "__global__ void k() BODY",
    "argument-of-a-macro": "FUNCTION(__global__, k) { }",
    "specialization-without-the-word": "template <class T> __global__ void k();\ntemplate <> void k<int>() {}",
    "two-heads": "__global__ void k(\n#ifdef A\nint n) {\n#else\nfloat x) {\n#endif\n}",
    "file-not-seen": '#include "kernels.xyz"',
    "kernels-of-a-library": "#include <some/kernels.cuh>",
    "included-by-a-macro": "#include KERNELS",
}  # fmt: skip


@pytest.mark.parametrize("text", UNMARKED.values(), ids=UNMARKED)
def test_no_false_alarm_where_a_kernel_may_be_without_a_mark(text):
    """One such place in any of the sources, and no launch asks whether it was a kernel's."""
    launching = b"void g() { k<<<1, 2>>>(); }"
    got = cudasim.translate({"a.cu": launching, "b.cuh": text.encode(), "c.cc": b""})
    assert b"Launcher" in got["a.cu"]
    assert ENDED.encode() not in got["a.cu"]
    assert ENDED.encode() not in cudasim.translate({"a.cu": launching, "b.cc": b"__global__ void k() {}"})["a.cu"]


MARKED = [
    "__global__ void k(int n);",
    "template __global__ void k<int>(int n);",
    "struct S { friend __global__ void k(S s); };",
    "#ifndef CUDASIM\n#define KERNEL __global__ void\n#endif",
    "template <> struct S<int> { int n; };\ntemplate <> __device__ int f<int>() { return 1; }",
    '#include <cuda_runtime.h>\n#include "cuda_runtime.h"\n#include "sub/a.cu"\n#include <vector>',
    "// __global__",
]


@pytest.mark.parametrize("text", MARKED)
def test_what_leaves_no_kernel_without_a_mark(text):
    """Declarations, what is not compiled, and what is no function."""
    got = cudasim.translate({"a.cu": b"void g() { k<<<1, 2>>>(); }", "b.cuh": text.encode()})
    assert ENDED.encode() in got["a.cu"]
    assert got["b.cuh"] == text.encode()


UNSUPPORTED = {
    "asm": (kernel('asm volatile("bar.sync 0;");'), "PTX in asm"),
    "asm-in-macro": ('#define BAR asm("bar.sync 0;")', "PTX in asm"),
    "texture-object": ("cudaTextureObject_t t;", "textures and surfaces, cudaTextureObject_t"),
    "texture-fetch": (kernel("p[0] = tex2D<int>(t, 1, 2);"), "textures and surfaces, tex2D"),
    "surface": (kernel("surf2Dread(&x, s, 1, 2);"), "textures and surfaces, surf2Dread"),
    "cooperative-header": ("#include <cooperative_groups.h>", "cooperative groups, <cooperative_groups.h>"),
    "cooperative-name": ("namespace cg = cooperative_groups;", "cooperative groups"),
    "cub": ("#include <cub/cub.cuh>", "CUB, <cub/cub.cuh>"),
    "cub-name": (kernel("cub::BlockReduce<int, 32> r;"), "CUB, cub"),
    "thrust": ('#include "thrust/sort.h"', 'Thrust, "thrust/sort.h"'),
    "cublas": ("#include <cublas_v2.h>", "cuBLAS, <cublas_v2.h>"),
    "cublas-call": ("void f() { cublasSgemm(h); }", "cuBLAS, cublasSgemm"),
    "cudnn": ("#include <cudnn.h>", "cuDNN, <cudnn.h>"),
    "curand": ("#include <curand_kernel.h>", "the CUDA libraries"),
    "fp16": ("#include <cuda_fp16.h>", "16-bit and 8-bit floats, <cuda_fp16.h>"),
    "half": ("__half x;", "16-bit and 8-bit floats, __half"),
    "bf16": ("#include <cuda_bf16.h>", "16-bit and 8-bit floats, <cuda_bf16.h>"),
    "wmma": ("#include <mma.h>", "tensor cores (wmma), <mma.h>"),
    "wmma-name": ("using namespace nvcuda::wmma;", "tensor cores (wmma), nvcuda"),
    "dynamic-parallelism": (kernel("k<<<1, 2>>>(p);"), "a launch inside a kernel or device function"),
    "device-function-launches": ("__device__ void f() { if (1) { k<<<1, 2>>>(); } }", "a launch inside a kernel"),
    "cluster": ("__global__ void __cluster_dims__(2, 1, 1) k() {}", "thread-block clusters"),
    "libcu++": ("#include <cuda/atomic>", "libcu++ (the cuda:: namespace), <cuda/atomic>"),
    "libcu++-name": ("cuda::std::pair<int, int> p;", "libcu++ (the cuda:: namespace), cuda::std"),
    "graph": ("cudaGraph_t g;", "CUDA graphs, cudaGraph_t"),
    "driver": ("void f() { cuInit(0); }", "the driver API and run-time compilation, cuInit"),
    "peer": ("void f() { cudaDeviceEnablePeerAccess(1, 0); }", "several GPUs, cudaDeviceEnablePeerAccess"),
    "malloc": (kernel("int* q = (int*)malloc(4);"), "malloc inside a kernel"),
    "new": (kernel("int* q = new int[4];"), "new inside a kernel"),
    "shared-of-the-file": ("__shared__ float s[4];", "a __shared__ variable outside a function"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_not_supported(text, words):
    """It is one line with file, line, the thing's name, and what to do instead."""
    [finding] = findings("// first\n" + text)
    assert finding.startswith("src/x.cu:2: cuda-sim does not support ")
    assert words in finding
    assert "; " in finding


WRONG = {
    "open": ("void f() { k<<<1, 2; }", "the launch of k has no >>> for its <<<; expected k<<<grid, block>>>"),
    "open-to-the-end": ("void f() { k<<<1, 2(a)", "the launch of k has no >>> for its <<<"),
    "no-arguments": ("void f() { k<1><<<1, 2>>>; }", "the launch of k<1> has no arguments after >>>"),
    "no-kernel": ("void f() { x = <<<1, 2>>>(a); }", "a launch without a kernel's name before <<<"),
    "no-kernel-in-macro": ("#define CONFIG <<<1, 2>>>", "write the kernel into the macro, too"),
    "one-value": ("void f() { k<<<1>>>(a); }", "the launch of k needs at least two values between <<< and >>>"),
    "shared-with-value": (kernel("__shared__ int a[2] = {1};"), "the __shared__ variable a cannot have an initial"),
    "extern-without-brackets": (kernel("extern __shared__ int a;"), "an extern __shared__ variable needs brackets"),
    "device-member": ("struct S { static __device__ int n; };", "CUDA allows no __device__ member of a class"),
    "braces": ("void f() { k<<<1, 2>>>(a, {1, 2}); }", "does not support an argument of k in mere braces"),
    "launch-of-a-launch": ("void f() { (k<<<1, 2>>>(a))<<<1, 2>>>(b); }", "the kernel before <<< cannot be understood"),
    "conflict": ("<<<<<<< HEAD\nint x;", "a conflict that git left here"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(text, words):
    """What cannot be CUDA either is a sentence with the line, rather than a compiler's riddle about the translation."""
    [finding] = findings("\n" + text)
    assert finding.startswith("src/x.cu:2: ")
    assert words in finding


def test_all_findings_come_at_once():
    """Every file's, each with its line, in order; more than twenty of a file are counted."""
    with pytest.raises(cudasim.Unsupported) as caught:
        cudasim.translate(
            {
                "b.cu": b"#include <mma.h>\nvoid f() { k<<<1>>>(); }\n__half x;",
                "a.cuh": b"__half x;\n" * 25,
            }
        )
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        *(f"a.cuh:{n}" for n in range(1, 21)),
        "a.cuh",
        "b.cu:1",
        "b.cu:2",
        "b.cu:3",
    ]
    assert lines[20] == "a.cuh: 5 more"


NOT_FOUND = [
    "int texture = 1, half = 2, cub = 3, wmma = texture < half;",
    "namespace cuda { void Fill(); } void f() { cuda::Fill(); needle::cuda::atomic(); }",
    'const char* s = "asm __half <cub/cub.cuh> k<<<1, 2>>>(a)";',
    "// __half asm() k<<<1\n/* #include <mma.h>\n*/",
    '#error don\'t use __half here, k<<<1\n#pragma message("k<<<")',
    'void pause() { asm volatile("pause"); int* p = new int[2]; delete[] p; free(malloc(3)); }',
    "#ifndef CUDASIM\n#include <cuda_fp16.h>\n__half x;\n#endif",
    "#ifdef CUDASIM\nint x;\n#else\n__half x;\n#endif",
    "#if !defined(CUDASIM)\n__half x;\n#endif",
    "__device__ void f(int* p) { x.tex2D(1); new (p) int(3); }",
    "struct S { __device__ S(const S&) = delete; };",
]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_is_no_finding(text):
    """Names of one's own, text, comments, and what is kept from cuda-sim by the preprocessor come back as they are."""
    assert translated(text) == text


def test_our_own_backend_is_marked_throughout():
    """Nothing that it includes, and none of its macros, keeps a launch from being looked at."""
    folder = Path(__file__).parents[2] / "reference" / "src"
    sources = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    got = cudasim.translate(sources)["ndarray_backend_cuda.cu"].decode()
    assert 0 < got.count("::cudasim::Launcher(") == got.count(ENDED)


def test_which_files_are_translated():
    """.cu and .cuh, and headers with CUDA's words in their code; everything else is not even looked at."""
    launch, word = b"void f() { k<<<1, 2>>>(); }", b"inline void f() { k<<<1, 2>>>(); } // __global__"
    sources = {
        "a.cu": launch, "b.cuh": launch, "c.h": launch, "d.hpp": word, "e.cc": launch, "f.py": launch,
        "g.h": b'const char* s = "__global__"; // k<<<1>>>', "h.h": b"__half x;", "i.txt": b"\xff\x00",
    }  # fmt: skip
    got = cudasim.translate(sources)
    assert list(got) == sorted(sources)
    assert {path for path in got if got[path] != sources[path]} == {"a.cu", "b.cuh", "c.h", "d.hpp"}


def test_bytes_come_back_as_they_were():
    """Any encoding, any line ending, a mark of byte order and a zero byte."""
    text = b"\xef\xbb\xbf// \xc3\xa9\xff\r\nint \xc3\xa9 = 'x';\r\n\x00\x0c"
    assert cudasim.translate({"a.cu": text + b"void f() { k<<<1,\r\n2>>>(a); }"})["a.cu"].startswith(text)


@pytest.mark.parametrize("text", ["don't k<<<1, 2>>>(a)", 'say "k<<<1, 2>>>(a) /*', "'/* \\\n k<<<1, 2>>>(a)"])
def test_a_quote_without_a_partner_takes_its_line(text):
    """As in g++, which skips disabled code so: the line after it is code again, though a comment seemed to begin."""
    inside = f"#if A\n{text}\n#endif\nvoid f() {{ k<<<1, 2>>>(a); }}"
    assert translated(inside) == inside.replace("{ k<<<1, 2>>>(a);", "{ " + launch("k", "1, 2", "(a);"))


# A file of 1 MB of any of these took minutes to hours, or the grader's whole memory.
ATTACKS = {
    "parentheses": lambda n: "(" * n,
    "launches-open": lambda n: "k<<<(" * n,
    "launches-in-arguments": lambda n: "void f() {" + "k<<<1,2>>>(" * n + ")" * n,
    "launches-in-configurations": lambda n: "void f() {" + "k<<<f(" * n + "),1>>>()" * n,
    "launches-of-launches": lambda n: "void f() {" + "(" * n + "k" + ")<<<1,2>>>(a)" * n,
    "templates": lambda n: "void f() { k<" + "A<" * n + ">" * n + "><<<1,2>>>(); }",
    "quotes": lambda n: '\\"' * n,
    "apostrophes": lambda n: "\\'" * n,
    "raw-strings": lambda n: 'R"(' * n,
    "comments-in-a-directive": lambda n: "#error " + "/*" * n,
    "conditions-in-braces": lambda n: "{" * n + "#if A\n" * n,
    "conditions-in-a-statement": lambda n: "a " * n + "#if A\n" * n,
    "device-words": lambda n: "__device__ a " * n,
    "attributes": lambda n: "__device__ alignas(" * n + ")" * n,
    "brackets": lambda n: "void f() { __shared__ int a" + "[" * n + ";",
    "a-type-of-many": lambda n: "void f() { __shared__ " + "t " * n + "a" + ",a" * n + ";",
    "kernels": lambda n: "__global__ a " * n,
    "kernels-in-kernels": lambda n: "__global__ void k(" * n + "){" * n,
    "kernels-of-templates": lambda n: "__global__ void k<" + "<" * n + ">(){}" * n + "__global__ k>(){}" * n,
    "specializations": lambda n: "template <> " * n,
    "a-name-of-many": lambda n: "void f() { __shared__ int " + "a" * n + ",a" * n + ";",
}


def steps(text: str) -> tuple[int, int]:
    """How many function calls the translation of a text takes, of Python's own too, and how long what comes out is."""
    count = 0

    def profile(frame, event, _):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        size = len(cudasim.translate({"x.cu": text.encode()})["x.cu"])
    except cudasim.Unsupported as error:
        size = len(str(error))
    finally:
        sys.setprofile(None)
    return count, size


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_work_and_translation_grow_with_the_text_and_no_faster(attack):
    """It runs in the grader itself, on a stranger's file, without a clock."""
    (calls, size), (more_calls, larger) = steps(attack(500)), steps(attack(2000))
    assert more_calls < 5 * calls
    assert larger < 5 * size + 1000


def test_nothing_is_looked_for_farther_than_is_taken():
    """The work that has no calls to count: what has no partner is one token, and is not gone through again."""
    for text in ('"' + '\\"' * 50, "'" + "\\'" * 50, 'R"(' * 50, '"' + "a" * 50, "'" + "\\ " * 50):
        [token] = read("x.cu", text).tokens
        assert (token.kind, token.text) == ("stray", text)


def test_too_much_cuda_is_a_finding():
    """1 MiB in all; what is no CUDA does not count."""
    small, large = b"__global__ void k();", b"int x;\n" * 200_000
    assert cudasim.translate({"a.cu": small, "b.h": large})["b.h"] == large
    with pytest.raises(cudasim.Unsupported, match=r"b\.cuh:1: cuda-sim does not support more than 1048576 bytes of"):
        cudasim.translate({"a.cu": small, "b.cuh": large})


def test_a_translation_many_times_as_long_is_a_finding():
    """Names that come along with each declared variable."""
    declaration = "__shared__ " + "t" * 2000 + " a" + ",a" * 900 + ";"
    [finding] = findings("void f() { " + declaration * 12 + "}")
    assert finding.startswith("src/x.cu:1: the translation would be far longer than the source")


MUTATIONS = [
    *(
        b"<<<",
        b">>>",
        b">>>(",
        b"__shared__ ",
        b"extern __shared__ ",
        b"__device__ ",
        b"__constant__ ",
        b"(",
        b")",
        b"{",
    ),
    *(b"}", b"[", b"]", b"<", b">", b";", b",", b'"', b"'", b'R"(', b')"', b"/*", b"*/", b"//", b"\\\n", b"\n#if 0\n"),
    *(
        b"\n#else\n",
        b"\n#endif\n",
        b"\n#define X(a) ",
        b"??/\n",
        b"<%",
        b"%:",
        b"\0",
        b"\r\n",
        b"\xef\xbb\xbf",
        b"\xff",
    ),
    *(b"##", b"\n#include ", b"alignas(", b"operator", b"=", b"*", b"::", b"template ", b"NULL", b"__noinline__"),
]


@pytest.mark.parametrize("seed", range(5))
def test_real_sources_gone_wrong_are_translated_or_refused(seed):
    """A hundred pieces of our own kernels with words and bytes put in, taken out and repeated: only Unsupported."""
    chance = random.Random(seed)
    folder = Path(__file__).parents[1] / "cudasim"
    sources = [path.read_bytes() for path in sorted(folder.glob("*.cu*"))]
    for _ in range(100):
        text = bytearray(chance.choice(sources))
        start = chance.randrange(len(text))
        text = text[start : start + 2000]
        for _ in range(chance.randrange(1, 12)):
            at, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
            piece = chance.choice([chance.choice(MUTATIONS), bytes(text[other : other + 40]), chance.randbytes(3)])
            text[at : at + chance.choice([0, 0, 20])] = piece
        try:
            got = cudasim.translate({"x.cu": bytes(text)})["x.cu"]
        except cudasim.Unsupported:
            continue
        assert got.count(b"\n") == text.count(b"\n")


@pytest.mark.parametrize("branches", [("if (a) {", "if (b) {"), ("", "{} } void h() {")])
def test_braces_of_either_branch_count_once(branches):
    """A brace that each branch of an #if opens anew does not hide that what follows is at file scope."""
    one, other = branches
    closing = "}" * (1 + one.count("{"))
    text = f"void g() {{\n#ifdef A\n{one}\n#else\n{other}\n#endif\n{closing}\n__device__ int n;"
    assert translated(text).endswith("__device__ int n;" + variable("n", "device"))


# Pieces of source that go wrong easily, put together at random. None of them is CUDA.
PLAIN = st.sampled_from(
    [
        "x", " ", "\n", "\t", "\r\n", "\\\n", "// k<<<1, 2>>>(a)\n", "// goes on \\\n k<<<\n", "/* k<<<\n*/", "/*",
        "*/", '"', "'", '"a\\"<<<"', '"\\\n"', "'\"'", "'\\''", 'R"(k<<<\n)"', 'R"x(" )" <<<)x"', 'u8R"(")"',
        "1'000'000", "0x1.8p-3", "{", "}", "(", ")", "<", ">", ">>", ">>>", "<<", "<=", ";", ",", "::",
        "operator<<<char>", "#", "#if 0\n", "#if A\n", "#else\n", "#endif\n", "#define A(x) x \\\n y\n", "#define A",
        "#include <a>\n", "#error don't\n", "template <class T>", "struct S {", "\xe9", "\0", "[", "]", "=", "extern",
        "@", "\\",
    ]
)  # fmt: skip
CUDA = st.sampled_from(
    [
        "k<<<1, 2>>>(a);", "a::k<A<B>>\n<<<1,\n2>>>(a);", "<<<", ">>>(", "k<<<", "__shared__ float a[2], b;",
        "__shared__", "asm(", "extern __shared__ T s[];", "__device__ int n\n;", "__device__", "__constant__",
        "__global__ void k() {", "alignas(16)", "#define L(k) k<<<1, \\\n 2>>>(a)\n", "<<<<<<<", "#ifndef CUDASIM\n",
        "__half", "NULL", "new", "cuda::std",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PLAIN, max_size=30).map("".join))
def test_code_without_cuda_comes_back_byte_for_byte(text):
    """Whatever it is: strings and comments in any state, broken lines, brackets without partners."""
    words = ["", *(token.text for token in read("x.cu", text).tokens)]
    if any(word.startswith("<<<") and words[at - 1] != "operator" for at, word in enumerate(words)):
        return  # pieces that came together to CUDA
    assert cudasim.translate({"x.cu": text.encode("latin-1")})["x.cu"] == text.encode("latin-1")


@settings(max_examples=300, deadline=None)
@given(st.lists(PLAIN | CUDA, max_size=30).map("".join))
def test_any_text_keeps_its_lines_or_is_refused(text):
    """Nothing but Unsupported is ever raised, and what is translated has as many lines as before."""
    content = text.encode("latin-1")
    try:
        got = cudasim.translate({"x.cu": content})["x.cu"]
    except cudasim.Unsupported as error:
        got, told = content, str(error).splitlines()
    else:
        told = []
    assert got.count(b"\n") == content.count(b"\n")
    assert all(1 <= int(line.split(":")[1]) <= content.count(b"\n") + 1 for line in told if "x.cu:" in line)


def strings(text: str) -> list[str]:
    return [token.text for token in read("x.cu", text).tokens if token.kind == "string"]


@settings(max_examples=200, deadline=None)
@given(st.lists(PLAIN | CUDA, max_size=30).map("".join))
def test_strings_are_never_touched(text):
    """Each string stands in the translation as it was, and there are no others, whatever looks like one."""
    try:
        got = translated(text, "x.cu")
    except (cudasim.Unsupported, UnicodeDecodeError):
        return
    assert set(strings(got)) == set(strings(text))  # a kernel's name may hold one: table["add"]<<<1, 2>>>()


PROGRAM = r"""
#include <cuda_runtime.h>
#define LAUNCH(k, n, ...) k<<<(n + 255) / 256, 256>>>(__VA_ARGS__)
#define SHARED(T, name) __shared__ T name[32]
#define DEVICE_COUNTER(name) __device__ unsigned name
namespace a { namespace b {
template <class T, int N>
__global__ void __launch_bounds__(256) k(T* x, int n) {
  __shared__ T tile[32][N + 1], row[4];
  __shared__ alignas(16) float q[4];
  volatile __shared__ int v;
  extern __shared__ __align__(16) unsigned char raw[];
  extern __shared__ float dyn[], dyn2[][3];
  SHARED(int, own);
  __shared__ struct { int x, y; } pair;
  if (int(threadIdx.x) < n) { x[0] = T(); v = 2; raw[0] = 1; dyn[0] = dyn2[0][1]; pair.x = own[1]; }
  tile[0][0] = row[1] = T();
  __syncthreads();
}
}}
DEVICE_COUNTER(counted);
__device__ int counter = 0, others[3];
__constant__ float coefficients[] = {1, 2, 3};
__device__ float f(float);
__device__ float (*pointer)(float) = f;
__device__ __noinline__ float f(float x) { return x; }
extern __shared__ float of_the_file[];
template <class T> struct Box {};
struct Table { void (*add)(float*, int); };
__global__ void plain(Box<Box<Box<int>>> x, const float* a, int n) { of_the_file[0] = a[n]; }
template <int N> int div_up(int n) { return n / N; }
template <class T> void generic(T* x, int n) {
  a::b::k<T, 4><<<1, n>>>(x, n);
  auto launch = [&] { a::b::k<T, 2><<<dim3(1), n, 4, cudaStream_t()>>>(x, n); };
  launch();
}
int main() {
  float* x = nullptr;
  int n = 3;
  a::b::k<Box<float>, 4><<<dim3(1, 2), div_up<256>(n) < 3 ? 1 : 2, 0>>>((Box<float>*)x, 3);
  if (n) (::a::b::k<float, 2>)<<<n >> 3, n>>>(NULL, 3); else plain /* the < kernel */ <<<1, // comment >>>
     32>>>
     (Box<Box<Box<int>>>(), "<<<" ? x : x, n);
  auto f = &a::b::k<float, 2>;
  void (*table[2])(float*, int) = {f, f};
  Table ops{f}, *all = &ops;
  table[1]<<<1, 1>>>(x, n), (*f)<<<1, 1>>>(x, n), f<<<1, 1>>>(x, n), ops.add<<<1, 1>>>(x, n), all->add<<<1, 1>>>(x, n);
  LAUNCH(f, n, x, n);
  generic(x, n);
}
"""


def test_the_translation_compiles():
    """All of it in one file, as the compiler sees a tree's: a launch in a macro, a template, a lambda, an else."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    done = subprocess.run(
        [compiler, *flags.options(checked=False), "-Wall", "-Wno-unused", "-fsyntax-only", "-"],
        input=translated(PROGRAM).encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
