"""A program's code, linked with what it calls: what can run, on which kernel, and where each instruction comes from."""

from __future__ import annotations

import struct
import sys

from ebpf.asm.opcodes import CALL, JMP, LDDW, PSEUDO_KFUNC_CALL
from ebpf.check.arithmetic import DATA
from ebpf.check.core import CoreAccess
from ebpf.check.flow import Access, Blocks, Flow
from ebpf.check.guards import EXISTS, Exists, Guard, Option, guard_of
from ebpf.check.model import Place
from ebpf.verdict import SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.check.arithmetic import Pointer, Slot, Value
    from ebpf.check.target import Target
    from ebpf.elf import Linked, ObjectFile, ProgramSpec, Relocation

    Values = Sequence[int | None]

__all__ = ["ProgramCode"]

_KCONFIG = ".kconfig"
_CONSTANTS = "readonly_map_constants"
_DEAD_GLOBALS = "global_function_dead_code"


class ProgramCode:
    """One program of an object.

    Attributes:
        spec: the program as `ebpf.elf` has it.
        linked: it and the functions that it calls.
        slots: its instructions, the second half of a wide load as ``None``.
        relocations: by slot.
        core: its CO-RE relocations by slot, spelt.
        guards: what it asks of the kernel before it does something.
        accesses: loads and stores through the context.
        possible: the slots that can run on some kernel.
        certain: the slots that run where no guard is met, and those that run where every guard is.
    """

    def __init__(self, owner: ObjectFile, spec: ProgramSpec) -> None:
        self.spec = spec
        self.linked: Linked = spec.linked
        self._object = owner
        self.relocations: dict[int, Relocation] = {each.instruction: each for each in self.linked.relocations}
        self.slots, self._high = _slots(self.linked.insns)
        for slot, relocation in self.relocations.items():
            here = self.slots[slot] if slot < len(self.slots) else None
            if relocation.kind == "extern" and here is not None and here[0] == JMP | CALL:
                self.slots[slot] = (here[0], here[1], PSEUDO_KFUNC_CALL, here[3], here[4])
        self.core: dict[int, CoreAccess] = {}
        if owner.btf is not None:
            self.core = {each.instruction: CoreAccess(owner.btf, each) for each in self.linked.core_relocations}
        self._blocks = Blocks(self.slots)
        self._guards_at: dict[int, Guard] = {}
        self._data: dict[int, tuple[str, int]] = {}
        self._options: dict[int, Guard] = {}
        self._unknown: set[int] = set()
        self._reads_constants = False
        self._find_guards()
        distinct = {guard.key: guard for guard in (*self._guards_at.values(), *self._options.values())}
        self.guards: list[Guard] = list(distinct.values())
        self._place_of = {guard.key: number for number, guard in enumerate(self.guards)}
        self._globals = [start for start, part in self.linked.parts[1:] if part.is_global and not part.hidden]
        self._last: tuple[Target | None, tuple[frozenset[int], ...]] = (None, ())
        self._reached: dict[tuple[int | None, ...], frozenset[int]] = {}
        self.accesses: list[Access] = []
        self.possible = self._reach([None] * len(self.guards), False, True)
        self.certain = self._paths([None] * len(self.guards), True, True)

    def _find_guards(self) -> None:
        for slot, access in self.core.items():
            if access.kind in EXISTS:
                self._guards_at[slot] = Exists(access)
            else:
                self._unknown.add(slot)
        for slot, relocation in self.relocations.items():
            if relocation.kind == "data":
                self._data[slot] = (relocation.target, relocation.addend)
                self._reads_constants = self._reads_constants or self._is_constant(relocation.target)
            elif relocation.kind == "extern":
                extern = self._object.externs.get(relocation.target)
                if extern is not None and extern.kind == "kconfig":
                    self._data[slot] = (_KCONFIG, extern.offset + relocation.addend)
                    self._options[extern.offset] = guard_of(extern)
                elif extern is not None and extern.weak and self._is_wide(slot):
                    self._guards_at[slot] = guard_of(extern)
                else:
                    self._unknown.add(slot)
            else:
                self._unknown.add(slot)

    def _is_wide(self, slot: int) -> bool:
        here = self.slots[slot] if slot < len(self.slots) else None
        return here is not None and here[0] == LDDW

    def _is_constant(self, name: str) -> bool:
        from ebpf import uapi

        spec = self._object.maps.get(name)
        return spec is not None and bool(spec.flags & uapi.BPF_F_RDONLY_PROG) and name != _KCONFIG

    def _reach(self, values: Values, constants: bool, globals_: bool) -> frozenset[int]:
        """What can run.

        Parameters:
            values: of the guards, in their order; ``None`` where a value is not known.
            constants: whether the verifier knows what is in read-only data.
            globals_: whether it looks at global functions that nobody calls.
        """
        key = (*values, constants and self._reads_constants, globals_ and bool(self._globals))
        known = self._reached.get(key)
        if known is None:
            flow = self._flow(values, constants, self._globals if globals_ else ())
            if not self._reached:
                self.accesses = flow.accesses()
            known = self._reached[key] = frozenset(flow.reached)
        return known

    def _flow(self, values: Values, constants: bool, entries: Sequence[int]) -> Flow:
        place_of = self._place_of
        put: dict[int, Value] = dict.fromkeys(self._unknown)
        for slot, guard in self._guards_at.items():
            put[slot] = values[place_of[guard.key]]
        for slot, (name, offset) in self._data.items():
            put[slot] = (DATA, name, offset)

        def load(pointer: Pointer, size: int) -> int | None:
            _, name, offset = pointer
            if name == _KCONFIG:
                option = self._options.get(offset)
                return None if option is None else values[place_of[option.key]]
            if not constants or offset < 0 or not self._is_constant(name):
                return None
            spec = self._object.maps[name]
            if offset + size > spec.value_size:
                return None
            data = b"" if spec.data is None else bytes(spec.data[offset : offset + size])
            return int.from_bytes(data, "little" if self._object.byteorder == "little" else "big")

        return Flow(self.slots, put, load, self._high, self._blocks, entries)

    def _paths(self, values: Values, constants: bool, globals_: bool) -> tuple[frozenset[int], ...]:
        """What runs where the guards whose value is not known are not met, and where they are.

        Options are read out of a map: without `constants` the verifier does not know them, and follows both ways.
        """
        pairs = [
            (value, value) if value is not None else (guard.old, guard.new) for guard, value in zip(self.guards, values)
        ]
        sides = []
        for side in (0, 1):
            chosen: list[int | None] = [pair[side] for pair in pairs]
            if not constants:
                chosen = [None if isinstance(guard, Option) else value for guard, value in zip(self.guards, chosen)]
            sides.append(self._reach(chosen, constants, globals_))
        return (sides[0],) if sides[0] == sides[1] else tuple(sides)

    def paths(self, target: Target) -> tuple[frozenset[int], ...]:
        """The slots that the verifier of a kernel sees run: one set, or two where it is not known what guards say."""
        if self.plain:
            return (self.possible,)
        if self._last[0] is not target:
            values = [guard.ask(target) for guard in self.guards]
            constants = target.feature(_CONSTANTS) == SUPPORTED
            paths = self._paths(values, constants, target.feature(_DEAD_GLOBALS) != SUPPORTED)
            self._last = (target, paths)
        return self._last[1]

    @property
    def plain(self) -> bool:
        """Whether the same instructions run on every kernel."""
        return not (self.guards or self._reads_constants or self._globals)

    def guarding(self, slot: int) -> list[str]:
        """What is asked before an instruction runs, as C."""
        nothing: list[int | None] = [None] * len(self.guards)
        found = [] if slot in self._reach(nothing, True, True) else ["a variable in read-only data"]
        old: list[int | None] = [guard.old for guard in self.guards]
        new: list[int | None] = [guard.new for guard in self.guards]
        # Each guard by itself is turned round where the others let the instruction run.
        start, other, negation = (new, old, "") if slot in self._reach(new, False, True) else (old, new, "!")
        if slot not in self._reach(start, False, True):
            start = nothing
        for number, guard in enumerate(self.guards):
            turned = [*start[:number], other[number], *start[number + 1 :]]
            if slot not in self._reach(turned, False, True):
                found.append(negation + guard.text)
        return found

    def place(self, slot: int) -> Place:
        """Where an instruction comes from."""
        origin = self.linked.origin(slot)
        line = self.linked.line_of(slot)
        return Place(
            self.spec.name,
            origin.section,
            origin.offset // 8,
            "" if origin.function is self.spec else origin.function.name,
            line.file if line is not None else "",
            line.line or None if line is not None else None,
        )

    def __repr__(self) -> str:
        return f"<ProgramCode {self.spec.name}>"


def _slots(insns: bytes) -> tuple[list[Slot | None], dict[int, int]]:
    """Instructions by slot, and the upper halves of wide loads by the slot of the lower ones."""
    slots: list[Slot | None] = []
    high: dict[int, int] = {}
    little = sys.byteorder == "little"
    wide = False
    for code, registers, off, imm in struct.iter_unpack("=BBhi", insns):
        if wide:
            if imm:
                high[len(slots) - 1] = imm
            slots.append(None)
            wide = False
            continue
        dst, src = (registers & 15, registers >> 4) if little else (registers >> 4, registers & 15)
        slots.append((code, dst, src, off, imm))
        wide = code == LDDW
    return slots, high
