"""The types of BTF as objects: one class for each kind (include/uapi/linux/btf.h, Documentation/bpf/btf.rst).

`Btf.type` makes them. What a type refers to is an id and, as ``type``, the object behind it; members, enumerators and
parameters are decoded when they are first asked for.
"""

from __future__ import annotations

from ebpf.btf import kinds
from ebpf.btf.base import (
    Array,
    Const,
    Float,
    Fwd,
    Int,
    Pointer,
    Reference,
    Restrict,
    Type,
    Typedef,
    TypeTag,
    Void,
    Volatile,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.btf.reader import Btf

__all__ = [
    "LINKAGES",
    "Array",
    "Composite",
    "Const",
    "Datasec",
    "DeclTag",
    "Enum",
    "Enum64",
    "Float",
    "Func",
    "FuncProto",
    "Fwd",
    "Int",
    "Member",
    "Parameter",
    "Pointer",
    "Reference",
    "Restrict",
    "Section",
    "Struct",
    "Type",
    "TypeTag",
    "Typedef",
    "Union",
    "Var",
    "Void",
    "Volatile",
    "make",
]

LINKAGES = ("static", "global", "extern")
"""What a function's or variable's linkage is called, by its number."""


class Member:
    """A member of a struct or union: ``name``, ``type_id``, ``offset`` in bits and, for a bit field, ``bits``."""

    __slots__ = ("bits", "btf", "name", "offset", "type_id")

    def __init__(self, btf: Btf, name: str, type_id: int, offset: int, bits: int) -> None:
        self.btf, self.name, self.type_id, self.offset, self.bits = btf, name, type_id, offset, bits

    @property
    def type(self) -> Type:
        """The member's type."""
        return self.btf.type(self.type_id)

    def __repr__(self) -> str:
        return f"<Member {self.name!r} at bit {self.offset}>"


class Composite(Type):
    """A struct or union."""

    __slots__ = ("_members",)

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self._word(2)

    @property
    def members(self) -> tuple[Member, ...]:
        """The members, in order."""
        try:
            return self._members
        except AttributeError:
            pass
        bit_fields = self.flag
        found: list[Member] = []
        for name, type_id, offset in self._owner.elements(self._start, 3):
            bits = offset >> 24 if bit_fields else 0
            place = offset & 0xFFFFFF if bit_fields else offset
            found.append(Member(self.btf, self._owner.string(name), type_id, place, bits))
        self._members: tuple[Member, ...] = tuple(found)
        return self._members

    def member(self, name: str) -> Member | None:
        """The member of this name; those of anonymous members are not looked through."""
        return next((each for each in self.members if each.name == name), None)


class Struct(Composite):
    """A struct."""

    __slots__ = ()


class Union(Composite):
    """A union."""

    __slots__ = ()


class Enum(Type):
    """An enumeration. ``values`` is a mapping of names to numbers."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self._word(2)

    @property
    def signed(self) -> bool:
        """Whether its values are signed."""
        return self.flag

    @property
    def values(self) -> dict[str, int]:
        """The enumerators and their values."""
        return dict(self.enumerators)

    @property
    def enumerators(self) -> tuple[tuple[str, int], ...]:
        """The enumerators and their values, in order."""
        return tuple(self._owner.enumerators_at(self._start))


class Enum64(Enum):
    """An enumeration with values of 64 bits."""

    __slots__ = ()


class Func(Reference):
    """A function; ``type`` is its prototype."""

    __slots__ = ()

    @property
    def linkage(self) -> int:
        """0 static, 1 global, 2 extern (`LINKAGES`)."""
        return self._word(1) & kinds.VLEN_MASK


class Parameter:
    """A parameter of a function: ``name`` and ``type_id``. The last one is nameless and void when there may be more."""

    __slots__ = ("btf", "name", "type_id")

    def __init__(self, btf: Btf, name: str, type_id: int) -> None:
        self.btf, self.name, self.type_id = btf, name, type_id

    @property
    def type(self) -> Type:
        """The parameter's type."""
        return self.btf.type(self.type_id)


class FuncProto(Reference):
    """The type of a function; ``type`` is what it returns."""

    __slots__ = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in order."""
        return tuple(
            Parameter(self.btf, self._owner.string(name), type_id)
            for name, type_id in self._owner.elements(self._start, 2)
        )


class Var(Reference):
    """A variable; ``type`` is its type."""

    __slots__ = ()

    @property
    def linkage(self) -> int:
        """0 static, 1 global, 2 extern (`LINKAGES`)."""
        return self._word(3)

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.type.size


class Section:
    """A variable in a section: ``type_id`` of its `Var` or `Func`, ``offset`` and ``size`` in bytes."""

    __slots__ = ("btf", "offset", "size", "type_id")

    def __init__(self, btf: Btf, type_id: int, offset: int, size: int) -> None:
        self.btf, self.type_id, self.offset, self.size = btf, type_id, offset, size

    @property
    def type(self) -> Type:
        """The variable."""
        return self.btf.type(self.type_id)


class Datasec(Type):
    """A section of variables; ``name`` is the section's."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes; compilers write 0 and leave it to the loader."""
        return self._word(2)

    @property
    def variables(self) -> tuple[Section, ...]:
        """The variables, in the order of the record."""
        return tuple(Section(self.btf, *words) for words in self._owner.elements(self._start, 3))


class DeclTag(Reference):
    """A tag on a declaration: ``name`` is its text, ``component`` the member or parameter, -1 for the whole."""

    __slots__ = ()

    @property
    def component(self) -> int:
        """The number of the member or parameter; -1 when the declaration itself is meant."""
        word = self._word(3)
        return word - (1 << 32) if word >> 31 else word


_CLASSES: tuple[type[Type] | None, ...] = (
    None,
    *(Int, Pointer, Array, Struct, Union, Enum, Fwd, Typedef, Volatile, Const, Restrict),
    *(Func, FuncProto, Var, Datasec, Float, DeclTag, TypeTag, Enum64),
)


def make(btf: Btf, type_id: int, owner: Btf, start: int) -> Type:
    """The object for the record at a word of `owner`; a kind that is younger than this module is a plain `Type`."""
    kind = owner.kind_at(start)
    found = _CLASSES[kind] if kind < len(_CLASSES) else Type
    return (found or Type)(btf, type_id, owner, start)


def walk(btf: Btf) -> Iterator[Type]:
    """Every type of a BTF in the order of ids, without void and without those of its base."""
    for type_id in range(btf.first_id, btf.first_id + len(btf)):
        yield btf.type(type_id)
