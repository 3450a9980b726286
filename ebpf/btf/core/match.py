"""Finding an access of the object's types in a type of the kernel's."""

from __future__ import annotations

from ebpf import uapi
from ebpf.btf.core.access import ENUMVAL, LONGEST, TYPE, Access, Step, essential, is_flexible
from ebpf.btf.core.compatible import Budget, fields_compatible, types_compatible, types_match
from ebpf.btf.types import Array, Composite, Enum, Type

__all__ = ["match"]


def match(access: Access, kind: int, target: Type, budget: Budget) -> Access | None:
    """The same access in `target`; ``None`` when it has no such field. Raises `BtfError` for malformed types."""
    found = Access(target)
    if kind in TYPE:
        relation = types_match if kind == uapi.BPF_CORE_TYPE_MATCHES else types_compatible
        return found if relation(access.root, target, budget) else None
    if kind in ENUMVAL:
        return found if _enumerator(access, found, target.resolve(), budget) else None
    current: Type | None = target
    for number, step in enumerate(access.steps):
        assert current is not None
        current = current.resolve()
        if step.name is not None:
            current = _member(step, current, found, budget)
        else:
            current = _element(step, current, found, number)
        if current is None:
            return None
    return found


def _enumerator(access: Access, found: Access, target: Type, budget: Budget) -> bool:
    if not isinstance(target, Enum):
        return False
    wanted = essential(access.steps[0].name or "")
    budget.spend(len(target.enumerators))
    for index, (name, _) in enumerate(target.enumerators):
        if essential(name) == wanted:
            found.steps.append(Step(target, index, name))
            return True
    return False


def _element(step: Step, current: Type, found: Access, number: int) -> Type | None:
    """An element of an array; the first step is one of the pointer that the access begins with."""
    if number:
        if not isinstance(current, Array):
            return None
        if step.index >= current.length and not is_flexible(current, found.steps[-1]):
            return None
        current = current.type.resolve()
    found.steps.append(Step(current, step.index, None))
    found.length += 1
    found.bit_offset += step.index * current.size * 8
    return current


def _member(step: Step, current: Type, found: Access, budget: Budget, depth: int = 0) -> Type | None:
    """The member of that name, in members without a name too. A member whose type does not fit is not it."""
    if not isinstance(current, Composite) or found.length + depth >= LONGEST:
        return None
    assert isinstance(step.type, Composite)
    wanted = step.type.members[step.index]
    budget.spend(1 + len(current.members))
    for index, member in enumerate(current.members):
        if member.name == step.name:
            if not fields_compatible(wanted.type, member.type, budget):
                return None
            found.steps.append(Step(current, index, member.name))
            found.length += 1 + depth
            found.bit_offset += member.offset
            return member.type
        if not member.name:
            inner = _member(step, member.type.resolve(), found, budget, depth + 1)
            if inner is not None:
                found.bit_offset += member.offset
                return inner
    return None
