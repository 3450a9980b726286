"""Every kind of type a key or value can have, there and back."""

from __future__ import annotations

import ctypes
import ipaddress
import struct
from dataclasses import dataclass
from typing import Annotated, Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.core.codec import Codec, codec
from ebpf.core.codec_percpu import PerCpuCodec
from ebpf.core.percpu import possible_cpus, room, stride
from ebpf.errors import ArgumentError

u8 = Annotated[int, "u8"]
u16 = Annotated[int, "u16"]
u32 = Annotated[int, "u32"]
u64 = Annotated[int, "u64"]


class Pair(ctypes.Structure):
    _fields_ = (("left", ctypes.c_uint32), ("right", ctypes.c_uint64))


class Bits(ctypes.Structure):
    _fields_ = (("low", ctypes.c_uint32, 4), ("high", ctypes.c_uint32, 28))


class Either(ctypes.Union):
    _fields_ = (("number", ctypes.c_uint32), ("octets", ctypes.c_uint8 * 4))


@dataclass(frozen=True)
class Flow:
    source: ipaddress.IPv4Address
    port: u16
    packets: u64
    name: Annotated[str, "char[5]"]


@dataclass(frozen=True)
class Outer:
    first: u8
    flow: Flow
    pair: Annotated[tuple[int, int], "<HH"]


NUMBERS = {"u8": st.integers(0, 255), "u16": st.integers(0, 2**16 - 1), "u64": st.integers(0, 2**64 - 1)}
FLOWS = st.builds(
    Flow,
    st.ip_addresses(v=4),
    NUMBERS["u16"],
    NUMBERS["u64"],
    st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=4),
)
RECORD = numpy.dtype([("a", "u4"), ("b", "i8"), ("c", "u1", (3,))])

KINDS: dict[str, tuple[Any, int, st.SearchStrategy[Any]]] = {
    "s16": ("s16", 2, st.integers(-(2**15), 2**15 - 1)),
    "format": ("<IHh", 8, st.tuples(st.integers(0, 2**32 - 1), NUMBERS["u16"], st.integers(-(2**15), 2**15 - 1))),
    "native format": ("BQ", 16, st.tuples(NUMBERS["u8"], NUMBERS["u64"])),
    "single format": (">I", 4, st.integers(0, 2**32 - 1)),
    "float": ("d", 8, st.floats(allow_nan=False)),
    "text": ("char[16]", 16, st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=15)),
    "bytes": (7, 7, st.binary(min_size=7, max_size=7)),
    "IPv4 address": (ipaddress.IPv4Address, 4, st.ip_addresses(v=4)),
    "IPv6 address": (ipaddress.IPv6Address, 16, st.ip_addresses(v=6)),
    "IPv4 network": (
        ipaddress.IPv4Network,
        8,
        st.builds(
            lambda address, length: ipaddress.IPv4Network((address, length), strict=False),
            st.ip_addresses(v=4),
            st.integers(0, 32),
        ),
    ),
    "IPv6 network": (
        ipaddress.IPv6Network,
        20,
        st.builds(
            lambda address, length: ipaddress.IPv6Network((address, length), strict=False),
            st.ip_addresses(v=6),
            st.integers(0, 128),
        ),
    ),
    "ctypes number": (ctypes.c_int32, 4, st.integers(-(2**31), 2**31 - 1)),
    "dataclass": (Flow, 24, FLOWS),
    "nested dataclass": (Outer, 40, st.builds(Outer, NUMBERS["u8"], FLOWS, st.tuples(NUMBERS["u16"], NUMBERS["u16"]))),
    "numpy number": (numpy.uint16, 2, NUMBERS["u16"]),
    "numpy dtype": (numpy.dtype(">i4"), 4, st.integers(-(2**31), 2**31 - 1)),
}


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_what_goes_in_comes_out(name: str, data: st.DataObject) -> None:
    kind, size, things = KINDS[name]
    coder = codec(kind)
    assert coder.size == size
    several = data.draw(st.lists(things, min_size=1, max_size=4))
    for thing in several:
        encoded = coder.encode(thing)
        assert len(encoded) == size
        assert coder.decode(encoded) == thing
    together = coder.encode_many(several)
    assert together == b"".join(map(coder.encode, several))
    assert coder.encode_many(iter(several)) == together
    assert coder.decode_many(bytearray(together), len(several)) == several
    array = coder.array(together, len(several))
    assert len(array) == len(several)
    assert array.tobytes() == together
    assert coder.encode_many(array) == together


@given(NUMBERS["u8"], NUMBERS["u64"])
def test_structures_of_ctypes(left: int, right: int) -> None:
    coder = codec(Pair)
    assert coder.size == 16
    for given_as in (Pair(left, right), (left, right), {"left": left, "right": right}):
        back = coder.decode(coder.encode(given_as))
        assert (back.left, back.right) == (left, right)
    assert coder.array(coder.encode((left, right)), 1)["right"][0] == right


def test_bit_fields_unions_and_arrays_of_ctypes() -> None:
    bits = codec(Bits).decode(codec(Bits).encode((5, 1000)))
    assert (bits.low, bits.high) == (5, 1000)
    assert list(codec(Either).decode(codec(Either).encode({"number": 0})).octets) == [0] * 4
    triple: Any = ctypes.c_uint16 * 3
    assert list(codec(triple).decode(codec(triple).encode((1, 2, 3)))) == [1, 2, 3]


@given(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1), st.binary(min_size=3, max_size=3))
def test_records_of_numpy(a: int, b: int, c: bytes) -> None:
    coder = codec(RECORD)
    back = coder.decode(coder.encode((a, b, tuple(c))))
    assert (back["a"], back["b"], bytes(back["c"])) == (a, b, c)
    assert coder.encode(back) == coder.encode((a, b, tuple(c)))


def test_arrays_of_numpy_as_one_value() -> None:
    coder = codec(numpy.dtype(("u4", (2, 3))))
    matrix = numpy.arange(6, dtype="u4").reshape(2, 3)
    assert coder.size == 24
    assert numpy.array_equal(coder.decode(coder.encode(matrix)), matrix)
    assert numpy.array_equal(coder.array(coder.encode(matrix) * 2, 2)[1], matrix)


def test_dataclasses_are_laid_out_as_c_does() -> None:
    flow = Flow(ipaddress.IPv4Address("10.0.0.1"), 80, 7, "eth0")
    assert codec(Flow).encode(flow) == struct.pack("=4sHxxQ5sxxx", bytes([10, 0, 0, 1]), 80, 7, b"eth0")


def test_addresses_are_taken_as_text_and_stand_for_themselves_in_tries() -> None:
    trie = codec(ipaddress.IPv4Network)
    assert trie.encode("10.1.0.0/16") == struct.pack("=I4B", 16, 10, 1, 0, 0)
    assert trie.encode("10.1.2.3") == trie.encode(ipaddress.IPv4Address("10.1.2.3"))
    assert trie.encode(("10.0.0.0", 8)) == trie.encode("10.0.0.0/8")
    assert codec(ipaddress.IPv6Address).encode("::1") == bytes(15) + b"\1"


WRONG: list[tuple[Any, Any, str]] = [
    ("u32", -1, "give an integer from 0 to"),
    ("<HH", (1,), "does not fit the format '<HH', a tuple of 2"),
    ("<HH", 5, "does not fit the format"),
    (">I", "x", "does not fit the format '>I'"),
    ("char[4]", "abcd", "give at most 3 bytes without a NUL"),
    ("char[4]", "a\0b", "without a NUL"),
    ("char[4]", 5, "give a str"),
    (4, b"abc", "is not bytes of length 4"),
    (ctypes.c_uint8, 256, "is not a c_ubyte: it is out of range"),
    (Pair, 5, "is not a Pair: give an instance, or its members as a tuple or dict"),
    (Pair, (1, 2, 3), "is not a Pair"),
    (Pair, {"middle": 1}, "it has no member middle"),
    (Flow, (1, 2), "is not a Flow"),
    (Flow, Flow(ipaddress.IPv4Address(0), 2**16, 0, ""), "port 65536 is not a u16"),
    (numpy.uint8, 256, "is not a uint8"),
    (numpy.uint8, 1.5, "is not a uint8"),
    (numpy.dtype(("u1", (3,))), [1, 2], r"its shape is \(2,\), not \(3,\)"),
    (ipaddress.IPv4Address, "10.0.0.0/8", "is not an IPv4Address"),
    (ipaddress.IPv4Address, ipaddress.IPv6Address(1), "is not an IPv4Address"),
    (ipaddress.IPv4Network, "10.0.0.1/8", "has host bits set"),
    (ipaddress.IPv4Network, "::/8", "is not an IPv4Network"),
    (ipaddress.IPv6Network, 5, "give a network, an address, or a text"),
]


@pytest.mark.parametrize(("kind", "thing", "said"), WRONG)
def test_what_does_not_fit_is_named(kind: Any, thing: object, said: str) -> None:
    coder = codec(kind, "key")
    with pytest.raises(ArgumentError, match=said) as caught:
        coder.encode(thing)
    assert "key" in str(caught.value)
    with pytest.raises(ArgumentError, match=said):
        coder.encode_many([thing])


@dataclass
class Sizeless:
    number: int


@dataclass
class Empty:
    pass


class Nothing(ctypes.Structure):
    _fields_ = ()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Sizeless, "field 'number' of Sizeless is annotated with int, which says no size: use ebpf.v2.u32"),
        (Empty, "has no fields"),
        (Nothing, "is not known"),
        (numpy.dtype("O"), "no fixed size"),
        (numpy.ndarray, "is not known"),
        (int, "is not known"),
        (ipaddress.IPv4Interface, "is not known"),
        ("char[0]", "is not known"),
        ("x", "is not known"),
        ("héé", "is not known"),
        (object(), "is not known"),
    ],
)
def test_types_without_a_size_are_refused(kind: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        codec(kind)


def test_a_codec_of_ones_own() -> None:
    own = Codec("hex", 2, bytes.fromhex, bytes.hex)
    assert codec(own) is own
    assert own.decode_many(b"\1\2\3\4", 2) == ["0102", "0304"]
    assert own.array(b"\1\2\3\4", 2).dtype == numpy.dtype("V2")


@pytest.mark.parametrize("kind", ["u8", "u32", "u64", "<IHH", 12])
def test_per_cpu_values_are_lists(kind: Any) -> None:
    coder = PerCpuCodec(codec(kind))
    cpus = possible_cpus()
    assert coder.size == room(codec(kind).size) == cpus * stride(codec(kind).size)
    one = codec(kind).decode(bytes(range(1, codec(kind).size + 1)))
    zero = codec(kind).decode(bytes(codec(kind).size))
    values = [one, *[zero] * (cpus - 1)]
    assert coder.decode(coder.encode(values)) == values
    assert coder.decode(coder.encode(one)) == [one] * cpus
    assert coder.decode_many(coder.encode_many([values, one]), 2) == [values, [one] * cpus]
    with pytest.raises(ArgumentError, match=f"give one for each of the {cpus} possible CPUs, or one for all"):
        coder.encode([one] * (cpus + 1))


@pytest.mark.parametrize("kind", ["u4", "u8", RECORD, ("u2", (3,))])
def test_per_cpu_values_are_an_axis_of_numpy(kind: Any) -> None:
    each = codec(numpy.dtype(kind))
    coder = PerCpuCodec(each)
    rows = numpy.zeros((2, possible_cpus()), numpy.dtype(kind))
    rows[1, 0] = numpy.frombuffer(bytes(range(each.size)), each.dtype)[0]
    encoded = coder.encode_many(rows)
    assert len(encoded) == 2 * coder.size
    assert numpy.array_equal(coder.array(encoded, 2), rows)
    assert numpy.array_equal(coder.decode(encoded[coder.size :]), rows[1])
    assert coder.encode(rows[1]) == encoded[coder.size :]


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=24)
    | st.ip_addresses(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", [*(row[0] for row in KINDS.values()), Pair, Bits, Either, RECORD], ids=str)
@settings(max_examples=40)
@given(thing=JUNK)
def test_whatever_is_given_is_encoded_or_refused(kind: Any, thing: object) -> None:
    coder = codec(kind)
    try:
        encoded = coder.encode(thing)
    except ArgumentError:
        return
    assert len(encoded) == coder.size
    coder.decode(encoded)


@given(data=st.binary(min_size=64, max_size=64))
def test_whatever_the_kernel_holds_is_decoded(data: bytes) -> None:
    for kind in (*(row[0] for row in KINDS.values()), Pair, Bits, Either, RECORD):
        coder = codec(kind)
        if kind in (ipaddress.IPv4Network, ipaddress.IPv6Network):
            continue  # below
        coder.decode(data[: coder.size])


@given(length=st.integers(0, 32), address=st.binary(min_size=4, max_size=4))
def test_prefixes_with_bits_behind_them_are_cut(length: int, address: bytes) -> None:
    network = codec(ipaddress.IPv4Network).decode(struct.pack("=I4s", length, address))
    assert network == ipaddress.IPv4Network((address, length), strict=False)
