"""BTF as C: one type, or a header with all of them, as ``bpftool btf dump … format c`` writes it.

::

    print(format.type_as_c(btf.find_type("sk_buff")))
    open("vmlinux.h", "w").writelines(format.header(btf))

A header compiles, and what is compiled from it has the layout that the BTF says.
"""

from __future__ import annotations

from ebpf.btf.declare import Writer
from ebpf.btf.types import Array, Composite, Enum, Func, FuncProto, Fwd, Pointer, Reference, Type, Typedef
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.btf.reader import Btf

__all__ = ["declaration", "header", "type_as_c"]

_DEEP = 200
_BUILTIN = ("__builtin_va_list",)


def declaration(found: Type, name: str = "") -> str:
    """A declaration of `name` with a type: ``struct sock *sk``, ``int (*callback)(void *)``; a type alone without."""
    if isinstance(found, Func):
        return Writer().declaration(found.type, found.name)
    return Writer().declaration(found, name)


def type_as_c(found: Type) -> str:
    """The definition of a type, with its semicolon. Raises `ebpf.errors.BtfError` for a malformed one."""
    if isinstance(found, Func):
        return f"{declaration(found)};"
    return Writer().definition(found)


def header(btf: Btf) -> Iterator[str]:
    """Every type of a BTF as C, in an order that compiles, piece by piece. Types of one name get ``___2`` and so on.

    Raises `ebpf.errors.BtfError` for a malformed BTF.
    """
    yield "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
    yield "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
    yield "#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n#endif\n\n"
    yield from _Header(btf).run()
    yield "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n#endif\n"


class _Header:
    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._names: dict[int, str] = {}
        self._tags: dict[str, int] = {}
        self._words: dict[str, int] = {}
        self._values: dict[tuple[int, str], str] = {}
        self._declared: set[str] = set()
        self._defined: set[int] = set()
        self._writer = Writer(self._name, self._value)
        self._out: list[str] = []

    def run(self) -> Iterator[str]:
        # An enumeration without a name is written where it is used, or by itself where nothing uses it.
        used = {number for found in self._btf.types() for number in _refers(found)}
        for found in self._btf.types():
            named = bool(found.name) and isinstance(found, (Composite, Typedef, Enum))
            if named or (isinstance(found, Enum) and found.id not in used):
                self._require(found, True, 0)
                yield from self._out
                self._out.clear()

    def _name(self, found: Type) -> str:
        """The name of a type in the header; structs, unions and enums share one set of names, typedefs another."""
        known = self._names.get(found.id)
        if known is None:
            used = self._words if isinstance(found, Typedef) else self._tags
            if isinstance(found, Fwd):
                return found.name
            count = used[found.name] = used.get(found.name, 0) + 1
            known = self._names[found.id] = found.name if count == 1 else f"{found.name}___{count}"
        return known

    def _value(self, found: Type, name: str) -> str:
        key = found.id, name
        known = self._values.get(key)
        if known is None:
            count = self._words[name] = self._words.get(name, 0) + 1
            known = self._values[key] = name if count == 1 else f"{name}___{count}"
        return known

    def _require(self, found: Type, whole: bool, depth: int) -> None:
        """Write what must stand before a use of this type: its definition, or its declaration behind a pointer."""
        if depth > _DEEP:
            raise BtfError(f"type {found.id} depends on itself", found.btf.types_offset)
        if isinstance(found, Pointer):
            self._require(found.type, False, depth + 1)
        elif isinstance(found, Array):
            self._require(found.type, True, depth + 1)
        elif isinstance(found, FuncProto):
            for each in (found.type, *(parameter.type for parameter in found.parameters)):
                self._require(each, False, depth + 1)
        elif isinstance(found, Typedef):
            self._typedef(found, whole, depth)
        elif isinstance(found, Composite):
            if not found.name:
                self._members(found, depth)
            elif whole:
                self._composite(found, depth)
            else:
                self._declare("struct" if found.kind == 4 else "union", self._name(found))
        elif isinstance(found, Enum):
            if found.id not in self._defined and (found.name or depth == 0):
                self._defined.add(found.id)
                self._out.append(self._writer.definition(found) + "\n\n")
        elif isinstance(found, Fwd):
            self._declare("union" if found.union else "struct", found.name)
        elif isinstance(found, Reference) and not isinstance(found, Func):
            self._require(found.type, whole, depth + 1)

    def _declare(self, word: str, name: str) -> None:
        text = f"{word} {name}"
        if text not in self._declared:
            self._declared.add(text)
            self._out.append(f"{text};\n\n")

    def _typedef(self, found: Typedef, whole: bool, depth: int) -> None:
        if found.name in _BUILTIN:
            return
        if found.id not in self._defined:
            self._defined.add(found.id)
            self._require(found.type, False, depth + 1)
            self._out.append(self._writer.definition(found) + "\n\n")
        if whole:
            self._require(found.type, True, depth + 1)

    def _composite(self, found: Composite, depth: int) -> None:
        if found.id in self._defined:
            return
        self._defined.add(found.id)
        self._members(found, depth)
        word = "struct" if found.kind == 4 else "union"
        self._declared.add(f"{word} {self._name(found)}")
        self._out.append(self._writer.definition(found) + "\n\n")

    def _members(self, found: Composite, depth: int) -> None:
        for member in found.members:
            self._require(member.type, True, depth + 1)


def _refers(found: Type) -> Iterator[int]:
    if isinstance(found, Composite):
        yield from (member.type_id for member in found.members)
    elif isinstance(found, FuncProto):
        yield found.type_id
        yield from (parameter.type_id for parameter in found.parameters)
    elif isinstance(found, (Reference, Array)):
        yield found.type_id
