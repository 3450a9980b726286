"""Types of keys and values out of the BTF that a map was created with."""

from __future__ import annotations

import sys

from ebpf.core.codec import Codec, codec
from ebpf.errors import ArgumentError, BtfError, EbpfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.btf import Btf
    from ebpf.btf.types import Composite, Member, Type
    from ebpf.core.map import MapCore

__all__ = ["described", "from_btf"]

# BTF may come from an object file of anybody's: structures in each other, and arrays, are bounded.
_DEEP = 16
_LONGEST = 1 << 16


def described(core: MapCore) -> tuple[Codec | None, Codec | None]:
    """The codecs of key and value of a map, ``None`` where its BTF says nothing."""
    from ebpf.core import objects

    info = core.info
    if not info.btf_id or not (info.btf_key_type_id or info.btf_value_type_id):
        return None, None
    try:
        fd = objects.by_id(objects.BTF, info.btf_id)
    except EbpfError:  # needs CAP_SYS_ADMIN
        return None, None
    import os

    from ebpf.btf import Btf

    try:
        btf = Btf(objects.btf_data(fd))
    except (EbpfError, BtfError):
        return None, None
    finally:
        os.close(fd)
    return (
        _fitting(btf, info.btf_key_type_id, info.key_size, "key"),
        _fitting(btf, info.btf_value_type_id, info.value_size, "value"),
    )


def _fitting(btf: Btf, type_id: int, size: int, what: str) -> Codec | None:
    if not type_id:
        return None
    found = from_btf(btf, type_id, what)
    return found if found.size == size else None


def from_btf(btf: Btf, type_id: int, what: str = "value") -> Codec:
    """The codec of a type of BTF: integers, enumerations and pointers are `int`, arrays of ``char`` are `str`, other
    arrays lists, structures named tuples of their members; what else there is, is `bytes`.
    """
    return _of(btf.type(type_id).resolve(), what)


def _of(kind: Type, what: str, depth: int = 0) -> Codec:
    from ebpf.btf import types

    if depth > _DEEP:
        return codec(kind.size, what)

    if isinstance(kind, (types.Int, types.Enum)) and kind.size in (1, 2, 4, 8):
        signed = kind.signed and kind.name != "char"
        return codec(f"{'s' if signed else 'u'}{kind.size * 8}", what)
    if isinstance(kind, types.Pointer):
        return codec("u64", what)
    if isinstance(kind, types.Array) and 0 < kind.length <= _LONGEST:
        element = kind.type.resolve()
        if isinstance(element, types.Int) and element.name == "char":
            return codec(f"char[{kind.length}]", what)
        return _array(_of(element, what, depth + 1), kind.length, what)
    if isinstance(kind, types.Struct) and kind.members:
        return _struct(kind, what, depth)
    return codec(kind.size, what)


def _array(element: Codec, length: int, what: str) -> Codec:
    name = f"{element.name}[{length}]"

    def encode(things: Any) -> bytes:
        try:
            given = len(things)
        except TypeError:
            given = -1
        if given != length:
            raise ArgumentError(f"{what} {things!r} is not a {name}: give a sequence of {length}")
        return element.encode_many(things)

    def decode(data: bytes) -> Any:
        found = element.decode_many(data, length)
        return tuple(found) if what == "key" else found  # what is a key can be hashed

    size = element.size * length
    return Codec(name, size, encode, decode, alignment=element.alignment, dtype=(element.dtype, (length,)))


class _Field:
    """Where a member is: in a place of its own, or in some bits of the structure."""

    __slots__ = ("bits", "coder", "name", "offset")

    def __init__(self, member: Member, what: str, depth: int) -> None:
        self.name = member.name
        self.offset = member.offset
        self.bits = member.bits
        self.coder = _of(member.type.resolve(), what, depth + 1)

    def take(self, data: bytes) -> Any:
        if not self.bits:
            start = self.offset // 8
            return self.coder.decode(data[start : start + self.coder.size])
        whole = int.from_bytes(data, sys.byteorder)
        number = whole >> self._shift(len(data)) & ((1 << self.bits) - 1)
        if self.coder.name.startswith("s") and number >> (self.bits - 1):
            number -= 1 << self.bits
        return number

    def put(self, data: bytearray, thing: Any) -> None:
        if not self.bits:
            start = self.offset // 8
            data[start : start + self.coder.size] = self.coder.encode(thing)
            return
        if not isinstance(thing, int) or not -(1 << self.bits - 1) <= thing < 1 << self.bits:
            raise ArgumentError(f"{thing!r} does not fit the {self.bits} bits of {self.name}")
        mask = (1 << self.bits) - 1
        shift = self._shift(len(data))
        whole = int.from_bytes(data, sys.byteorder) & ~(mask << shift) | (thing & mask) << shift
        data[:] = whole.to_bytes(len(data), sys.byteorder)

    def _shift(self, size: int) -> int:
        # On big-endian machines bit fields are counted from the most significant bit.
        return self.offset if sys.byteorder == "little" else size * 8 - self.offset - self.bits


def _struct(kind: Composite, what: str, depth: int) -> Codec:
    from collections import namedtuple
    from keyword import iskeyword

    fields = [_Field(member, what, depth) for member in kind.members]
    size = kind.size
    name = "struct" if not kind.name or iskeyword(kind.name) else kind.name
    form: Any = namedtuple(name, [field.name for field in fields], rename=True)  # type: ignore[misc]  # known at run time
    names = form._fields

    def encode(things: Any) -> bytes:
        try:
            values: Any = form(**things) if isinstance(things, dict) else form(*things)
        except TypeError as error:
            raise ArgumentError(f"{what} {things!r} is not a {form.__name__}{names}: {error}") from None
        data = bytearray(size)
        for field, thing in zip(fields, values):
            field.put(data, thing)
        return bytes(data)

    def decode(data: bytes) -> Any:
        return form._make([field.take(data) for field in fields])

    return Codec(
        f"struct {kind.name}" if kind.name else "struct", size, encode, decode, dtype=_dtype(fields, names, size)
    )


def _dtype(fields: list[_Field], names: tuple[str, ...], size: int) -> Any:
    if any(field.bits for field in fields):
        return None
    return {
        "names": list(names),
        "formats": [field.coder.dtype for field in fields],
        "offsets": [field.offset // 8 for field in fields],
        "itemsize": size,
    }
