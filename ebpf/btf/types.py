"""The types of BTF as objects: one class for each kind (include/uapi/linux/btf.h, Documentation/bpf/btf.rst).

`Btf.type` makes them. What a type refers to is an id and, as ``type``, the object behind it; members, enumerators and
parameters are decoded when they are first asked for.
"""

from __future__ import annotations

from ebpf.btf import kinds
from ebpf.errors import BtfError

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

_DEEP = 32  # references one after another: MAX_RESOLVE_DEPTH of kernel/bpf/btf.c


class Type:
    """A type.

    Attributes:
        btf: the BTF it was asked of.
        id: its number there.
        name: its name, empty when it has none.
        kind: the number of its kind (`ebpf.btf.kinds`).
    """

    __slots__ = ("_owner", "_start", "btf", "id", "kind", "name")

    def __init__(self, btf: Btf, type_id: int, owner: Btf, start: int) -> None:
        self.btf = btf
        self.id = type_id
        self._owner = owner
        self._start = start
        self.kind = owner.kind_at(start)
        self.name = owner.string(self._word(0))

    def _word(self, number: int) -> int:
        return self._owner.word(self._start + number)

    @property
    def flag(self) -> bool:
        """The kind flag of the record."""
        return bool(self._word(1) >> 31)

    @property
    def size(self) -> int:
        """The size in bytes of a value of this type. Raises `BtfError` when it has none."""
        raise self._error("has no size")

    def resolve(self) -> Type:
        """The type behind typedefs, qualifiers and tags. Raises `BtfError` when they never end."""
        found: Type = self
        for _ in range(_DEEP):
            if not isinstance(found, (Typedef, _Qualifier)):
                return found
            found = found.type
        raise self._error(f"is behind more than {_DEEP} typedefs and qualifiers")

    def _error(self, problem: str) -> BtfError:
        return BtfError(f"type {self.id} {self.name!r} {problem}", self._owner.types_offset + 4 * self._start)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Type):
            return NotImplemented
        return self.id == other.id and self.btf is other.btf

    def __hash__(self) -> int:
        return hash((self.id, id(self.btf)))


class Void(Type):
    """Type 0: nothing."""

    __slots__ = ()

    def __init__(self, btf: Btf) -> None:
        self.btf = btf
        self.id = 0
        self.kind = 0
        self.name = "void"
        self._owner, self._start = btf, 0

    @property
    def flag(self) -> bool:
        """A type without a record has no flag."""
        return False


class Int(Type):
    """An integer. ``encoding`` is of BTF_INT_SIGNED 1, BTF_INT_CHAR 2, BTF_INT_BOOL 4."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self._word(2)

    @property
    def encoding(self) -> int:
        """Signed, char or bool."""
        return self._word(3) >> 24 & 0xF

    @property
    def signed(self) -> bool:
        """Whether it is signed."""
        return bool(self.encoding & 1)

    @property
    def boolean(self) -> bool:
        """Whether it is a bool."""
        return bool(self.encoding & 4)

    @property
    def offset(self) -> int:
        """Where its value begins, in bits: bit fields of old compilers."""
        return self._word(3) >> 16 & 0xFF

    @property
    def bits(self) -> int:
        """The length of its value in bits."""
        return self._word(3) & 0xFF


class Float(Type):
    """A floating-point number."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self._word(2)


class Reference(Type):
    """A type that refers to another: ``type_id``."""

    __slots__ = ()

    @property
    def type_id(self) -> int:
        """The id of the type that it refers to; 0 is void."""
        return self._word(2)

    @property
    def type(self) -> Type:
        """The type that it refers to."""
        return self.btf.type(self.type_id)


class Pointer(Reference):
    """A pointer. Its size is that of the machine that the BTF describes."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.btf.pointer_size


class _Qualifier(Reference):
    """const, volatile, restrict or a tag: the same value as the type behind it."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes of the type behind it."""
        return self.resolve().size


class Typedef(_Qualifier):
    """A name for another type."""

    __slots__ = ()


class Volatile(_Qualifier):
    """volatile."""

    __slots__ = ()


class Const(_Qualifier):
    """const."""

    __slots__ = ()


class Restrict(_Qualifier):
    """restrict."""

    __slots__ = ()


class TypeTag(_Qualifier):
    """A tag on a type: ``name`` is its text (``user``, ``percpu``, ``rcu``, ``kptr`` …)."""

    __slots__ = ()


class Array(Type):
    """An array of ``length`` elements."""

    __slots__ = ()

    @property
    def type_id(self) -> int:
        """The id of the elements' type."""
        return self._word(3)

    @property
    def type(self) -> Type:
        """The elements' type."""
        return self.btf.type(self.type_id)

    @property
    def index_id(self) -> int:
        """The id of the type of its indices."""
        return self._word(4)

    @property
    def length(self) -> int:
        """The number of elements."""
        return self._word(5)

    @property
    def size(self) -> int:
        """The size in bytes of all elements."""
        count = self.length
        element = self.type.resolve()
        for _ in range(_DEEP):
            if not isinstance(element, Array):
                return count * element.size
            count *= element.length
            element = element.type.resolve()
        raise self._error(f"has more than {_DEEP} dimensions")


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
        return self._owner.values(self.id)


class Enum64(Enum):
    """An enumeration with values of 64 bits."""

    __slots__ = ()


class Fwd(Type):
    """A struct or union that is declared only."""

    __slots__ = ()

    @property
    def union(self) -> bool:
        """Whether it is a union."""
        return self.flag


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
