"""How translated CUDA sources and the runtime are compiled: the one place that knows, for modules and for programs."""

from __future__ import annotations

from pathlib import Path

_HOME = Path(__file__).resolve().parent

INCLUDE = _HOME / "include"  # the folder for -I: cudasim/cudasim.h, and cuda_runtime.h in the toolkit's place
RUNTIME = sorted((_HOME / "src").glob("*.cc"))  # what every simulated module or program is linked with


def options(checked: bool) -> list[str]:
    """The compiler's options for one translated source, for g++ and clang++.

    checked: for `--check memory` and `--check race`. The compiler then calls `__tsan_read4(address)` and its like
    before every load and store, and `__ubsan_handle_...` where an index or an address cannot be right by its type. The
    runtime defines them: neither libtsan nor libubsan may be linked, so the linker gets no -fsanitize.
    """
    shared = [
        *("-x", "c++"),  # .cu means nothing to g++, and a CUDA toolkit to clang++
        "-std=c++17",
        *("-I", str(INCLUDE)),
        *("-include", "cudasim/cudasim.h"),
        "-DCUDASIM",
        # Kernels load float arrays as float4 and look at floats as ints. nvcc lets them; g++ -O3 drops such stores.
        "-fno-strict-aliasing",
        # One thread runs everything, and a guard's lock would be one more load and store to check.
        "-fno-threadsafe-statics",
    ]
    return [*shared, *(("-O1", "-g", "-fsanitize=thread,alignment,bounds") if checked else ("-O3",))]


def runtime_options() -> list[str]:
    """The compiler's options for a source of the runtime: never checked, for it is what checks."""
    return ["-std=c++17", "-O3", "-g1", "-fPIC", "-I", str(INCLUDE)]
