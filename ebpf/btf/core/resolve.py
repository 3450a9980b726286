"""The value of a CO-RE relocation on a kernel."""

from __future__ import annotations

import sys

from ebpf import uapi
from ebpf.btf.core import access as accesses
from ebpf.btf.core.access import ENUMVAL, FIELD, KINDS, Access, essential
from ebpf.btf.core.compatible import Budget, kinds_compatible
from ebpf.btf.core.match import match
from ebpf.btf.types import Array, Composite, Enum, Int, Pointer, Type
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ebpf.btf import Btf
    from ebpf.btf.ext import CoreRelocation

__all__ = ["Resolution", "resolve", "root_names"]

_ANSWERS = frozenset(  # kinds for which 'there is none' is an answer, not a failure
    (
        uapi.BPF_CORE_FIELD_EXISTS,
        uapi.BPF_CORE_TYPE_ID_TARGET,
        uapi.BPF_CORE_TYPE_EXISTS,
        uapi.BPF_CORE_TYPE_SIZE,
        uapi.BPF_CORE_TYPE_MATCHES,
        uapi.BPF_CORE_ENUMVAL_EXISTS,
    )
)


class Value:
    """What one type says: the value, whether compilers agree on it, and for a field its size and type."""

    __slots__ = ("number", "size", "sure", "type")

    def __init__(self, number: int, sure: bool = True, size: int = 0, found: Type | None = None) -> None:
        self.number, self.sure, self.size, self.type = number, sure, size, found


class Resolution:
    """What a relocation comes to.

    Attributes:
        relocation: the relocation.
        text: what it asks for, as C writes it: ``"struct task_struct.comm"``.
        value: the number that goes into the instruction; ``None`` when it must be poisoned.
        found: whether the kernel has what is asked for; an existence of nothing has the value 0.
        expected: the number that the instruction holds now.
        sure: whether `expected` must be there: compilers choose differently for bit fields.
        old_size, new_size: of the field in bytes, for a load or store; 0 when not known.
        resizable: whether the size of the load or store may be changed to `new_size`.
        target: the kernel's type (`ebpf.btf.types.Type`), ``None`` when there is none.
        candidates: how many types of the kernel have the name.
        problem: why there is no value: in words, empty when there is one.
        ambiguous: whether that is because several types of the kernel do not agree.
    """

    __slots__ = (
        "ambiguous",
        "candidates",
        "expected",
        "found",
        "new_size",
        "old_size",
        "problem",
        "relocation",
        "resizable",
        "sure",
        "target",
        "text",
        "value",
    )

    def __init__(self, relocation: CoreRelocation, text: str, local: Value | None, candidates: int) -> None:
        self.relocation = relocation
        self.text = text
        self.expected = local.number if local else 0
        self.sure = local.sure if local else False
        self.old_size = self.new_size = local.size if local else 0
        self.candidates = candidates
        self.value: int | None = None
        self.found = False
        self.resizable = True
        self.target: Type | None = None
        self.problem = ""
        self.ambiguous = False

    @property
    def poisoned(self) -> bool:
        """Whether the instruction has to be made one that the verifier refuses."""
        return self.value is None

    def __repr__(self) -> str:
        what = self.problem or f"{self.value}"
        return f"<Resolution {KINDS.get(self.relocation.kind, '?')} {self.text}: {what}>"


def root_names(btf: Btf, relocations: Iterable[CoreRelocation]) -> set[str]:
    """The essential names of the types that relocations begin with: what to look for in the kernel's BTF."""
    return {essential(btf.name(each.type_id)) for each in relocations if each.type_id} - {""}


def resolve(local: Btf, relocation: CoreRelocation, targets: Sequence[Btf]) -> Resolution:
    """What a relocation comes to on a kernel.

    Parameters:
        local: the object's own BTF.
        relocation: one of its CO-RE relocations.
        targets: the BTF of the kernel, and of its modules: these are asked when the kernel's has no type of the name.

    Raises `BtfError` when the relocation or a type it leads to is malformed.
    """
    access = accesses.parse(local, relocation)
    text = accesses.describe(access)
    kind = relocation.kind
    if kind == uapi.BPF_CORE_TYPE_ID_LOCAL:
        done = Resolution(relocation, text, Value(relocation.type_id, False), 0)
        done.value, done.found, done.target = relocation.type_id, True, access.root
        return done
    name = essential(access.root.name)
    if not name:
        raise BtfError(f"a CO-RE relocation of type {relocation.type_id}, which has no name", local.types_offset)
    budget = Budget(local.types_offset)
    ours = _value(access, kind)
    candidates = _candidates(name, access.root, targets)
    done = Resolution(relocation, text, ours, len(candidates))
    for candidate in candidates:
        found = match(access, kind, candidate, budget)
        if found is None:
            continue
        theirs = _value(found, kind)
        if done.found and (theirs.number != done.value):
            done.ambiguous, done.value = True, None
            done.problem = (
                f"{KINDS[kind]} {text} is ambiguous: types {done.target.id if done.target else 0} and {candidate.id}"
                " of the kernel do not agree"
            )
            return done
        if not done.found:
            done.found, done.value, done.target = True, theirs.number, candidate
            done.new_size = theirs.size
            done.resizable = theirs.size == ours.size or _resizable(ours.type, theirs.type)
    if not done.found:
        if kind in _ANSWERS:
            done.value = 0
        done.problem = _missing(text, access, candidates, kind)
    return done


def _candidates(name: str, root: Type, targets: Sequence[Btf]) -> list[Type]:
    """The types of a name, of whatever flavour: the kernel's, or else those of all modules."""
    found: list[Type] = []
    for number, target in enumerate(targets):
        if number == 1 and found:
            break
        names = [name, *(each for each in target.names_from(f"{name}___") if essential(each) == name)]
        found += [target.type(number) for each in names for number in target.ids(each)]
        found = [each for each in found if kinds_compatible(root, each)]
    return found


def _missing(text: str, access: Access, candidates: list[Type], kind: int) -> str:
    if not candidates:
        return f"{text}: the kernel has no type {essential(access.root.name)!r}"
    what = "enumerator" if kind in ENUMVAL else "field, or one of another type"
    if not access.steps:
        return f"{text}: the kernel's is different"
    return f"{text}: the kernel's {essential(access.root.name)!r} has no such {what}"


def _resizable(old: Type | None, new: Type | None) -> bool:
    """Whether a load of another size gives the same value: pointers, and integers that are not signed."""
    if isinstance(old, Pointer) and isinstance(new, Pointer):
        return True
    return isinstance(old, Int) and isinstance(new, Int) and old.encoding != 1 and new.encoding != 1


def _value(access: Access, kind: int) -> Value:
    """What an access comes to in the types that it is an access of."""
    if kind in ENUMVAL:
        step = access.steps[0]
        assert isinstance(step.type, Enum)
        return Value(1 if kind == uapi.BPF_CORE_ENUMVAL_EXISTS else step.type.enumerators[step.index][1])
    if kind == uapi.BPF_CORE_TYPE_ID_TARGET:
        return Value(access.root.id, False)  # ids change when objects are linked
    if kind == uapi.BPF_CORE_TYPE_SIZE:
        return Value(access.root.size)
    if kind not in FIELD or kind == uapi.BPF_CORE_FIELD_EXISTS:
        return Value(1)
    step = access.steps[-1]
    return _element(access, kind) if step.name is None else _field(access, kind)


def _element(access: Access, kind: int) -> Value:
    found = access.steps[-1].type
    if kind == uapi.BPF_CORE_FIELD_BYTE_OFFSET:
        return Value(access.bit_offset // 8, True, _innermost(found).size, found)
    if kind == uapi.BPF_CORE_FIELD_BYTE_SIZE:
        return Value(found.size)
    raise BtfError(f"a CO-RE relocation asks for the {KINDS[kind]} of an array's element", found.btf.types_offset)


def _innermost(found: Type) -> Type:
    found = found.resolve()
    for _ in range(accesses.LONGEST):
        if not isinstance(found, Array):
            return found
        found = found.type.resolve()
    raise BtfError(f"type {found.id} is an array of too many dimensions", found.btf.types_offset)


def _field(access: Access, kind: int) -> Value:
    step = access.steps[-1]
    assert isinstance(step.type, Composite)
    member = step.type.members[step.index]
    found = member.type.resolve()
    size = found.size
    start, bits = access.bit_offset, member.bits
    if bits:
        at, size = _storage(found, start, bits, size)
    else:
        at, bits = start // 8, size * 8
    sure = not member.bits
    if kind == uapi.BPF_CORE_FIELD_BYTE_OFFSET:
        return Value(at, sure, _innermost(found).size, found) if sure else Value(at, sure)
    if kind == uapi.BPF_CORE_FIELD_BYTE_SIZE:
        return Value(size, sure)
    if kind == uapi.BPF_CORE_FIELD_SIGNED:
        return Value(int(isinstance(found, (Int, Enum)) and found.signed))
    if kind == uapi.BPF_CORE_FIELD_LSHIFT_U64:
        little = sys.byteorder == "little"
        shift = 64 - (start + bits - at * 8) if little else (8 - size) * 8 + start - at * 8
        return Value(shift & 0xFFFFFFFFFFFFFFFF, sure)
    return Value((64 - bits) & 0xFFFFFFFFFFFFFFFF)  # BPF_CORE_FIELD_RSHIFT_U64


def _storage(found: Type, start: int, bits: int, size: int) -> tuple[int, int]:
    """The smallest integer that holds a bit field, aligned: its offset and size in bytes."""
    if size not in (1, 2, 4, 8):
        raise BtfError(f"a bit field of type {found.id}, of {size} bytes", found.btf.types_offset)
    at = start // 8 // size * size
    while start + bits - at * 8 > size * 8:
        if size >= 8:
            raise BtfError(f"a bit field of type {found.id} that no load can read", found.btf.types_offset)
        size *= 2
        at = start // 8 // size * size
    return at, size
