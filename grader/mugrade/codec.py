"""Values as JSON and back: the mugrade protocol's encoding, in one canonical form.

Numbers, text, lists, dicts and None are themselves; what JSON lacks is a dict with the key `_encoded_type`:

    {"_encoded_type": "np.ndarray", "data": nested lists}
    {"_encoded_type": "datetime", "data": ISO 8601}
    {"_encoded_type": "type", "data": name}

An array's dtype is not sent. Nested lists lose the shape of an array such as (0, 3): there, and only there, the key
`shape` is added, which other clients ignore. What comes in is never trusted: no number that is not finite, none beyond
64 bits, no second reading of a key, and no depth at which a parser of ours would fall over.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

MAX_DEPTH = 64  # lists and dicts within each other, those of an array's data included
MAX_RANK = 32  # what NumPy 1 can hold
_INT_RANGE = range(-(1 << 63), 1 << 63)
_CHUNK = 1 << 16  # numbers written as text at a time: 8 MB of it, and not 128 bytes for each number of an array
_TYPE_NAME = 200  # characters

Array = npt.NDArray[Any]


class CodecError(ValueError):
    """A value that cannot be sent, or bytes that are none; the text is one sentence."""


@dataclass(frozen=True)
class TypeName:
    """A type, as its name: there is no way back to the type itself, and there must be none."""

    name: str


def dumps(value: Any) -> bytes:
    """The canonical JSON of a value: keys sorted, no blanks, UTF-8. Raises CodecError.

    Equal values give equal bytes, and `dumps(loads(dumps(value)))` gives the same again.
    """
    encoded = encode(value)
    return json.dumps(encoded, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256, hexadecimal, of the value's canonical JSON: by it a value that is posted again is recognised."""
    return hashlib.sha256(dumps(value)).hexdigest()


def encode(value: Any) -> Any:
    """The value in terms of JSON: None, bool, int, float, str, list, dict. Raises CodecError."""
    return _encode(value, 1)


def loads(data: bytes) -> Any:
    """The value that the bytes encode; arrays are of int64, float64 or bool. Raises CodecError."""
    if not data.strip():
        raise CodecError("there is no value: the body is empty, expected one value as JSON")
    try:
        parsed = json.loads(
            data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique, **_PARSE_INT
        )
    except UnicodeDecodeError as error:
        raise CodecError(f"the value is not UTF-8: byte {error.start} cannot be read") from None
    except json.JSONDecodeError as error:
        raise CodecError(f"the value is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    except CodecError:
        raise
    except ValueError:  # Python's own limit on the digits of an integer
        raise _too_large() from None
    return _decode(parsed, 1)


# -- to JSON ---------------------------------------------------------------------------------------------------------


def _encode(value: Any, depth: int) -> Any:
    """`depth`: of the list or dict that `value` would be."""
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, (int, np.integer)):
        return _whole(int(value))
    if isinstance(value, np.floating):
        return _finite(float(_widened(np.asarray(value))))
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, (TypeName, type)):
        name = value.name if isinstance(value, TypeName) else value.__name__
        return {"_encoded_type": "type", "data": _type_name(name, depth).name}
    if isinstance(value, datetime):
        _check_depth(depth)
        return {"_encoded_type": "datetime", "data": value.isoformat()}
    if isinstance(value, np.ndarray):
        return _encode_array(value, depth)
    _check_depth(depth)
    if isinstance(value, (list, tuple)):
        return list(value) if _plain(value) else [_encode(item, depth + 1) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == "_encoded_type":
                raise CodecError(f"a dict has the key {key!r:.80}; expected text other than '_encoded_type'")
        return {_text(key): _encode(item, depth + 1) for key, item in value.items()}
    raise CodecError(f"a value of type {type(value).__name__} cannot be sent; expected numbers, text, lists or arrays")


def _encode_array(array: Array, depth: int) -> dict[str, Any]:
    if array.dtype.kind not in "biuf":
        raise CodecError(f"an array of dtype {array.dtype} cannot be sent; expected numbers or bools")
    _check_rank(array.ndim, depth)
    if array.dtype.kind == "u" and array.size and int(array.max()) not in _INT_RANGE:
        raise _too_large()
    if array.dtype.kind == "f":
        array = _widened(array)
        _check_finite(array)
    encoded = {"_encoded_type": "np.ndarray", "data": array.tolist()}
    if 0 in array.shape[:-1]:  # the lists end at the first 0, and so would the shape
        encoded["shape"] = list(array.shape)
    return encoded


def _widened(array: Array) -> Array:
    """In float64; from a smaller type the number with the fewest digits that gives the small one back.

    0.1 in float32 is sent as 0.1 and not as 0.10000000149011612: half the bytes, and the same number to whoever reads
    it as float32.
    """
    if array.dtype.itemsize >= 8:
        return np.asarray(array, np.float64)
    wide = np.empty(array.size, np.float64)
    flat = array.reshape(-1)
    for start in range(0, array.size, _CHUNK):
        wide[start : start + _CHUNK] = flat[start : start + _CHUNK].astype("U").astype(np.float64)
    return wide.reshape(array.shape)


# -- from JSON -------------------------------------------------------------------------------------------------------


def _decode(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        _check_depth(depth)
        return value if _plain(value) else [_decode(item, depth + 1) for item in value]
    if isinstance(value, dict):
        _check_depth(depth)
        if "_encoded_type" in value:
            return _decode_special(value, depth)
        return {_text(key): _decode(item, depth + 1) for key, item in value.items()}
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, int):
        return _whole(value)
    return value


def _decode_special(value: dict[str, Any], depth: int) -> Any:
    kind, data = value["_encoded_type"], value.get("data")
    extra = set(value) - ({"_encoded_type", "data", "shape"} if kind == "np.ndarray" else {"_encoded_type", "data"})
    if extra or "data" not in value:
        raise CodecError(f"a value of type {kind!r:.80} has the keys {sorted(value)!r:.200}; expected 'data'")
    if kind == "np.ndarray":
        return _decode_array(data, value.get("shape"), depth)
    if kind == "datetime" and isinstance(data, str):
        return _moment(data)
    if kind == "type" and isinstance(data, str):
        return _type_name(data, depth)
    raise CodecError(
        f"a value has the _encoded_type {kind!r:.80} and data of type {type(data).__name__}; "
        "expected np.ndarray with lists, or datetime or type with text"
    )


def _decode_array(data: Any, stated: Any, depth: int) -> Array:
    # A level of the lists at a time, in the speed of C: np.array() would make texts of a million numbers beside one
    # long text, numbers of bools, and objects of whatever it does not know.
    shape: list[int] = []
    level = [data]
    while set(map(type, level)) == {list}:
        lengths = set(map(len, level))
        if len(lengths) > 1:
            raise CodecError(f"an array is ragged: lists of {min(lengths)} and of {max(lengths)} items side by side")
        shape.append(lengths.pop())
        _check_rank(len(shape), depth)
        level = list(itertools.chain.from_iterable(level))
    array = _numbers(level).reshape(shape)
    if array.dtype.kind == "f":
        _check_finite(array)
    return array if stated is None else _with_stated_shape(array, stated, depth)


def _numbers(items: list[Any]) -> Array:
    kinds = set(map(type, items))
    if kinds == {bool}:
        return np.array(items, np.bool_)
    if not kinds <= {int, float}:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise CodecError(f"an array holds {names}; expected numbers alone, or bools alone, in lists of equal lengths")
    if kinds == {int}:
        try:
            return np.array(items, np.int64)
        except OverflowError:
            raise _too_large() from None
    for item in items if int in kinds else ():
        if type(item) is int:
            _whole(item)
    return np.array(items, np.float64)


def _with_stated_shape(array: Array, stated: Any, depth: int) -> Array:
    """The array in its stated shape: the one of its lists, or more lengths behind a 0."""
    if isinstance(stated, list):
        _check_rank(len(stated), depth)  # before the product: of 8 MB of lengths it would take half an hour
    proper = isinstance(stated, list) and all(type(length) is int and length >= 0 for length in stated)
    # Also of nothing, a length must be one that a loop can go over and that NumPy can count.
    if not proper or math.prod(max(length, 1) for length in stated) > 1 << 31:
        raise CodecError(f"an array has the shape {stated!r:.80}; expected a list of small whole numbers")
    found = list(array.shape)
    if stated != found and (array.size or not found or found[-1] or stated[: len(found)] != found):
        raise CodecError(f"an array has the shape {stated!r:.80}, but its data has {found!r:.80}")
    return array.reshape(stated)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise CodecError(f"a datetime has the value {text!r:.80}; expected ISO 8601") from None


# -- what is allowed -------------------------------------------------------------------------------------------------


def _plain(items: Any) -> bool:
    """Whether the items are numbers alone, or bools alone, and all allowed: found in the speed of C."""
    kinds = set(map(type, items))
    if kinds == {float}:
        return all(map(math.isfinite, items))
    if kinds == {int}:
        return min(items) in _INT_RANGE and max(items) in _INT_RANGE
    return kinds <= {bool}


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()


def _check_rank(rank: int, depth: int) -> None:
    if rank > MAX_RANK:
        raise CodecError(f"an array has more than {MAX_RANK} dimensions")
    _check_depth(depth + rank)


def _check_finite(array: Array) -> None:
    """Names the first number that is not: the student's next step is to look at that place."""
    finite = np.isfinite(array)
    if finite.all():
        return
    where = tuple(int(index) for index in np.argwhere(~finite)[0]) if array.ndim else ()
    word = "NaN" if np.isnan(array[where]) else "infinity"
    at = f" at index {list(where)}" if where else ""
    raise CodecError(f"the value holds {word}{at}; expected finite numbers")


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise CodecError(f"the value holds {'NaN' if math.isnan(number) else 'infinity'}; expected finite numbers")


def _whole(number: int) -> int:
    if number in _INT_RANGE:
        return number
    raise _too_large()


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise CodecError("a text holds half a character (a lone surrogate), which has no UTF-8") from None
    return text


def _type_name(name: str, depth: int) -> TypeName:
    _check_depth(depth)
    if len(name) > _TYPE_NAME:
        raise CodecError(f"the name of a type has {len(name)} characters; expected at most {_TYPE_NAME}")
    return TypeName(_text(name))


def _too_deep() -> CodecError:
    return CodecError(f"the value is nested more than {MAX_DEPTH} deep")


def _too_large() -> CodecError:
    return CodecError("the value holds an integer of more than 64 bits")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CodecError("an object has a key twice, so that two readers could read two values")
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise CodecError(f"the value holds {text}; expected finite numbers")


def _bounded(digits: str) -> int:
    if len(digits) > 20:
        raise _too_large()
    return int(digits)


# Reading a million digits takes seconds where Python has no limit of its own (before 3.10.7). Where it has one, the
# parser's own fast path is kept: a call to Python for each integer of an array is four times as slow.
_PARSE_INT: dict[str, Any] = {} if hasattr(sys, "get_int_max_str_digits") else {"parse_int": _bounded}
