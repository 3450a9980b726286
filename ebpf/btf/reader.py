"""`Btf`: one BTF blob, and what can be asked of its types."""

from __future__ import annotations

import struct

from ebpf.btf import kinds
from ebpf.btf.kinds import KIND_SHIFT, VLEN_MASK
from ebpf.btf.records import Records
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator

    from ebpf.btf.types import Type

__all__ = ["Btf"]

_COMPOSITE = (kinds.STRUCT, kinds.UNION)
_QUALIFIERS = (kinds.TYPEDEF, kinds.VOLATILE, kinds.CONST, kinds.RESTRICT, kinds.TYPE_TAG)
_MANY_FIELDS = 1 << 16  # more than any struct has; anonymous structs that hold each other may claim any number
_DEEP = 16  # qualifiers of a type, structs in a struct


class Btf(Records):
    """One BTF blob: of the kernel, of a module over the kernel's (`base`), or of an object file.

    Parameters:
        data: the blob; of either byte order.
        base: the BTF whose types and strings come before this one's, for a module's.

    Raises `BtfError` when the header does not fit the data; a record that is malformed is noticed when something is
    looked for behind it.
    """

    @classmethod
    def open(cls, path: str | os.PathLike[str], base: Btf | None = None) -> Btf:
        """Read a file such as ``/sys/kernel/btf/vmlinux``. Raises `OSError`, `BtfError`."""
        with open(path, "rb") as file:
            return cls(file.read(), base)

    def type(self, type_id: int) -> Type:
        """A type as an object (`ebpf.btf.types`); 0 is void. Raises `BtfError` when there is no such type."""
        found = self._objects.get(type_id)
        if found is None:
            from ebpf.btf import types

            found = types.make(self, type_id, *self._record(type_id)) if type_id else types.Void(self)
            self._objects[type_id] = found
        return found

    def types(self) -> Iterator[Type]:
        """Every type as an object, in the order of ids, without void and without the base's."""
        from ebpf.btf import types

        return types.walk(self)

    def find_type(self, name: str, *wanted: int) -> Type | None:
        """The first type with this name as an object; see `find`."""
        found = self.find(name, *wanted)
        return None if found is None else self.type(found)

    def kind(self, type_id: int) -> int:
        """A type's kind (`ebpf.btf.kinds`)."""
        btf, start = self._record(type_id)
        return btf.kind_at(start)

    def name(self, type_id: int) -> str:
        """A type's name, empty when it has none."""
        btf, start = self._record(type_id)
        return btf.string(btf._words[start])

    def word_of(self, type_id: int, number: int) -> int:
        """One of the words of a type's record."""
        btf, start = self._record(type_id)
        return btf.word(start + number)

    def size_or_type(self, type_id: int) -> int:
        """The third word of a record: the size in bytes, or the type that it refers to."""
        btf, start = self._record(type_id)
        return btf._words[start + 2]

    def enumerators(self, name: str) -> dict[str, int]:
        """The enumerators of an enum and their values; empty when there is no enum of this name.

        An enum that several types describe (a kernel may hold an older declaration) gives what any of them has.
        """
        values: dict[str, int] = {}
        for type_id in self.ids(name, kinds.ENUM, kinds.ENUM64):
            values.update(self.values(type_id))
        return values

    def values(self, type_id: int) -> dict[str, int]:
        """The enumerators of the enum with this id and their values."""
        btf, start = self._record(type_id)
        if btf.kind_at(start) not in (kinds.ENUM, kinds.ENUM64):
            raise BtfError(f"type {type_id} is no enum", btf.types_offset + 4 * start)
        return dict(btf.enumerators_at(start))

    def enumerators_at(self, start: int) -> Iterator[tuple[str, int]]:
        """The enumerators and values of the enum whose record begins at this word, in order."""
        signed = self._words[start + 1] >> 31
        words, bits = (3, 64) if self.kind_at(start) == kinds.ENUM64 else (2, 32)
        for name, low, *high in self.elements(start, words):
            value = low | high[0] << 32 if high else low
            yield self.string(name), value - (1 << bits) if signed and value >> (bits - 1) else value

    def members(self, type_id: int) -> list[str]:
        """The names of the members of the struct or union with this id, in order; empty for an anonymous one."""
        btf, start = self._record(type_id)
        if btf.kind_at(start) not in _COMPOSITE:
            raise BtfError(f"type {type_id} is no struct", btf.types_offset + 4 * start)
        return [btf.string(member[0]) for member in btf.elements(start, 3)]

    def struct_fields(self, name: str) -> dict[str, int]:
        """The fields of a struct or union and their offsets in bits; empty when there is none of this name.

        Members of an anonymous member are the struct's own, as in C. A member whose struct has no name of its own is
        there twice: itself (``link_create``) and with what is in it (``link_create.prog_fd``).
        """
        fields: dict[str, int] = {}
        for type_id in self.ids(name, *_COMPOSITE):
            self._collect(fields, type_id, "", 0, 0, [_MANY_FIELDS])
        return fields

    def _collect(
        self, fields: dict[str, int], type_id: int, prefix: str, base: int, depth: int, budget: list[int]
    ) -> None:
        """Add the fields of one struct and of those in it; `budget` counts down, whatever a malformed one claims."""
        btf, start = self._record(type_id)
        budget[0] -= 1 + (btf._words[start + 1] & VLEN_MASK)
        if budget[0] < 0 or depth > _DEEP:
            raise BtfError("a struct of more fields than any has", btf.types_offset + 4 * start)
        bitfields = btf._words[start + 1] >> 31
        for name_offset, member, offset in btf.elements(start, 3):
            name = btf.string(name_offset)
            at = base + (offset & 0xFFFFFF if bitfields else offset)
            if name:
                fields.setdefault(prefix + name, at)
            inner = btf._unnamed(member)
            if inner is not None:
                btf._collect(fields, inner, f"{prefix}{name}." if name else prefix, at, depth + 1, budget)

    def _unnamed(self, type_id: int) -> int | None:
        """The struct or union without a name that a member's type is, qualifiers aside."""
        for _ in range(_DEEP):
            if not type_id:
                return None
            btf, start = self._record(type_id)
            if btf.kind_at(start) in _COMPOSITE:
                return None if btf._words[start] else type_id
            if btf.kind_at(start) not in _QUALIFIERS:
                return None
            type_id = btf._words[start + 2]
        return None

    def functions(self, names: Collection[str] | None = None) -> dict[str, int]:
        """The functions of these names (all when `None`) and their ids; the first of a name counts."""
        self._walk(len(self._words))
        wanted = None if names is None else self._wanted(names)
        words, found = self._words, dict[str, int]()
        for place, start in enumerate(self._starts):
            if (wanted is None or words[start] in wanted) and words[start + 1] >> KIND_SHIFT == kinds.FUNC:
                name = self.string(words[start]) if wanted is None else wanted[words[start]]
                found.setdefault(name, self.first_id + place)
        return found

    def decl_tagged(self, tag: str) -> dict[str, int]:
        """The functions and variables with a declaration tag (``bpf_kfunc``) and their ids."""
        tagged = {}
        info = kinds.DECL_TAG << KIND_SHIFT
        for offset in self._offsets(tag):
            for _, start in self._find(struct.pack("=II", offset, info)):
                target, component = self._words[start + 2], self._words[start + 3]
                if component == 0xFFFFFFFF:  # the declaration itself, not one of its parameters or members
                    tagged[self.name(target)] = target
        return tagged
