"""The frames between judge and worker: every value arrives, and no forged frame does more than be refused."""

from __future__ import annotations

import contextlib
import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.subject import protocol
from grader.subject.protocol import ProtocolViolation, decode, encode

steady = settings(derandomize=True, deadline=None, max_examples=200)

DTYPES = [np.dtype(name) for name in sorted(protocol.DTYPES)]
SWAPPED = [dtype.newbyteorder(">") for dtype in DTYPES]

texts = st.text(st.characters(codec="utf-8"))
names = texts.filter(lambda text: not text.startswith("$"))
whole_numbers = st.integers(-(1 << 63), (1 << 63) - 1)
arrays = st.sampled_from(DTYPES + SWAPPED).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
views = arrays.map(lambda a: a.T[::-1] if a.ndim else a)  # not contiguous, a negative stride
scalars = st.none() | st.booleans() | whole_numbers | st.floats(allow_nan=True) | texts
values = st.recursive(
    scalars | arrays | views,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


class Wire:
    """Bytes to read from, which note how much of them was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.largest = 0

    def read(self, size: int) -> bytes:
        assert size >= 0, "a negative size was asked for"
        self.largest = max(self.largest, size)
        part = self.data[self.position : self.position + size]
        if len(part) < size:
            raise EOFError  # as WorkerDied does, in earnest
        self.position += size
        return part


def sent(value: Any) -> Any:
    """What arrives of a body."""
    wire = Wire(encode("kind", value))
    kind, body = decode(wire.read)
    assert (kind, wire.position) == ("kind", len(wire.data))
    return body


def frame(header: Any, payload: bytes = b"") -> Wire:
    """A frame with any header: an object, or the text of one."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return Wire(struct.pack(">I", len(text)) + text + payload)


def body(value: Any, arrays: Any = (), payload: bytes = b"") -> Wire:
    """A frame with any body."""
    return frame({"kind": "answer", "body": value, "arrays": list(arrays)}, payload)


def spec(shape: Any, dtype: Any = "<f4") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape}


def assert_alike(got: Any, want: Any) -> None:
    """The same kinds, dtypes, shapes and bits; every NaN is like every other."""
    if isinstance(want, np.ndarray):
        assert type(got) is np.ndarray
        assert got.dtype == want.dtype.newbyteorder("<")
        assert got.shape == want.shape
        assert got.tobytes() == want.astype(want.dtype.newbyteorder("<")).tobytes()
    elif isinstance(want, dict):
        assert isinstance(got, dict)
        assert list(got) == list(want)
        for key in want:
            assert_alike(got[key], want[key])
    elif isinstance(want, list):
        assert isinstance(got, list)
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            assert_alike(one, other)
    elif isinstance(want, float):
        assert type(got) is float
        assert struct.pack(">d", got) == struct.pack(">d", want) or (math.isnan(got) and math.isnan(want))
    else:
        assert type(got) is type(want)
        assert got == want


# -- what is sent ------------------------------------------------------------------------------------------------


@steady
@given(values)
def test_every_value_arrives(value: Any) -> None:
    """Any nesting of numbers, text and arrays comes out as it went in, to the last bit."""
    assert_alike(sent(value), value)


@pytest.mark.parametrize(
    "number", [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 0.1, -1 / 3]
)
def test_every_float_arrives(number: float) -> None:
    """Zeros keep their sign; the infinities, NaN and the smallest and largest floats arrive."""
    assert_alike(sent(number), number)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_bit_of_an_array_arrives(dtype: str) -> None:
    """NaN, both infinities, both zeros and a denormal arrive inside an array."""
    array = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45], dtype)
    assert sent(array).tobytes() == array.tobytes()


@pytest.mark.parametrize("number", [-(1 << 63), (1 << 63) - 1, 0, -1], ids=["lowest", "highest", "zero", "minus-one"])
def test_integers_of_64_bits_arrive(number: int) -> None:
    """The whole range of a 64-bit integer arrives as int."""
    assert_alike(sent(number), number)


@pytest.mark.parametrize("number", [(1 << 63), -(1 << 63) - 1, 10**400], ids=["2^63", "-2^63-1", "10^400"])
def test_larger_integers_are_not_sent(number: int) -> None:
    """An integer that a receiver could not turn into a float or an array is refused by the sender."""
    with pytest.raises(ValueError, match="64 bits"):
        encode("kind", number)


def test_a_tuple_arrives_as_a_list() -> None:
    """JSON has no tuple."""
    assert sent((1, (2, "three"))) == [1, [2, "three"]]


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(2), np.int64(-3), np.bool_(True)], ids=repr)
def test_a_numpy_number_arrives_as_an_array(value: np.generic) -> None:
    """A NumPy scalar becomes an array without axes, of its dtype."""
    assert_alike(sent(value), np.asarray(value))


def test_text_that_has_no_utf8_is_spelled_out() -> None:
    """A lone surrogate, as in the name of an undecodable file, arrives as visible text."""
    assert sent("a\udcffb") == "a\\udcffb"


def test_an_array_that_arrived_can_be_written_to() -> None:
    """The receiver owns the memory of what it got."""
    got = sent([np.zeros(3, np.float32), np.ones(3, np.float32)])
    got[0][:] = 7
    assert got[1].tolist() == [1, 1, 1]


def test_a_subclass_of_array_is_sent_as_an_array() -> None:
    """The class of an array stays behind."""

    class Strange(np.ndarray):
        pass

    assert_alike(sent(np.arange(3.0).view(Strange)), np.arange(3.0))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "type object"),
        ({1: 2}, "keys of a dict"),
        ({"$array": 0}, "keys of a dict"),
        ({1, 2}, "type set"),
        (b"bytes", "type bytes"),
        (1j, "type complex"),
        (np.array([object()]), "dtype object"),
        (np.array(["text"]), "dtype <U4"),
        (np.zeros(2, np.complex64), "dtype complex64"),
        (np.zeros(2, np.float16), "dtype float16"),
        (np.zeros(2, [("a", "f4")]), "dtype"),
        (np.zeros(2, "M8[s]"), "dtype datetime64"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_kinds_are_not_sent(value: Any, words: str) -> None:
    """What is no number, text or plain array is a TypeError that names it."""
    with pytest.raises(TypeError, match=words):
        encode("kind", value)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_deep_values_are_not_sent() -> None:
    """A value nested deeper than agreed is a ValueError, also when it is endless."""
    assert sent(nested(protocol.MAX_DEPTH)) == nested(protocol.MAX_DEPTH)
    endless: list[Any] = []
    endless.append(endless)
    for value in (nested(protocol.MAX_DEPTH + 1), endless):
        with pytest.raises(ValueError, match="nested"):
            encode("kind", value)


def test_too_much_is_not_sent() -> None:
    """The sender of too much text or of too large an array is told, before anything is copied."""
    with pytest.raises(ValueError, match="at most"):
        encode("kind", "x" * protocol.MAX_HEADER)
    with pytest.raises(ValueError, match="at most"):
        encode("kind", np.broadcast_to(np.float32(0), (1 << 40,)))


# -- what is forged ----------------------------------------------------------------------------------------------

HEADERS = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"kind": "\xff", "body": 0, "arrays": []}',
    "UTF-16": '{"kind": "a", "body": 0, "arrays": []}'.encode("utf-16"),
    "byte order mark": '\ufeff{"kind": "a", "body": 0, "arrays": []}'.encode(),
    "two documents": b'{"kind": "a", "body": 0, "arrays": []} {}',
    "a list": [],
    "null": None,
    "a key missing": {"kind": "a", "body": 0},
    "a key too many": {"kind": "a", "body": 0, "arrays": [], "more": 0},
    "a key twice": b'{"kind": "a", "kind": "b", "body": 0, "arrays": []}',
    "a key twice in the body": b'{"kind": "a", "body": {"x": 1, "x": 2}, "arrays": []}',
    "kind is a number": {"kind": 1, "body": 0, "arrays": []},
    "arrays is null": {"kind": "a", "body": 0, "arrays": None},
    "arrays is an object": {"kind": "a", "body": 0, "arrays": {}},
    "NaN": b'{"kind": "a", "body": NaN, "arrays": []}',
    "Infinity": b'{"kind": "a", "body": -Infinity, "arrays": []}',
    "a decimal float": b'{"kind": "a", "body": 1.5, "arrays": []}',
    "a float that overflows": b'{"kind": "a", "body": 1e999, "arrays": []}',
    "an integer of 65 bits": {"kind": "a", "body": 1 << 64, "arrays": []},
    "an integer of 5,000 digits": b'{"kind": "a", "body": ' + b"9" * 5000 + b', "arrays": []}',
    "an integer of a million digits": b'{"kind": "a", "body": ' + b"9" * 1_000_000 + b', "arrays": []}',
    "deep lists": b'{"kind": "a", "body": ' + b"[" * 100_000 + b"]" * 100_000 + b', "arrays": []}',
    "deep objects": b'{"kind": "a", "body": ' + b'{"a":' * 90_000 + b"0" + b"}" * 90_000 + b', "arrays": []}',
    "lists a little too deep": {"kind": "a", "body": nested(protocol.MAX_DEPTH + 1), "arrays": []},
    "a lone surrogate": b'{"kind": "a", "body": "\\ud800", "arrays": []}',
    "a lone surrogate in a key": b'{"kind": "a", "body": {"\\udfff": 1}, "arrays": []}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
def test_a_forged_header_is_refused(header: Any) -> None:
    """A header that encode() would not have written is a violation, however it is forged."""
    with pytest.raises(ProtocolViolation):
        decode(frame(header).read)


@pytest.mark.parametrize("length", [protocol.MAX_HEADER + 1, 1 << 31, (1 << 32) - 1])
def test_a_huge_header_is_refused_unread(length: int) -> None:
    """Nothing of a header beyond the limit is read."""
    wire = Wire(struct.pack(">I", length))
    with pytest.raises(ProtocolViolation, match="at most"):
        decode(wire.read)
    assert wire.largest == 4


SPECS = {
    "not an object": [0],
    "no dtype": [{"shape": [1]}],
    "no shape": [{"dtype": "<f4"}],
    "a key too many": [{"dtype": "<f4", "shape": [1], "order": "F"}],
    "an object dtype": [spec([1], "|O")],
    "a structured dtype": [spec([1], [["a", "<f4"]])],
    "a dtype given as text": [spec([1], "f4,f4")],
    "a dtype that is a number": [spec([1], 4)],
    "big endian": [spec([1], ">f4")],
    "complex": [spec([1], "<c8")],
    "unicode": [spec([1], "<U4")],
    "shape is a number": [spec(4)],
    "shape is null": [spec(None)],
    "shape is text": [spec("12")],
    "a negative length": [spec([-1])],
    "two negative lengths": [spec([-2, -2])],
    "a bool as length": [spec([True])],
    "a text as length": [spec(["1"])],
    "a null as length": [spec([None])],
    "an object as length": [spec([{"$float": "0x1p+0"}])],
    "a list as length": [spec([[1]])],
    "too many axes": [spec([1] * (protocol.MAX_RANK + 1))],
    "too large": [spec([protocol.MAX_PAYLOAD])],
    "too large in sum": [spec([protocol.MAX_PAYLOAD // 8])] * 3,
    "a product that overflows 64 bits": [spec([1 << 32, 1 << 32])],
    "a product that wraps around to 0": [spec([1 << 16] * 4)],
    "huge beside a zero": [spec([0, 1 << 62, 1 << 62])],
    "uncountable beside a zero": [spec([1 << 62] * 20 + [0])],
    "long beside a zero": [spec([protocol.MAX_PAYLOAD + 1, 0])],
}


@pytest.mark.parametrize("specs", SPECS.values(), ids=list(SPECS))
def test_a_forged_array_is_refused_unread(specs: Any) -> None:
    """An array of another kind, shape or size than agreed is refused before a byte of it is read."""
    references = [{"$array": index} for index in range(len(specs))]
    wire = body(references, specs, bytes(64))
    with pytest.raises(ProtocolViolation):
        decode(wire.read)
    assert wire.position == len(wire.data) - 64


ONE = [spec([1])]
REFERENCES = {
    "beyond the last": {"$array": 1},
    "negative": {"$array": -1},
    "a bool": {"$array": False},
    "text": {"$array": "0"},
    "null": {"$array": None},
    "a list": {"$array": [0]},
    "an object": {"$array": {"$array": 0}},
    "with another key": {"$array": 0, "more": 1},
    "with another special key": {"$array": 0, "$float": "0x1p+0"},
    "twice": [{"$array": 0}, {"$array": 0}],
    "none": 0,
    "an unknown special key": [{"$array": 0}, {"$eval": "1"}],
    "a bare special key": [{"$array": 0}, {"$": 1}],
    "a float that is a number": [{"$array": 0}, {"$float": 1}],
    "a float that is null": [{"$array": 0}, {"$float": None}],
    "a float that is not one": [{"$array": 0}, {"$float": "one"}],
    "a float that overflows": [{"$array": 0}, {"$float": "0x1p+99999"}],
    "a float of a thousand digits": [{"$array": 0}, {"$float": "0x" + "1" * 1000}],
}


@pytest.mark.parametrize("value", REFERENCES.values(), ids=list(REFERENCES))
def test_a_forged_reference_is_refused(value: Any) -> None:
    """Each array must be referred to exactly once, by its number; and a float stands in hexadecimal."""
    with pytest.raises(ProtocolViolation):
        decode(body(value, ONE, bytes(4)).read)


@pytest.mark.parametrize("byte", [2, 128, 255])
def test_a_bool_is_0_or_1(byte: int) -> None:
    """A third kind of bool, equal to True for one operation of NumPy and not for the next, is refused."""
    with pytest.raises(ProtocolViolation, match="bool"):
        decode(body({"$array": 0}, [spec([3], "|b1")], bytes([0, 1, byte])).read)


def test_what_reading_raises_is_passed_on() -> None:
    """The death of the other side is not turned into a violation."""
    for cut in range(len(encode("kind", [1, np.arange(3.0)]))):
        with pytest.raises(EOFError):
            decode(Wire(encode("kind", [1, np.arange(3.0)])[:cut]).read)


def survived(data: bytes) -> list[Any]:
    """What decoding anything brings: a body, or nothing where it was refused."""
    wire = Wire(data)
    found = []
    with contextlib.suppress(ProtocolViolation, EOFError):
        found.append(decode(wire.read)[1])
    assert wire.largest <= max(protocol.MAX_HEADER, protocol.MAX_PAYLOAD)
    return found


@steady
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_survived(data: bytes) -> None:
    """Whatever bytes come, they are refused or decoded, and never more is asked for than the limits allow."""
    survived(data)


@steady
@given(st.binary(max_size=200))
def test_arbitrary_headers_are_survived(text: bytes) -> None:
    """Whatever a header of the right length holds, it is refused or decoded."""
    survived(struct.pack(">I", len(text)) + text)


@steady
@given(values, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_frames_are_survived(value: Any, changes: list[tuple[int, int]]) -> None:
    """A frame with some bytes changed is refused or decoded to something that can be sent again."""
    data = bytearray(encode("kind", value))
    for position, byte in changes:
        data[position % len(data)] = byte
    for got in survived(bytes(data)):
        assert_alike(sent(got), got)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["$array", "$float", "<f4", "|b1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$array", "$float", "dtype", "shape", "kind", "body", "arrays"]), inner)
    ),
    max_leaves=10,
)
specs = st.builds(spec, st.lists(st.integers(-1, 5) | json_values, max_size=3), st.sampled_from([*protocol.DTYPES, 1]))


@steady
@given(json_values, st.lists(specs | json_values, max_size=3), st.binary(max_size=64))
def test_plausible_headers_are_survived(value: Any, announced: list[Any], payload: bytes) -> None:
    """Headers of the right form with wrong contents are refused, or decoded to something that can be sent again."""
    for got in survived(body(value, announced, payload).data):
        assert_alike(sent(got), got)
