"""Which of C++'s headers a piece of code needs."""

from __future__ import annotations

import re

# What students' kernels use, and where the standard says it is. A name may be in several; the usual one.
_NAMES = {
    "algorithm": "all_of any_of clamp copy copy_n equal fill fill_n for_each max max_element min min_element reverse"
    " sort transform",
    "array": "array",
    "cassert": "assert",
    "cfloat": "FLT_MAX FLT_MIN FLT_EPSILON",
    "climits": "INT_MAX INT_MIN UINT_MAX",
    "cmath": "INFINITY NAN ceil exp expf fabs fmax fmaxf fmin isnan log logf pow powf round sqrt sqrtf tanh tanhf",
    "cstdio": "fprintf printf",
    "cstring": "memcpy memmove memset",
    "functional": "divides equal_to function greater greater_equal minus multiplies plus",
    "iostream": "cerr cout endl",
    "limits": "numeric_limits",
    "map": "map",
    "memory": "make_unique shared_ptr unique_ptr",
    "numeric": "accumulate inner_product iota partial_sum reduce",
    "stdexcept": "invalid_argument logic_error out_of_range runtime_error",
    "string": "string to_string",
    "thread": "thread",
    "tuple": "make_tuple tie tuple",
    "utility": "make_pair move pair swap",
}
_BY_NAME = {name: header for header, names in _NAMES.items() for name in names.split()}


def headers_of(code: str) -> list[str]:
    """The standard headers for what code names, sorted."""
    return sorted(
        {_BY_NAME[word] for word in re.findall(r"\b[A-Za-z_]\w*\b", _without_comments(code)) if word in _BY_NAME}
    )


def _without_comments(code: str) -> str:
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", code, flags=re.DOTALL)
