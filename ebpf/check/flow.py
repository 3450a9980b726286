"""Which instructions of a program can run: constants are followed, and branches that they decide.

The verifier leaves out what no path reaches, and what it knows to be constant decides paths: whether a type exists
(a CO-RE relocation), a build option, a weak symbol's address, a variable in read-only data. So a helper behind such a
check need not be there. Paths are joined, not followed one by one: more is counted as reachable than the verifier
reaches, never less.
"""

from __future__ import annotations

from ebpf.asm.opcodes import (
    ALU,
    ALU64,
    ATOMIC,
    CALL,
    DW,
    EXIT,
    JA,
    JCOND,
    JMP,
    JMP32,
    LD,
    LDDW,
    LDX,
    MEM,
    PSEUDO_CALL,
    ST,
    STX,
    B,
    H,
    W,
    X,
)
from ebpf.check.arithmetic import CONTEXT, DATA, computed, decided, wide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ebpf.check.arithmetic import Pointer, Slot, Value

__all__ = ["Access", "Blocks", "Flow", "has_loop", "successors"]

_REGISTERS = 16  # that an instruction can name; five more than there are
_CALL, _EXIT, _JA, _GOTOL = JMP | CALL, JMP | EXIT, JMP | JA, JMP32 | JA
_GOTOX, _MAY_GOTO = JMP | X | JA, JMP | JCOND
_SIZES = {W: 4, H: 2, B: 1, DW: 8}
_MODE, _SIZE, _CLASS = 0xE0, 0x18, 7


class Access:
    """A load or store through the context: where in the program, at which offset, how many bytes, and whether it
    writes."""

    __slots__ = ("offset", "size", "slot", "writes")

    def __init__(self, slot: int, offset: int, size: int, writes: bool) -> None:
        self.slot = slot
        self.offset = offset
        self.size = size
        self.writes = writes


class Flow:
    """One walk over a program.

    Parameters:
        slots: the instructions, as `Slot`, the second half of a wide load as ``None``.
        blocks: of those instructions.
        high: what the second halves hold, by the slot of the first, where that is not 0.
        values: what a relocation puts into the destination of the instruction at a slot: a number, a pointer, or
            ``None`` when it is not known.
        load: what is read through a pointer into data: pointer, size in bytes; ``None`` when it is not known.
        entries: where execution may begin, beside the first instruction.

    Attributes:
        reached: the slots that can run, without second halves.
    """

    def __init__(
        self,
        slots: Sequence[Slot | None],
        values: dict[int, Value],
        load: Callable[[Pointer, int], int | None],
        high: dict[int, int],
        blocks: Blocks,
        entries: Iterable[int] = (),
    ) -> None:
        self.slots = slots
        self.reached: set[int] = set()
        self._values = values
        self._load = load
        self._high = high
        self._blocks = blocks
        self._states: dict[int, list[Value]] = {}
        self._ends: dict[int, int] = {}
        self._work: list[int] = []
        unknown: list[Value] = [None] * _REGISTERS
        begin = list(unknown)
        begin[1] = (CONTEXT, "", 0)
        for entry in entries:
            self._join(entry, unknown)
        self._join(0, begin)
        while self._work:
            start = self._work.pop()
            self._ends[start] = self._block(start, list(self._states[start]))
        for start, end in self._ends.items():
            self.reached.update(range(start, end))
        self.reached.difference_update(blocks.halves)

    def _join(self, start: int, state: list[Value]) -> None:
        """Reach a block with this state; run it again when that says something new."""
        if not 0 <= start < len(self.slots):
            return
        known = self._states.get(start)
        if known is None:
            self._states[start] = list(state)
        else:
            changed = False
            for register, value in enumerate(state):
                if known[register] is not None and known[register] != value:
                    known[register] = None
                    changed = True
            if not changed:
                return
        self._work.append(start)

    def _block(self, at: int, state: list[Value], accesses: list[Access] | None = None) -> int:
        """Run one block; returns the slot after it. With `accesses` nothing is reached, the context is watched."""
        slots, values, starts = self.slots, self._values, self._blocks.starts
        first = at
        while at < len(slots):
            slot = slots[at]
            if slot is None or (at != first and at in starts):
                break
            code, dst, src, off, imm = slot
            kind = code & _CLASS
            if kind in (ALU64, ALU):
                if at in values:
                    state[dst] = values[at]
                else:
                    state[dst] = computed(code, state[dst], state[src] if code & X else imm, off)
            elif code == LDDW:
                state[dst] = values[at] if at in values else wide(src, imm, self._high.get(at, 0))
                at += 1
            elif kind == LDX:
                base = state[src]
                if accesses is not None and type(base) is tuple and base[0] == CONTEXT:
                    accesses.append(Access(at, base[2] + off, _SIZES[code & _SIZE], False))
                state[dst] = self._read(base, off, code)
            elif kind in (ST, STX):
                base = state[dst]
                if accesses is not None and type(base) is tuple and base[0] == CONTEXT:
                    accesses.append(Access(at, base[2] + off, _SIZES[code & _SIZE], True))
                if code & _MODE == ATOMIC:  # atomic: may return the old value
                    state[src] = state[0] = None
            elif kind == LD:  # BPF_ABS, BPF_IND
                state[0:6] = [None] * 6
            elif kind in (JMP, JMP32):
                if code == _CALL:
                    if src == PSEUDO_CALL and accesses is None:
                        self._join(at + imm + 1, [None, *state[1:6], *[None] * (_REGISTERS - 6)])
                    state[0:6] = [None] * 6
                else:
                    if accesses is None:
                        self._jump(at, slot, state)
                    return at + 1
            at += 1
        if accesses is None:
            self._join(at, state)
        return at

    def _read(self, base: Value, off: int, code: int) -> Value:
        if type(base) is tuple and base[0] == DATA and code & _MODE == MEM:
            return self._load((DATA, base[1], base[2] + off), _SIZES[code & _SIZE])
        return None

    def _jump(self, at: int, slot: Slot, state: list[Value]) -> None:
        code, dst, src, off, imm = slot
        if code in (_EXIT, _GOTOX):
            return  # the targets of an indirect jump are entries
        if code == _JA:
            self._join(at + 1 + off, state)
            return
        if code == _GOTOL:
            self._join(at + 1 + imm, state)
            return
        taken = None if code == _MAY_GOTO else decided(code, state[dst], state[src] if code & X else imm)
        if taken is not False:
            self._join(at + 1 + off, state)
        if taken is not True:
            self._join(at + 1, state)

    def accesses(self) -> list[Access]:
        """Loads and stores through the context."""
        found: list[Access] = []
        for start, state in self._states.items():
            self._block(start, list(state), found)
        return found


class Blocks:
    """Where the blocks of a program begin, and the second halves of wide loads; once for all walks over it."""

    __slots__ = ("halves", "starts")

    def __init__(self, slots: Sequence[Slot | None]) -> None:
        self.starts = {0}
        self.halves = {at for at, slot in enumerate(slots) if slot is None}
        for at, slot in enumerate(slots):
            if slot is not None and slot[0] & _CLASS in (JMP, JMP32):
                self.starts.update(successors(at, slot))
                if slot[0] == _CALL and slot[2] == PSEUDO_CALL:
                    self.starts.add(at + slot[4] + 1)


def successors(at: int, slot: Slot) -> tuple[int, ...]:
    """Where execution may go after the instruction at `at`, calls aside."""
    code = slot[0]
    if code & _CLASS not in (JMP, JMP32) or code == _CALL:
        return (at + (2 if code == LDDW else 1),)
    if code in (_EXIT, _GOTOX):
        return ()
    if code == _JA:
        return (at + 1 + slot[3],)
    if code == _GOTOL:
        return (at + 1 + slot[4],)
    return (at + 1, at + 1 + slot[3])


def has_loop(slots: Sequence[Slot | None]) -> bool:
    """Whether some path comes back to where it was, within a function: what kernels without loops refuse."""
    following = [() if slot is None else successors(at, slot) for at, slot in enumerate(slots)]
    if not any(to <= at for at, targets in enumerate(following) for to in targets):
        return False
    new, open_, done = 0, 1, 2
    state = bytearray(len(slots))
    for root in range(len(slots)):
        path = [] if state[root] != new else [(root, iter(following[root]))]
        state[root] = state[root] or open_
        while path:
            at, rest = path[-1]
            to = next(rest, None)
            if to is None:
                state[at] = done
                path.pop()
            elif not 0 <= to < len(slots) or state[to] == done:
                continue
            elif state[to] == open_:
                return True
            else:
                state[to] = open_
                path.append((to, iter(following[to])))
    return False
