"""One instruction, ``struct bpf_insn``, and sequences of them as bytes."""

from __future__ import annotations

import struct
import sys

from ebpf.asm.opcodes import CALL, JA, JMP, JMP32, LDDW, PSEUDO_CALL, PSEUDO_FUNC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Union

    from ebpf.errors import AssemblyError

    Item = Union["Instruction", str]

__all__ = ["Instruction", "assemble", "disassemble"]

_LAYOUTS = {"little": struct.Struct("<BBhi"), "big": struct.Struct(">BBhi")}
_SIZE = 8
_GOTOL, _CALL = JMP32 | JA, JMP | CALL


class Instruction:
    """One instruction.

    Attributes:
        code: the opcode.
        dst, src: register numbers; ``src`` of a call or a wide load says what ``imm`` is (``BPF_PSEUDO_…``).
        off: signed, 16 bits.
        imm: signed, 32 bits; what a 64-bit load has in its lower half.
        high: the upper half of a 64-bit load, which takes two slots; 0 for any other.
        target: the label it jumps to or calls; `assemble` puts the distance in its place.

    Instructions are values: they compare, hash, and do not change (`replace` makes another).
    """

    __slots__ = ("code", "dst", "high", "imm", "off", "src", "target")

    code: int
    dst: int
    src: int
    off: int
    imm: int
    high: int
    target: str | None

    def __init__(
        self,
        code: int,
        dst: int = 0,
        src: int = 0,
        off: int = 0,
        imm: int = 0,
        high: int = 0,
        target: str | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "code", code)
        put(self, "dst", int(dst))
        put(self, "src", int(src))
        put(self, "off", off)
        put(self, "imm", imm)
        put(self, "high", high)
        put(self, "target", target)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an instruction does not change: replace({name}=…) makes another")

    def replace(self, **fields: int | str | None) -> Instruction:
        """The same instruction with other fields."""
        own: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return Instruction(**{**own, **fields})  # type: ignore[arg-type]  # named as in __init__

    @property
    def wide(self) -> bool:
        """Whether it takes two slots of the program: the load of 64 bits does."""
        return self.code == LDDW

    @property
    def slots(self) -> int:
        """How many instructions it counts for: jumps, limits and line numbers count slots."""
        return 2 if self.code == LDDW else 1

    @property
    def imm64(self) -> int:
        """The whole operand of a 64-bit load, unsigned."""
        return (self.high & 0xFFFFFFFF) << 32 | self.imm & 0xFFFFFFFF

    def encode(self, byteorder: str = sys.byteorder) -> bytes:
        """``struct bpf_insn`` as bytes, 8 of them, 16 for a 64-bit load. Raises `AssemblyError` if a field is too big.

        Parameters:
            byteorder: ``"little"`` or ``"big"``; this machine's by default.
        """
        if self.target is not None:
            raise _error(f"`{self}` jumps to the label {self.target!r}: assemble() the whole program")
        if (self.dst | self.src) & ~15:
            raise _error(self._too_big())
        pack = _LAYOUTS[byteorder].pack
        registers = self.dst | self.src << 4 if byteorder == "little" else self.dst << 4 | self.src
        try:
            first = pack(self.code, registers, self.off, _signed(self.imm))
            return first if self.code != LDDW else first + pack(0, 0, 0, _signed(self.high))
        except struct.error:
            raise _error(self._too_big()) from None

    def _too_big(self) -> str:
        limits = (("code", 0, 255), ("dst", 0, 15), ("src", 0, 15), ("off", -(2**15), 2**15 - 1))
        for name, low, high in (*limits, ("imm", -(2**31), 2**32 - 1), ("high", -(2**31), 2**32 - 1)):
            number = getattr(self, name)
            if not isinstance(number, int):
                return f"{name} of an instruction is {number!r}: give an integer"
            if not low <= number <= high:
                return f"{name} of the instruction {self.code:#04x} is {number}: it must be from {low} to {high}"
        return "an instruction cannot be encoded"

    def __bytes__(self) -> bytes:
        return self.encode()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instruction):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (self.code, self.dst, self.src, self.off, _signed(self.imm), _signed(self.high), self.target)

    def __str__(self) -> str:
        """In the notation of the kernel's verifier: ``r0 = *(u32 *)(r1 +4)``."""
        from ebpf.asm.text import spell

        return spell(self)

    def __repr__(self) -> str:
        return f"<{self}>"


def _error(text: str) -> AssemblyError:
    from ebpf.errors import AssemblyError  # not at the top: the probes' start is measured

    return AssemblyError(text)


def _signed(number: int) -> int:
    """A field of 32 bits may be given signed or unsigned."""
    return number - 2**32 if 2**31 <= number < 2**32 else number


def assemble(program: Iterable[Item], byteorder: str = sys.byteorder) -> bytes:
    """Instructions and labels as bytes, ready for ``BPF_PROG_LOAD``.

    Parameters:
        program: `Instruction` by `Instruction`; a string is a label for the place where it stands.
        byteorder: ``"little"`` or ``"big"``; this machine's by default.

    Raises `AssemblyError` when a label is missing or there twice, or a distance does not fit.
    """
    items = list(program)
    places = _places(items)
    pieces = []
    for item, place in _instructions(items):
        if item.target is not None:
            item = _resolve(item, place, places)
        pieces.append(item.encode(byteorder))
    return b"".join(pieces)


def _instructions(items: Iterable[Item]) -> Iterator[tuple[Instruction, int]]:
    place = 0
    for item in items:
        if isinstance(item, Instruction):
            yield item, place
            place += item.slots


def _places(items: list[Item]) -> dict[str, int]:
    places: dict[str, int] = {}
    place = 0
    for item in items:
        if isinstance(item, Instruction):
            place += item.slots
        elif not isinstance(item, str):
            raise _error(f"{item!r} is neither an instruction nor a label (a string)")
        elif item in places:
            raise _error(f"the label {item!r} stands in two places, {places[item]} and {place}")
        else:
            places[item] = place
    return places


def _resolve(insn: Instruction, place: int, places: dict[str, int]) -> Instruction:
    target = str(insn.target)
    if target not in places:
        known = ", ".join(map(repr, places)) or "none"
        raise _error(f"`{insn}` goes to a label that is not there; the labels are: {known}")
    distance = places[target] - place - insn.slots
    if insn.wide and insn.src == PSEUDO_FUNC:
        distance += 1  # kernel/bpf/verifier.c, check_pseudo…: counted from the first slot of the two
    far = insn.code == _GOTOL or (insn.code == _CALL and insn.src == PSEUDO_CALL) or insn.wide
    if not far and not -(2**15) <= distance < 2**15:
        raise _error(f"{target!r} is {distance} instructions away, a jump reaches 32767: use gotol()")
    return insn.replace(target=None, **{"imm" if far else "off": distance})


def disassemble(code: bytes, byteorder: str = sys.byteorder) -> list[Instruction]:
    """Bytes as instructions; `assemble` gives the same bytes again. Unknown opcodes stay as they are.

    Raises `AssemblyError` when the length is no multiple of 8 or the last instruction lacks its second half.
    """
    if len(code) % _SIZE:
        raise _error(f"{len(code)} bytes are no whole number of instructions of {_SIZE} bytes")
    little = byteorder == "little"
    found = []
    slots = _LAYOUTS[byteorder].iter_unpack(code)
    for number, (opcode, registers, off, imm) in enumerate(slots):
        low, high = registers & 15, registers >> 4
        dst, src = (low, high) if little else (high, low)
        upper = 0
        if opcode == LDDW:
            second = next(slots, None)
            if second is None:
                raise _error(f"the code ends within the 64-bit load at instruction {len(code) // _SIZE - 1}")
            if second[:3] != (0, 0, 0):
                raise _error(f"the second half of the 64-bit load after {number} instructions is not one")
            upper = second[3]
        found.append(Instruction(opcode, dst, src, off, imm, upper))
    return found
