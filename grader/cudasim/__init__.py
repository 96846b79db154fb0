"""CUDA on the CPU: translate a .cu file to C++17, and run it on a small runtime that watches what it does.

`translate` rewrites what C++ lacks (launches, shared and device variables), `flags` says how the result is compiled,
`program` runs a stand-alone program; the runtime is in include/ and src/. See docs/cuda-sim.md.
"""

from grader.cudasim.translate import Unsupported, translate

__all__ = ["Unsupported", "translate"]
