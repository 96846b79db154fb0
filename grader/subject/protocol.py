"""Frames between the judge and a worker: a JSON header with a size cap, then exactly the announced bytes.

    frame   = length (4 bytes, big endian) | header (JSON, UTF-8) | payload
    header  = {"kind": ..., "body": ..., "arrays": [{"dtype": "<f4", "shape": [2, 3]}, ...]}
    payload = the arrays' bytes in C order, one after the other

Inside `body` an array stands as {"$array": k}, a tuple as a list, and a float as {"$float": its hexadecimal form},
because JSON has no NaN and no infinity and every bit must arrive. Nothing here can run code: pickle would let a
submission choose what the judge executes. This module runs on both sides, so it imports nothing but NumPy.
"""

from __future__ import annotations

import contextlib
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

VERSION = 1
MAX_HEADER = 1 << 20  # a header is a few hundred bytes; a megabyte of it is an attack or a bug
MAX_PAYLOAD = 1 << 26  # 64 MiB, of which the judge holds three copies; the largest honest answer, ResNet9's, is 2 MiB
MAX_RANK = 32
# Beyond these an answer would pass here and then break the test that looks at it: repr() of a list 500 deep, or float()
# of an int of a thousand digits, raises in the judge and would count as a fault of ours.
MAX_DEPTH = 32
INT_RANGE = range(-(1 << 63), 1 << 63)
DTYPES = frozenset({"<f4", "<f8", "<i4", "<i8", "|u1", "|b1"})

_LENGTH = struct.Struct(">I")


class ProtocolViolation(Exception):
    """The other side sent something that is not a frame, or more than was agreed."""


def encode(kind: str, body: Any) -> bytes:
    """Serialise `body` (numbers, strings, None, lists, tuples, dicts with string keys, arrays) into one frame.

    Raises TypeError or ValueError for what cannot be sent: never ProtocolViolation, which is the other side's doing.
    """
    arrays: list[npt.NDArray[Any]] = []
    encoded = _encode(body, arrays, 0)
    header = {
        "kind": kind,
        "body": encoded,
        "arrays": [{"dtype": a.dtype.str, "shape": list(a.shape)} for a in arrays],
    }
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > MAX_HEADER:
        raise ValueError(f"numbers and text of {len(text)} bytes cannot be sent; at most {MAX_HEADER} are allowed")
    payload = sum(a.nbytes for a in arrays)
    if payload > MAX_PAYLOAD:
        raise ValueError(f"arrays of {payload} bytes cannot be sent; at most {MAX_PAYLOAD} are allowed")
    return b"".join([_LENGTH.pack(len(text)), text, *(a.tobytes() for a in arrays)])


def decode(read: Callable[[int], bytes]) -> tuple[str, Any]:
    """Read one frame. `read(n)` returns exactly n bytes or raises. Returns (kind, body) with plain, owned arrays.

    Raises ProtocolViolation, before anything is read or allocated that was not announced within the limits.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > MAX_HEADER:
        raise ProtocolViolation(f"a header of {length} bytes; at most {MAX_HEADER} are allowed")
    header = _parsed(read(length))
    if not isinstance(header, dict) or set(header) != {"kind", "body", "arrays"}:
        raise ProtocolViolation("a header without exactly kind, body and arrays")
    if not isinstance(header["kind"], str) or not isinstance(header["arrays"], list):
        raise ProtocolViolation("a header with a kind or arrays of the wrong type")
    specs = [_checked_spec(spec) for spec in header["arrays"]]
    total = sum(size for _, _, size in specs)
    if total > MAX_PAYLOAD:
        raise ProtocolViolation(f"a payload of {total} bytes; at most {MAX_PAYLOAD} are allowed")
    arrays = {index: _array(read(size), dtype, shape) for index, (dtype, shape, size) in enumerate(specs)}
    body = _decode(header["body"], arrays, 0)
    if arrays:
        raise ProtocolViolation("an array that the body does not refer to")
    return header["kind"], body


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8"),
            parse_constant=_no_number,  # Infinity, NaN
            parse_float=_no_number,  # floats travel in hexadecimal
            parse_int=_integer,
            object_pairs_hook=_without_duplicates,
        )
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"a header that is not JSON: {type(error).__name__}") from None


def _no_number(text: str) -> None:
    raise ProtocolViolation("a float that is not in hexadecimal form")


def _integer(digits: str) -> int:
    # The length first: reading a million digits takes seconds where Python has no limit of its own (before 3.10.7).
    if len(digits) > 20 or int(digits) not in INT_RANGE:
        raise ProtocolViolation("an integer of more than 64 bits")
    return int(digits)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProtocolViolation("an object that has a key twice")
    return found


def _encode(value: Any, arrays: list[npt.NDArray[Any]], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"a value nested more than {MAX_DEPTH} deep cannot be sent")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if int(value) not in INT_RANGE:
            raise ValueError("an integer of more than 64 bits cannot be sent")
        return int(value)
    if isinstance(value, str):
        # A lone surrogate, as in the name of an undecodable file, has no UTF-8 and would break whoever writes it down.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and not isinstance(value, np.generic):
        return {"$float": value.hex()}
    if isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)
        if value.dtype.newbyteorder("<").str not in DTYPES:
            allowed = ", ".join(sorted(np.dtype(dtype).name for dtype in DTYPES))
            raise TypeError(f"an array of dtype {value.dtype} cannot be sent; expected one of {allowed}")
        # tobytes() writes C order whatever the strides, so only the bytes of a number may have to be turned round.
        arrays.append(value.astype(value.dtype.newbyteorder("<"), copy=False))
        return {"$array": len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        return [_encode(item, arrays, depth + 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) and not key.startswith("$") for key in value):
            raise TypeError("the keys of a dict must be strings that do not begin with '$'")
        return {_encode(key, arrays, depth): _encode(item, arrays, depth + 1) for key, item in value.items()}
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent; expected numbers, text or arrays")


def _decode(value: Any, arrays: dict[int, npt.NDArray[Any]], depth: int) -> Any:
    """The body's value with its arrays in place; takes each array out of `arrays`, so that no two values share one."""
    if depth > MAX_DEPTH:
        raise ProtocolViolation(f"a body nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [_decode(item, arrays, depth + 1) for item in value]
    if isinstance(value, dict):
        if any(key.startswith("$") for key in value):
            return _decode_special(value, arrays)
        return {_decode(key, arrays, depth): _decode(item, arrays, depth + 1) for key, item in value.items()}
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ProtocolViolation("text with a lone surrogate") from None
    return value


def _decode_special(value: dict[str, Any], arrays: dict[int, npt.NDArray[Any]]) -> Any:
    if len(value) != 1:
        raise ProtocolViolation("a reference among other keys")
    ((key, content),) = value.items()
    # type() and not isinstance(): True is an int, and equal to 1.
    if key == "$array" and type(content) is int and content in arrays:
        return arrays.pop(content)
    if key == "$float" and isinstance(content, str) and len(content) <= 32:
        with contextlib.suppress(ValueError, OverflowError):
            return float.fromhex(content)
    raise ProtocolViolation("a reference to an array that was not sent, or a float that is not in hexadecimal form")


def _checked_spec(spec: Any) -> tuple[str, tuple[int, ...], int]:
    """(dtype, shape, size in bytes) of an announced array; checked before a single byte of it is read."""
    if not isinstance(spec, dict) or set(spec) != {"dtype", "shape"}:
        raise ProtocolViolation("an array without exactly dtype and shape")
    dtype, shape = spec["dtype"], spec["shape"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ProtocolViolation("an array of a dtype that is not allowed")
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise ProtocolViolation("an array without a proper shape")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ProtocolViolation("an array with a length that is not allowed")
    # A length beside a zero counts too: no bytes come, but NumPy could not count such a shape, nor a loop go over it.
    if math.prod(max(length, 1) for length in shape) > MAX_PAYLOAD:
        raise ProtocolViolation("an array with a length that is not allowed")
    return dtype, tuple(shape), math.prod(shape) * np.dtype(dtype).itemsize


def _array(data: bytes, dtype: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    # bytearray: the array owns its memory and can be written to
    array = np.frombuffer(bytearray(data), dtype).reshape(shape)
    # A bool of the byte 2 is neither True nor False to NumPy: it is equal to both, depending on the operation.
    if dtype == "|b1" and (array.view("|u1") > 1).any():
        raise ProtocolViolation("a bool that is neither 0 nor 1")
    if array.dtype.kind == "f":
        _quieten(array)
    return array


def _quieten(array: npt.NDArray[Any]) -> None:
    """Make signalling NaNs quiet ones, in place: the first bit of the fraction (IEEE 754-2019, 6.2.1).

    NumPy warns of a signalling NaN wherever one is converted, and in the judge a warning is a fault of ours. A single
    one in an answer, be it what a kernel has left unset, would end the run of every tree.
    """
    nan = np.isnan(array)
    if nan.any():
        bits = array.view(f"<u{array.itemsize}")
        bits[nan] |= bits.dtype.type(1 << np.finfo(array.dtype).nmant - 1)
