"""The encoding of values: what goes through unchanged, what is refused, and in which words."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from grader.mugrade import codec
from grader.mugrade.codec import CodecError, TypeName

FIXED = settings(derandomize=True, deadline=None, max_examples=200)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SHAPES = st_np.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = st.one_of(
    st_np.arrays(np.float64, SHAPES, elements=FLOATS),
    st_np.arrays(np.int64, SHAPES, elements=INTEGERS),
    st_np.arrays(np.bool_, SHAPES),
)
MOMENTS = st.datetimes(timezones=st.sampled_from([None, timezone.utc, timezone(timedelta(hours=-5))]))
LEAVES = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXT, ARRAYS, MOMENTS, st.builds(TypeName, TEXT))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXT.filter(lambda key: key != "_encoded_type"), inner, max_size=4),
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["_encoded_type", "data", "shape", "a"]), inner, max_size=4),
        st.fixed_dictionaries(
            {"_encoded_type": st.sampled_from(["np.ndarray", "datetime", "type", "x"]), "data": inner},
            optional={"shape": inner},
        ),
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal in kind and value, -0.0 apart from 0.0."""
    if isinstance(a, np.ndarray):
        # Of nothing, not even the dtype is left.
        kinds = a.dtype == b.dtype or (a.size == 0 and b.dtype == np.float64)
        signs = a.dtype.kind != "f" or np.array_equal(np.signbit(a), np.signbit(b))
        return kinds and a.shape == b.shape and np.array_equal(a, b) and signs
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return bool(a == b)


def array(data: Any, **more: Any) -> bytes:
    """An array as another client would send it."""
    return json.dumps({"_encoded_type": "np.ndarray", "data": data, **more}).encode()


# -- there and back -------------------------------------------------------------------------------------------------


@FIXED
@given(VALUES)
def test_value_comes_back_as_it_went(value: Any) -> None:
    """Every value that may be sent is read as it was, and gives the same bytes again."""
    data = codec.dumps(value)
    back = codec.loads(data)
    assert same(value, back)
    assert codec.dumps(back) == data


@FIXED
@given(st_np.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_float32_comes_back_to_the_bit(small: np.ndarray) -> None:
    """Rounded to float32 again, a small number is what it was."""
    data = codec.dumps(small)
    back = codec.loads(data)
    assert back.dtype == np.float64
    assert back.astype(np.float32).tobytes() == small.tobytes()
    assert codec.dumps(back) == data


@FIXED
@given(JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    """No document makes the reader fall over; what it takes, it can write, and that is read the same."""
    try:
        value = codec.loads(json.dumps(document).encode())
    except CodecError:
        return
    data = codec.dumps(value)
    assert codec.dumps(codec.loads(data)) == data


@FIXED
@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nor do bytes."""
    with contextlib.suppress(CodecError):
        codec.loads(data)


def test_form_is_canonical() -> None:
    """Keys are sorted, there are no blanks, and text is UTF-8."""
    assert codec.dumps({"b": (1, 2.0), "a": "né"}) == '{"a":"né","b":[1,2.0]}'.encode()


def test_order_of_keys_changes_nothing() -> None:
    """Equal dicts have one digest, and it is the SHA-256 of the bytes."""
    assert codec.digest({"a": 1, "b": 2}) == codec.digest({"b": 2, "a": 1})
    assert codec.digest([1]) == hashlib.sha256(b"[1]").hexdigest()


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4"])
def test_small_floats_take_the_fewest_digits(dtype: str) -> None:
    """0.1 is 0.1, not 0.10000000149011612."""
    assert codec.dumps(np.array([0.1], dtype)) == b'{"_encoded_type":"np.ndarray","data":[0.1]}'
    assert codec.dumps(np.array([0.1], dtype)[0]) == b"0.1"


def test_more_numbers_than_are_written_at_a_time() -> None:
    """A large array of float32 is whole and in order."""
    small = np.random.default_rng(1).normal(size=(3, 50_000)).astype(np.float32)
    assert codec.loads(codec.dumps(small)).astype(np.float32).tobytes() == small.tobytes()


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3), (0, 0), (2, 3, 0)])
def test_shape_of_nothing_is_kept(shape: tuple[int, ...]) -> None:
    """The shape of an array without numbers comes back, and is only sent where the lists do not have it."""
    data = codec.dumps(np.zeros(shape))
    assert codec.loads(data).shape == shape
    assert (b"shape" in data) == (0 in shape[:-1])


def test_slices_and_transposes_are_written_in_order() -> None:
    """Strides are not sent."""
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert codec.loads(codec.dumps(whole.T[::2])).tolist() == whole.T[::2].tolist()


def test_numpy_numbers_are_numbers() -> None:
    """A number of NumPy's is the plain number."""
    assert codec.dumps([np.float64(0.5), np.int32(3), np.bool_(True)]) == b"[0.5,3,true]"


def test_types_are_names() -> None:
    """A type is sent as its name and stays one."""
    assert codec.loads(codec.dumps(float)) == TypeName("float")


def test_another_clients_values_are_read() -> None:
    """Blanks, order, a mixture of whole numbers and fractions, and a Z for UTC are all read."""
    read = codec.loads(b' {"data": [[1, 2.5], [3, -0.0]], "_encoded_type": "np.ndarray"} ')
    assert read.dtype == np.float64
    assert read.tolist() == [[1.0, 2.5], [3.0, 0.0]]
    assert np.signbit(read[1, 1])
    moment = codec.loads(b'{"_encoded_type": "datetime", "data": "2026-03-01T10:00:00Z"}')
    assert moment == datetime(2026, 3, 1, 10, tzinfo=timezone.utc)


# -- refused to be written ------------------------------------------------------------------------------------------


def cyclic() -> list[Any]:
    """A list that holds itself."""
    inner: list[Any] = []
    inner.append(inner)
    return inner


def deep(depth: int) -> Any:
    """Lists within each other."""
    value: Any = 1.5
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "NaN"),
        (-math.inf, "infinity"),
        (np.float32("nan"), "NaN"),
        ([1.0, math.inf], "infinity"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), r"NaN at index \[1, 1\]"),
        (np.array([np.inf], np.float32), r"infinity at index \[0\]"),
        (np.array(np.nan), "holds NaN;"),
        (1 << 63, "integer of more than 64 bits"),
        ([1, -(1 << 63) - 1], "integer of more than 64 bits"),
        (np.array([(1 << 64) - 1], np.uint64), "integer of more than 64 bits"),
        (np.uint64(1 << 63), "integer of more than 64 bits"),
        (np.array([1j]), "dtype complex128"),
        (np.array([None]), "dtype object"),
        (np.array(["a"]), "dtype <U1"),
        (np.zeros((1,) * 33), "more than 32 dimensions"),
        ("\ud800", "lone surrogate"),
        ({"\ud800": 1}, "lone surrogate"),
        ({1: 2}, "the key 1; expected text"),
        ({"_encoded_type": "x"}, "the key '_encoded_type'"),
        ({1, 2}, "type set cannot be sent"),
        (b"bytes", "type bytes cannot be sent"),
        (deep(65), "nested more than 64 deep"),
        (cyclic(), "nested more than 64 deep"),
        (TypeName("x" * 201), "201 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isprintable() and len(value) < 40 else "",
)
def test_what_cannot_be_sent_is_refused(value: Any, words: str) -> None:
    """A value that has no place on the wire is refused with what is wrong about it."""
    with pytest.raises(CodecError, match=words):
        codec.dumps(value)


# -- refused to be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "not JSON: .* at line 1, column 2"),
        (b"1 2", "not JSON: Extra data"),
        (b"\x80\x04\x95", "not UTF-8: byte 0"),
        ("1".encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf1", "not JSON: .*BOM"),
        (b"NaN", "holds NaN"),
        (b"[-Infinity]", "holds -Infinity"),
        (array([1.0, math.nan]), "holds NaN"),
        (b"1e999", "holds infinity"),
        (b"[1.5, -1e999]", "holds infinity"),
        (b'{"_encoded_type": "np.ndarray", "data": [[0, 1e999]]}', r"infinity at index \[0, 1\]"),
        (b"9223372036854775808", "more than 64 bits"),
        (b"[1, -9223372036854775809]", "more than 64 bits"),
        (array([1 << 63]), "more than 64 bits"),
        (array([0.5, 1 << 63]), "more than 64 bits"),
        (b'{"a": 1, "a": 2}', "a key twice"),
        (b'{"_encoded_type": "np.ndarray", "data": [1], "data": [2]}', "a key twice"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udc00": 1}', "lone surrogate"),
        (array([[1], [1, 2]]), "ragged: lists of 1 and of 2 items"),
        (array([[1], 2]), "holds int, list"),
        (array([True, 2]), "holds bool, int"),
        (array(["a"]), "holds str"),
        (array([None]), "holds NoneType"),
        (array([array([1]).decode()]), "holds str"),
        (array([{"_encoded_type": "np.ndarray", "data": []}]), "holds dict"),
        (array("text"), "holds str"),
        (array([1], dtype="int8"), "keys .'_encoded_type', 'data', 'dtype'."),
        (array([], shape=[0, -1]), "small whole numbers"),
        (array([], shape=[0, True]), "small whole numbers"),
        (array([], shape=[0, 1 << 40]), "small whole numbers"),
        (array([], shape=[0, 1 << 16, 1 << 16]), "small whole numbers"),
        (array([], shape={"0": 1}), "small whole numbers"),
        (array([], shape=[1, 0]), r"but its data has \[0\]"),
        (array([1, 2], shape=[1, 2]), r"but its data has \[2\]"),
        (array(1, shape=[1]), r"but its data has \[\]"),
        (array([], shape=[0] * 33), "more than 32 dimensions"),
        (array(deep(33)), "more than 32 dimensions"),
        (b'{"_encoded_type": "np.ndarray"}', "expected 'data'"),
        (b'{"_encoded_type": "pickle", "data": "gASVCg=="}', "the _encoded_type 'pickle'"),
        (b'{"_encoded_type": ["np.ndarray"], "data": 1}', "the _encoded_type ..np.ndarray"),
        (b'{"_encoded_type": null, "data": 1}', "the _encoded_type None"),
        (b'{"_encoded_type": "type", "data": 1}', "data of type int"),
        (b'{"_encoded_type": "type", "data": "a", "shape": []}', "expected 'data'"),
        (b'{"_encoded_type": "datetime", "data": "yesterday"}', "'yesterday'; expected ISO 8601"),
        (b'{"_encoded_type": "datetime", "data": 1e9}', "data of type float"),
        (json.dumps(deep(65)).encode(), "nested more than 64 deep"),
        (json.dumps(deep(40)).replace("1.5", array(deep(30)).decode()).encode(), "nested more than 64 deep"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_value_is_refused(data: bytes, words: str) -> None:
    """Bytes that are no value are refused with what is wrong about them."""
    with pytest.raises(CodecError, match=words):
        codec.loads(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 1_000_000, "nested more than 64 deep"),
        (b'{"a":' * 200_000, "nested more than 64 deep"),
        (b'{"_encoded_type":"np.ndarray","data":' + b"[" * 1_000_000, "nested more than 64 deep"),
        (b"7" * 1_000_000, "more than 64 bits"),
        (b"[1.5," + b"7" * 1_000_000 + b"]", "more than 64 bits"),
        (b"[" + b",".join([b"7" * 4000] * 2000) + b"]", "more than 64 bits"),
        (b"[0." + b"7" * 1_000_000 + b"e999999999]", "holds infinity"),
        (array(["x" * 100_000] + [1] * 100_000), "holds int, str"),
    ],
    ids=["lists", "dicts", "array", "digits", "digits in a list", "many long", "long fraction", "text among numbers"],
)
def test_hostile_bytes_cost_little(data: bytes, words: str) -> None:
    """What would exhaust a stack, a core or the memory is refused in 0.1 s, where it would take minutes or crash."""
    with pytest.raises(CodecError, match=words):
        codec.loads(data)


def test_refusals_are_short() -> None:
    """A refusal does not send back what was sent."""
    for data in (
        json.dumps({"_encoded_type": "x" * 10_000, "data": 1}).encode(),
        json.dumps({"_encoded_type": "datetime", "data": "x" * 10_000}).encode(),
        array([], shape=[1] * 10_000),
        json.dumps({"_encoded_type": "type", "data": 1, **{str(i): i for i in range(5000)}}).encode(),
    ):
        with pytest.raises(CodecError) as refusal:
            codec.loads(data)
        assert len(str(refusal.value)) < 400
