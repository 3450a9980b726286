"""Whether a type of an object and one of the kernel are the same thing (libbpf, src/relo_core.c).

Three relations: of fields that are accessed, of types whose existence is asked for, and the strict one of
``bpf_core_type_matches()``. Each is bounded: types of hostile objects may refer to each other in any number of ways.
"""

from __future__ import annotations

from ebpf.btf.core.access import essential
from ebpf.btf.types import Array, Composite, Enum, Float, FuncProto, Fwd, Int, Pointer, Type, Union
from ebpf.errors import BtfError

__all__ = ["Budget", "fields_compatible", "kinds_compatible", "types_compatible", "types_match"]

_DEEP = 32
_STEPS = 100_000  # comparisons for one relocation: a thousand times what struct task_struct takes


class Budget:
    """How many comparisons are left; `spend` raises `BtfError` when there are none."""

    __slots__ = ("_left", "_offset")

    def __init__(self, offset: int) -> None:
        self._left = _STEPS
        self._offset = offset

    def spend(self, count: int = 1) -> None:
        """Use some up."""
        self._left -= count
        if self._left < 0:
            raise BtfError("a CO-RE relocation that takes more comparisons than any", self._offset)


def kinds_compatible(local: Type, target: Type) -> bool:
    """The same kind; an enum may have grown to 64 bits."""
    return local.kind == target.kind or (isinstance(local, Enum) and isinstance(target, Enum))


def fields_compatible(local: Type, target: Type, budget: Budget) -> bool:
    """Whether a field of one type can be read as the other: sizes and signs may differ, pointers are all alike."""
    while True:
        budget.spend()
        local, target = local.resolve(), target.resolve()
        if isinstance(local, Composite) and isinstance(target, Composite):
            return True
        if not kinds_compatible(local, target):
            return False
        if isinstance(local, Int) and isinstance(target, Int):
            return not local.offset and not target.offset
        if isinstance(local, (Fwd, Enum)):
            names = essential(local.name), essential(target.name)
            return not all(names) or names[0] == names[1]
        if not isinstance(local, Array) or not isinstance(target, Array):
            return isinstance(local, (Pointer, Float))
        local, target = local.type, target.type


def types_compatible(local: Type, target: Type, budget: Budget, level: int = _DEEP) -> bool:
    """Whether a type of this name is the one that is asked for: kinds agree, down to what pointers point to."""
    if not kinds_compatible(local, target):
        return False
    for _ in range(_DEEP):
        budget.spend()
        local, target = local.resolve(), target.resolve()
        if not kinds_compatible(local, target):
            return False
        if isinstance(local, Int) and isinstance(target, Int):
            return not local.offset and not target.offset
        if isinstance(local, FuncProto) and isinstance(target, FuncProto):
            ours, theirs = local.parameters, target.parameters
            if len(ours) != len(theirs) or (ours and level <= 0):
                return False
            for mine, other in zip(ours, theirs):
                if not types_compatible(mine.type.resolve(), other.type.resolve(), budget, level - 1):
                    return False
        elif not isinstance(local, (Pointer, Array)):
            return local.kind == 0 or isinstance(local, (Composite, Enum, Fwd))
        assert isinstance(local, (Pointer, Array, FuncProto))
        assert isinstance(target, (Pointer, Array, FuncProto))
        local, target = local.type, target.type
    raise BtfError(f"type {local.id} is behind more than {_DEEP} pointers", local.btf.types_offset)


def _names_match(local: str, target: str) -> bool:
    return essential(local) == essential(target) if target else not local


def types_match(local: Type, target: Type, budget: Budget, behind_pointer: bool = False, level: int = _DEEP) -> bool:
    """Whether a type has all that the local one has, with the same types, sizes and signs."""
    for _ in range(_DEEP if level > 0 else 0):
        budget.spend()
        local, target = local.resolve(), target.resolve()
        if not _names_match(local.name, target.name):
            return False
        if isinstance(local, Enum):
            return isinstance(target, Enum) and _enums_match(local, target, budget)
        if isinstance(local, (Composite, Fwd)) and (behind_pointer or isinstance(local, Fwd)):
            return _declarations_match(local, target, behind_pointer)
        if local.kind != target.kind:
            return False
        if isinstance(local, Composite) and isinstance(target, Composite):
            return _members_match(local, target, budget, behind_pointer, level)
        if isinstance(local, Int) and isinstance(target, Int):
            return local.size == target.size and local.signed == target.signed
        if isinstance(local, Array) and isinstance(target, Array):
            if local.length != target.length:
                return False
        elif isinstance(local, FuncProto) and isinstance(target, FuncProto):
            ours, theirs = local.parameters, target.parameters
            if len(ours) != len(theirs):
                return False
            for mine, other in zip(ours, theirs):
                if not types_match(mine.type, other.type, budget, behind_pointer, level - 1):
                    return False
        elif isinstance(local, Pointer):
            behind_pointer = True
        else:
            return local.kind == 0
        assert isinstance(local, (Pointer, Array, FuncProto))
        assert isinstance(target, (Pointer, Array, FuncProto))
        local, target = local.type, target.type
    raise BtfError(f"type {local.id} is nested more than {_DEEP} deep", local.btf.types_offset)


def _declarations_match(local: Type, target: Type, behind_pointer: bool) -> bool:
    """A struct or union that is only declared, on either side: which of the two it is must agree."""
    if not isinstance(target, (Composite, Fwd)):
        return False
    if not behind_pointer and local.kind != target.kind:
        return False
    return _is_union(local) == _is_union(target)


def _is_union(found: Type) -> bool:
    return found.union if isinstance(found, Fwd) else isinstance(found, Union)


def _enums_match(local: Enum, target: Enum, budget: Budget) -> bool:
    theirs = {essential(name) for name, _ in target.enumerators}
    ours = local.enumerators
    budget.spend(len(ours))
    return local.size == target.size and all(essential(name) in theirs for name, _ in ours)


def _members_match(local: Composite, target: Composite, budget: Budget, behind_pointer: bool, level: int) -> bool:
    for mine in local.members:
        budget.spend(len(target.members))
        if not any(
            types_match(mine.type, other.type, budget, behind_pointer, level - 1)
            for other in target.members
            if _names_match(mine.name, other.name)
        ):
            return False
    return True
