from __future__ import annotations

import struct

import pytest

from ebpf.btf import Btf, BtfBuilder
from ebpf.core.codec_btf import from_btf
from ebpf.errors import ArgumentError

build = BtfBuilder()
INT = build.integer("int", 4, signed=True)
U64 = build.integer("unsigned long long", 8)
U16 = build.integer("unsigned short", 2)
CHAR = build.integer("char", 1, signed=True)
BOOL = build.integer("_Bool", 1, boolean=True)
COUNTER = build.typedef("counter_t", build.const(U64))
COLOUR = build.enum("colour", {"red": 0, "green": 1})
TEXT = build.array(CHAR, 8, INT)
NUMBERS = build.array(U16, 3, INT)
POINTER = build.pointer(INT)
EITHER = build.union("either", 4, [("a", INT, 0), ("b", U16, 0)])
INNER = build.struct("inner", 8, [("x", INT, 0), ("y", U16, 32)])
OUTER = build.struct(
    "outer",
    40,
    [("count", COUNTER, 0), ("name", TEXT, 64), ("inner", INNER, 128), ("class", EITHER, 192), ("list", NUMBERS, 224)],
)
BITS = build.struct("bits", 4, [("low", INT, 0, 3), ("high", COLOUR, 3, 29)])
BTF = Btf(build.build())


@pytest.mark.parametrize(
    ("type_id", "name", "data", "thing"),
    [
        (INT, "s32", struct.pack("=i", -5), -5),
        (COUNTER, "u64", struct.pack("=Q", 2**63), 2**63),
        (CHAR, "u8", b"\xff", 255),
        (BOOL, "u8", b"\1", 1),
        (COLOUR, "u32", struct.pack("=I", 1), 1),
        (POINTER, "u64", struct.pack("=Q", 2**64 - 1), 2**64 - 1),
        (TEXT, "char[8]", b"eth0\0\0\0\0", "eth0"),
        (NUMBERS, "u16[3]", struct.pack("=3H", 1, 2, 3), [1, 2, 3]),
        (EITHER, "4 bytes", b"abcd", b"abcd"),
        (INNER, "struct inner", struct.pack("=iHxx", -1, 2), (-1, 2)),
        (BITS, "struct bits", struct.pack("=I", 0b111 | 9 << 3), (-1, 9)),
    ],
)
def test_types_there_and_back(type_id: int, name: str, data: bytes, thing: object) -> None:
    coder = from_btf(BTF, type_id)
    assert (coder.name, coder.size) == (name, len(data))
    assert coder.decode(data) == thing
    assert coder.encode(thing) == data


def test_structures_are_named_tuples() -> None:
    coder = from_btf(BTF, OUTER, "key")
    value = {"count": 1, "name": "n", "inner": (2, 3), "_3": b"abcd", "list": (4, 5, 6)}
    back = coder.decode(coder.encode(value))
    assert (back.count, back.name, back.inner.y, back[3], back.list) == (1, "n", 3, b"abcd", (4, 5, 6))
    assert coder.encode(back) == coder.encode(tuple(value.values()))
    assert isinstance(hash(back), int)
    assert coder.array(coder.encode(back), 1)["inner"]["x"] == 2


@pytest.mark.parametrize(
    ("type_id", "thing", "said"),
    [
        (NUMBERS, [1, 2], r"give a sequence of 3"),
        (NUMBERS, 5, r"give a sequence of 3"),
        (INNER, (1,), "is not a inner"),
        (INNER, {"z": 1}, "is not a inner"),
        (BITS, (8, 0), "does not fit the 3 bits of low"),
    ],
)
def test_what_does_not_fit_is_named(type_id: int, thing: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        from_btf(BTF, type_id).encode(thing)
