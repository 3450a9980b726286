"""Types as C writes them: one declaration, one definition."""

from __future__ import annotations

from ebpf.btf.types import (
    Array,
    Composite,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Pointer,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Void,
    Volatile,
)
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ebpf.btf.types import Member

__all__ = ["Writer"]

_QUALIFIERS = {Const: "const", Volatile: "volatile", Restrict: "restrict"}
_DEEP = 64
_MODES = {1: " __attribute__((mode(byte)))", 2: " __attribute__((mode(HI)))", 8: " __attribute__((mode(word)))"}
_FILLERS = ((64, "long"), (32, "int"), (16, "short"), (8, "char"))


class Layout:
    """How types are aligned; each is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, bool]] = {}  # alignment, and whether it is packed, by id

    def alignment(self, found: Type, depth: int = 0) -> int:
        """How a value is aligned in memory, in bytes, if nothing says otherwise."""
        if depth > _DEEP:
            raise BtfError(f"type {found.id} holds itself", found.btf.types_offset)
        found = found.resolve()
        if isinstance(found, Array):
            return self.alignment(found.type, depth + 1)
        if isinstance(found, Composite):
            return self._composite(found, depth)[0]
        if isinstance(found, (Int, Float, Enum)):
            size = found.size
            return size if size in (1, 2, 4, 8, 16) else 1
        return found.btf.pointer_size if isinstance(found, Pointer) else 1

    def packed(self, found: Composite) -> bool:
        """Whether its members lie where their alignment would not put them."""
        return self._composite(found, 0)[1]

    def _composite(self, found: Composite, depth: int) -> tuple[int, bool]:
        known = self._known.get(found.id)
        if known is None:
            largest = widest = 1
            misplaced = False
            for member in found.members:
                needs = self.alignment(member.type, depth + 1)
                widest = max(widest, needs)
                if not member.bits:
                    largest = max(largest, needs)
                    misplaced = misplaced or bool(member.offset % (8 * needs))
            packed = misplaced or bool(found.size % largest)
            known = self._known[found.id] = (1 if packed else widest, packed)
        return known


class Writer:
    """Writes declarations.

    Parameters:
        name_of: what a named type is called: several may have one name.
        value_of: the same for an enumerator.
    """

    def __init__(
        self,
        name_of: Callable[[Type], str] | None = None,
        value_of: Callable[[Type, str], str] | None = None,
    ) -> None:
        self._name_of = name_of or (lambda found: found.name)
        self._value_of = value_of or (lambda found, name: name)
        self._layout = Layout()

    def declaration(self, found: Type, name: str = "", indent: str = "", depth: int = 0) -> str:
        """A declaration of `name` with this type: ``int (*name)(struct sock *)``. Raises `BtfError` for endless."""
        if depth > _DEEP:
            raise BtfError(f"type {found.id} is nested more than {_DEEP} deep", found.btf.types_offset)
        inner, first = name, ""
        for _ in range(_DEEP):
            if isinstance(found, Pointer):
                target = found.type
                inner = f"* {inner}" if inner.startswith("(") else f"*{inner}"
                if isinstance(_unqualified(target), (Array, FuncProto)):
                    inner = f"({inner})"
                found = target
            elif isinstance(found, Array):
                inner += f"[{found.length}]"
                found = found.type
            elif isinstance(found, FuncProto):
                inner += f"({self._parameters(found, depth)})"
                found = found.type
            elif isinstance(found, (Const, Volatile, Restrict, TypeTag)):
                word = _QUALIFIERS.get(type(found)) or f'__attribute__((btf_type_tag("{found.name}")))'
                target = found.type
                if isinstance(target, Pointer):
                    inner = f"{word} {inner}" if inner else word
                    if not inner.startswith("*"):
                        inner = f" {inner}"
                elif not first.startswith(word):  # an array of constants may say so twice
                    first = f"{word} {first}"
                found = target
            else:
                base = self._base(found, indent, depth)
                inner = inner.strip()
                return f"{first}{base} {inner}" if inner else f"{first}{base}".rstrip()
        raise BtfError(f"type {found.id} is behind more than {_DEEP} others", found.btf.types_offset)

    def _parameters(self, proto: FuncProto, depth: int) -> str:
        rows = proto.parameters
        if not rows:
            return "void"
        texts = []
        for number, each in enumerate(rows):
            last = number == len(rows) - 1
            texts.append("..." if last and not each.type_id else self.declaration(each.type, each.name, "", depth + 1))
        return ", ".join(texts)

    def _base(self, found: Type, indent: str, depth: int) -> str:
        """What stands before the name: a keyword and a name, or a whole definition where there is no name."""
        if isinstance(found, Composite):
            word = "struct" if isinstance(found, Struct) else "union"
            return f"{word} {self._name_of(found)}" if found.name else self._body(found, indent, depth)
        if isinstance(found, Enum):
            return f"enum {self._name_of(found)}" if found.name else self._enum(found, indent)
        if isinstance(found, Fwd):
            return f"{'union' if found.union else 'struct'} {self._name_of(found)}"
        if isinstance(found, Void):
            return "void"
        if isinstance(found, Typedef):
            return self._name_of(found)
        return found.name

    def definition(self, found: Type) -> str:
        """The definition of a struct, union, enum or typedef, with its semicolon; a declaration of anything else."""
        if isinstance(found, Composite):
            return self._body(found, "", 0) + ";"
        if isinstance(found, Enum):
            return self._enum(found, "") + ";"
        if isinstance(found, Typedef):
            return f"typedef {self.declaration(found.type, self._name_of(found))};"
        return f"{self.declaration(found)};"

    def _enum(self, found: Enum, indent: str) -> str:
        name = f" {self._name_of(found)}" if found.name else ""
        rows = "".join(f"{indent}\t{self._value_of(found, name)} = {value},\n" for name, value in found.enumerators)
        size = (
            ""
            if found.size == 4
            else {1: " __attribute__((mode(byte)))", 8: " __attribute__((mode(word)))"}.get(found.size, "")
        )
        return f"enum{name} {{\n{rows}{indent}}}{size}"

    def _body(self, found: Composite, indent: str, depth: int) -> str:
        word = "struct" if isinstance(found, Struct) else "union"
        name = f" {self._name_of(found)}" if found.name else ""
        packed = self._layout.packed(found)
        rows: list[str] = []
        position = 0
        for member in found.members:
            if isinstance(found, Struct):
                rows += self._fill(position, member, packed)
            text = self.declaration(member.type, member.name, f"{indent}\t", depth + 1)
            rows.append(f"{text}: {member.bits}" if member.bits else text)
            length = member.bits or 8 * _size(member)
            position = member.offset + length if isinstance(found, Struct) else max(position, length)
        rows += self._fill_end(position, found, packed)
        lines = "".join(f"{indent}\t{row};\n" for row in rows)
        text = f"{{\n{lines}{indent}}}" if rows else "{}"
        return f"{word}{name} {text}{' __attribute__((packed))' if packed else ''}"

    def _fill(self, position: int, member: Member, packed: bool) -> list[str]:
        """Unnamed bit fields that bring a member where it is, when the compiler would put it elsewhere."""
        natural, offset = position, member.offset
        if member.bits:
            unit = 8 * _size(member)
            if not packed and unit and position // unit != (position + member.bits - 1) // unit:
                natural = -(-position // unit) * unit
        elif not packed:
            step = 8 * self._layout.alignment(member.type)
            natural = -(-position // step) * step
        else:
            natural = -(-position // 8) * 8
        return [] if natural == offset else _blank(position, offset)

    def _fill_end(self, position: int, found: Composite, packed: bool) -> list[str]:
        step = 8 if packed else 8 * self._layout.alignment(found)
        end = -(-position // step) * step
        return (
            _blank(position, 8 * found.size)
            if end < 8 * found.size and isinstance(found, Struct) and found.members
            else []
        )


def _size(member: Member) -> int:
    found = member.type.resolve()
    return found.size if not isinstance(found, (FuncProto, Void)) else 0


def _unqualified(found: Type) -> Type:
    for _ in range(_DEEP):
        if not isinstance(found, (Const, Volatile, Restrict, TypeTag)):
            return found
        found = found.type
    return found


def _blank(position: int, end: int) -> list[str]:
    rows: list[str] = []
    while position < end:
        for bits, word in _FILLERS:
            if position % bits == 0 and position + bits <= end:
                rows.append(f"{word}: {bits}")
                position += bits
                break
        else:
            step = min(end, -(-(position + 1) // 8) * 8) - position
            rows.append(f"char: {step}")
            position += step
        if len(rows) > 4096:
            raise BtfError("a gap in a struct that is larger than any", 0)
    return rows
