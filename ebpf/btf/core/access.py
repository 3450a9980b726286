"""What a CO-RE relocation asks for, in terms of the object's own types: a field, a type or an enumerator."""

from __future__ import annotations

from ebpf import uapi
from ebpf.btf.types import Array, Composite, Enum, Type
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf import Btf
    from ebpf.btf.ext import CoreRelocation

__all__ = ["ENUMVAL", "FIELD", "KINDS", "TYPE", "Access", "Step", "describe", "essential", "is_flexible", "parse"]

KINDS = {
    uapi.BPF_CORE_FIELD_BYTE_OFFSET: "byte offset of field",
    uapi.BPF_CORE_FIELD_BYTE_SIZE: "size of field",
    uapi.BPF_CORE_FIELD_EXISTS: "existence of field",
    uapi.BPF_CORE_FIELD_SIGNED: "signedness of field",
    uapi.BPF_CORE_FIELD_LSHIFT_U64: "left shift for bit field",
    uapi.BPF_CORE_FIELD_RSHIFT_U64: "right shift for bit field",
    uapi.BPF_CORE_TYPE_ID_LOCAL: "id in the object of type",
    uapi.BPF_CORE_TYPE_ID_TARGET: "id in the kernel of type",
    uapi.BPF_CORE_TYPE_EXISTS: "existence of type",
    uapi.BPF_CORE_TYPE_SIZE: "size of type",
    uapi.BPF_CORE_ENUMVAL_EXISTS: "existence of enumerator",
    uapi.BPF_CORE_ENUMVAL_VALUE: "value of enumerator",
    uapi.BPF_CORE_TYPE_MATCHES: "match of type",
}
"""What each kind of relocation asks for, in words."""

FIELD = frozenset(range(uapi.BPF_CORE_FIELD_BYTE_OFFSET, uapi.BPF_CORE_FIELD_RSHIFT_U64 + 1))
ENUMVAL = frozenset((uapi.BPF_CORE_ENUMVAL_EXISTS, uapi.BPF_CORE_ENUMVAL_VALUE))
TYPE = frozenset(KINDS) - FIELD - ENUMVAL

LONGEST = 64  # numbers in an access: BPF_CORE_SPEC_MAX_LEN, tools/lib/bpf/relo_core.h
_FLAVOUR = "___"


def essential(name: str) -> str:
    """A name without its flavour: ``task_struct`` of ``task_struct___old`` (bpf_core_essential_name_len())."""
    at = name.rfind(_FLAVOUR)
    while at > 0:
        if name[at - 1] != "_" and at + 3 < len(name) and name[at + 3] != "_":
            return name[:at]
        at = name.rfind(_FLAVOUR, 0, at + 2)
    return name


class Step:
    """One step of an access: member or element number `index` of `type`; `name` is the member's, None for elements."""

    __slots__ = ("index", "name", "type")

    def __init__(self, found: Type, index: int, name: str | None) -> None:
        self.type, self.index, self.name = found, index, name


class Access:
    """An access, step by step, to the place `bit_offset` of a type. Steps are named members and elements of arrays:
    members without a name are passed through."""

    __slots__ = ("bit_offset", "length", "root", "steps")

    def __init__(self, root: Type) -> None:
        self.root = root
        self.steps: list[Step] = []
        self.bit_offset = 0
        self.length = 0  # of steps, with those through members without a name


def is_flexible(array: Array, before: Step) -> bool:
    """Whether an array is the flexible one at the end of a struct, which has any number of elements."""
    if before.name is None or array.length or not isinstance(before.type, Composite):
        return False
    return before.index == len(before.type.members) - 1


def parse(btf: Btf, relocation: CoreRelocation) -> Access:
    """The access of a relocation in the object's own types. Raises `BtfError` when it makes no sense there."""
    root = btf.type(relocation.type_id)
    access = Access(root)
    numbers = relocation.access.split(":")
    if relocation.kind not in KINDS:
        raise _error(btf, relocation, f"kind {relocation.kind} is not known")
    if len(numbers) > LONGEST or not all(each.isascii() and each.isdigit() and len(each) < 11 for each in numbers):
        raise _error(btf, relocation, "it is no list of numbers")
    indices = [int(each) for each in numbers]
    if relocation.kind in TYPE:
        if indices != [0]:
            raise _error(btf, relocation, "a type has no fields to choose from")
        return access
    found = root.resolve()
    if relocation.kind in ENUMVAL:
        if not isinstance(found, Enum) or len(indices) > 1 or indices[0] >= len(found.enumerators):
            raise _error(btf, relocation, "it names no enumerator")
        access.steps.append(Step(found, indices[0], found.enumerators[indices[0]][0]))
        return access
    access.steps.append(Step(found, indices[0], None))
    access.bit_offset = indices[0] * found.size * 8
    for index in indices[1:]:
        found = found.resolve()
        if isinstance(found, Composite):
            if index >= len(found.members):
                raise _error(btf, relocation, f"{found!r} has no member {index}")
            member = found.members[index]
            access.bit_offset += member.offset
            if member.name:
                access.steps.append(Step(found, index, member.name))
            found = member.type
        elif isinstance(found, Array):
            if index >= found.length and not is_flexible(found, access.steps[-1]):
                raise _error(btf, relocation, f"{found!r} has no element {index}")
            found = found.type.resolve()
            access.steps.append(Step(found, index, None))
            access.bit_offset += index * found.size * 8
        else:
            raise _error(btf, relocation, f"{found!r} has no parts")
    access.length = len(indices)
    return access


def _error(btf: Btf, relocation: CoreRelocation, problem: str) -> BtfError:
    text = f"CO-RE relocation of type {relocation.type_id}, access {relocation.access!r}: {problem}"
    return BtfError(text, btf.types_offset)


def describe(access: Access) -> str:
    """An access as C writes it: ``struct task_struct.se.statistics``, ``enum color::RED``."""
    root = access.root
    word = {4: "struct ", 5: "union ", 6: "enum ", 19: "enum "}.get(root.kind, "")
    text = f"{word}{root.name or '(anonymous)'}"
    if access.steps and isinstance(access.steps[0].type, Enum) and access.steps[0].name is not None:
        return f"{text}::{access.steps[0].name}"
    for number, step in enumerate(access.steps):
        if step.name is not None:
            text += f".{step.name}"
        elif number or step.index:
            text += f"[{step.index}]"
    return text
