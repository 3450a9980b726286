"""What all types of BTF have, and those that hold nothing but a size or a reference to another type."""

from __future__ import annotations

from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.reader import Btf


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
    def words(self) -> tuple[int, ...]:
        """What follows the record's first three words, as it stands."""
        return self._owner.record_words(self._start)

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
            if not isinstance(found, (Typedef, Qualifier)):
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


class Qualifier(Reference):
    """const, volatile, restrict or a tag: the same value as the type behind it."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """The size in bytes of the type behind it."""
        return self.resolve().size


class Typedef(Qualifier):
    """A name for another type."""

    __slots__ = ()


class Volatile(Qualifier):
    """volatile."""

    __slots__ = ()


class Const(Qualifier):
    """const."""

    __slots__ = ()


class Restrict(Qualifier):
    """restrict."""

    __slots__ = ()


class TypeTag(Qualifier):
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


class Fwd(Type):
    """A struct or union that is declared only."""

    __slots__ = ()

    @property
    def union(self) -> bool:
        """Whether it is a union."""
        return self.flag
