"""`BtfBuilder`: type information made by hand, type by type."""

from __future__ import annotations

import struct

from ebpf.btf import kinds
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Union

    from ebpf.btf.reader import Btf

    Row = Union[tuple[str, int, int], tuple[str, int, int, int]]

__all__ = ["BtfBuilder"]

_SIGNED, _BOOL = 1, 4
_WHOLE = 0xFFFFFFFF  # component -1: the declaration itself


class BtfBuilder:
    """Type information made type by type; each method returns the new type's id. Id 0 is void.

    ::

        builder = BtfBuilder()
        number = builder.integer("int", 4, signed=True)
        point = builder.struct("point", 8, [("x", number, 0), ("y", number, 32)])
        builder.build()

    Parameters:
        base: a BTF that this one continues (split BTF): ids and names go on after its own.
        order: ``"="`` for this machine's byte order, ``"<"``, ``">"``.
        strings: strings to begin with, so that what refers to them by their offset stays right.
    """

    def __init__(self, base: Btf | None = None, order: str = "=", strings: bytes = b"") -> None:
        self._order = order
        self._records: list[bytes] = []
        self._first_id = 1 if base is None else base.first_id + len(base)
        self._first_offset = 0 if base is None else base.strings_end
        self._strings = bytearray(strings or (b"\0" if base is None else b""))
        self._names: dict[str, int] = {}

    def name(self, text: str) -> int:
        """The offset of a string, entered when it is new. Raises `ArgumentError` for one with a zero byte."""
        if not text:
            return 0
        offset = self._names.get(text)
        if offset is None:
            encoded = text.encode("utf-8", "surrogateescape")
            if b"\0" in encoded:
                raise ArgumentError(f"name {text!r} holds a zero byte")
            offset = self._names[text] = self._first_offset + len(self._strings)
            self._strings += encoded + b"\0"
        return offset

    def add(self, name: str, kind: int, size_or_type: int, *rest: int, vlen: int = 0, flag: bool = False) -> int:
        """A record as it stands: of kind `kind` (`ebpf.btf.kinds`), with `rest` after its first three words."""
        return self.record(self.name(name), kind, size_or_type, *rest, vlen=vlen, flag=flag)

    def record(self, name: int, kind: int, size_or_type: int, *rest: int, vlen: int = 0, flag: bool = False) -> int:
        """The same, by the offset of the name."""
        words = (name, int(flag) << 31 | kind << kinds.KIND_SHIFT | vlen, size_or_type, *rest)
        try:
            record = struct.pack(f"{self._order}{len(words)}I", *(word & 0xFFFFFFFF for word in words))
        except TypeError:
            raise ArgumentError(f"sizes, ids and offsets are integers, not {words}") from None
        self._records.append(record)
        return self._first_id + len(self._records) - 1

    def integer(
        self, name: str, size: int, *, signed: bool = False, boolean: bool = False, bits: int | None = None
    ) -> int:
        """An integer of `size` bytes."""
        encoding = (_SIGNED if signed else 0) | (_BOOL if boolean else 0)
        return self.add(name, kinds.INT, size, encoding << 24 | (8 * size if bits is None else bits))

    def pointer(self, type_id: int) -> int:
        """A pointer to a type."""
        return self.add("", kinds.PTR, type_id)

    def array(self, type_id: int, length: int, index_id: int) -> int:
        """An array of `length` elements; `index_id` is an integer type."""
        return self.add("", kinds.ARRAY, 0, type_id, index_id, length)

    def _composite(self, kind: int, name: str, size: int, members: Iterable[Row]) -> int:
        rows = [(*member, 0)[:4] for member in members]
        fields = any(bits for _, _, _, bits in rows)
        words: list[int] = []
        for text, type_id, offset, bits in rows:
            words += (self.name(text), type_id, bits << 24 | offset if fields else offset)
        return self.add(name, kind, size, *words, vlen=len(rows), flag=fields)

    def struct(self, name: str, size: int, members: Iterable[Row]) -> int:
        """A struct of `size` bytes; members are (name, type id, offset in bits) and, for bit fields, their bits."""
        return self._composite(kinds.STRUCT, name, size, members)

    def union(self, name: str, size: int, members: Iterable[Row]) -> int:
        """A union; as `struct`."""
        return self._composite(kinds.UNION, name, size, members)

    def enum(self, name: str, values: Mapping[str, int], size: int = 4) -> int:
        """An enumeration of up to 32 bits; signed when a value is negative."""
        words = [word for text, value in values.items() for word in (self.name(text), value)]
        flag = any(value < 0 for value in values.values())
        return self.add(name, kinds.ENUM, size, *words, vlen=len(values), flag=flag)

    def enum64(self, name: str, values: Mapping[str, int], size: int = 8) -> int:
        """An enumeration of 64 bits."""
        words = [word for text, value in values.items() for word in (self.name(text), value, value >> 32)]
        flag = any(value < 0 for value in values.values())
        return self.add(name, kinds.ENUM64, size, *words, vlen=len(values), flag=flag)

    def forward(self, name: str, *, union: bool = False) -> int:
        """A struct or union that is declared only."""
        return self.add(name, kinds.FWD, 0, flag=union)

    def typedef(self, name: str, type_id: int) -> int:
        """A name for a type."""
        return self.add(name, kinds.TYPEDEF, type_id)

    def const(self, type_id: int) -> int:
        """A constant type."""
        return self.add("", kinds.CONST, type_id)

    def volatile(self, type_id: int) -> int:
        """A volatile type."""
        return self.add("", kinds.VOLATILE, type_id)

    def restrict(self, type_id: int) -> int:
        """A restricted pointer."""
        return self.add("", kinds.RESTRICT, type_id)

    def type_tag(self, tag: str, type_id: int) -> int:
        """A tag on a type."""
        return self.add(tag, kinds.TYPE_TAG, type_id)

    def func_proto(self, returns: int, parameters: Iterable[tuple[str, int]] = ()) -> int:
        """The type of a function: what it returns, and (name, type id) of its parameters."""
        words = [word for text, type_id in parameters for word in (self.name(text), type_id)]
        return self.add("", kinds.FUNC_PROTO, returns, *words, vlen=len(words) // 2)

    def func(self, name: str, proto: int, linkage: int = 1) -> int:
        """A function; `linkage` is 0 static, 1 global, 2 extern."""
        return self.add(name, kinds.FUNC, proto, vlen=linkage)

    def var(self, name: str, type_id: int, linkage: int = 1) -> int:
        """A variable; `linkage` as for `func`."""
        return self.add(name, kinds.VAR, type_id, linkage)

    def datasec(self, name: str, size: int, variables: Iterable[tuple[int, int, int]]) -> int:
        """A section of variables: (id, offset, size) of each, in bytes."""
        words = [word for variable in variables for word in variable]
        return self.add(name, kinds.DATASEC, size, *words, vlen=len(words) // 3)

    def floating(self, name: str, size: int) -> int:
        """A floating-point number of `size` bytes."""
        return self.add(name, kinds.FLOAT, size)

    def decl_tag(self, tag: str, target: int, component: int = -1) -> int:
        """A tag on a declaration; `component` is the member or parameter, -1 for the whole."""
        return self.add(tag, kinds.DECL_TAG, target, component & _WHOLE)

    def build(self) -> bytes:
        """The blob."""
        types = b"".join(self._records)
        sections = (0, len(types), len(types), len(self._strings))
        return struct.pack(f"{self._order}HBBI4I", 0xEB9F, 1, 0, 24, *sections) + types + bytes(self._strings)
