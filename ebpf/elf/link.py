"""Static linking: a program and every function that it calls, one after another, as the kernel takes them."""

from __future__ import annotations

import struct
import sys
from bisect import bisect_right

from ebpf.elf.program import CALL, CODE, FUNCTION, closest_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.ext import CoreRelocation, FuncInfo, LineInfo
    from ebpf.elf.program import ProgramSpec, Relocation

__all__ = ["Linked", "Origin", "link"]

_PSEUDO_FUNC = 4


class Origin:
    """Where an instruction of a linked program comes from.

    Attributes:
        function: the function (`ebpf.elf.ProgramSpec`).
        instruction: its number in the function.
        section: the function's section.
        offset: the byte of the section.
    """

    __slots__ = ("function", "instruction", "offset", "section")

    def __init__(self, function: ProgramSpec, instruction: int) -> None:
        self.function = function
        self.instruction = instruction
        self.section = function.section
        self.offset = function.offset + instruction * CODE

    def __repr__(self) -> str:
        return f"<Origin {self.function.name}+{self.instruction}>"


class Linked:
    """A program as the kernel takes it, but for maps, externs and CO-RE.

    Attributes:
        program: the program that was linked.
        insns: all instructions; calls of functions and addresses of functions are filled in.
        parts: the first instruction of each function, and the function.
        relocations: those that are left: maps, data, externs.
        core_relocations, line_info, func_info: of all functions.

    Instructions are numbered from the program's first.
    """

    __slots__ = ("_starts", "core_relocations", "func_info", "insns", "line_info", "parts", "program", "relocations")

    def __init__(self, program: ProgramSpec, parts: list[tuple[int, ProgramSpec]]) -> None:
        self.program = program
        self.parts = parts
        self._starts = [start for start, _ in parts]
        self.insns = b""
        self.relocations: list[Relocation] = []
        self.core_relocations: list[CoreRelocation] = []
        self.line_info: list[LineInfo] = []
        self.func_info: list[FuncInfo] = []

    def origin(self, instruction: int) -> Origin:
        """Where an instruction comes from. Raises `IndexError` past the program's end."""
        if not 0 <= instruction < len(self.insns) // CODE:
            raise IndexError(f"instruction {instruction} of {len(self.insns) // CODE}")
        start, function = self.parts[bisect_right(self._starts, instruction) - 1]
        return Origin(function, instruction - start)

    @property
    def origins(self) -> list[Origin]:
        """Where each instruction comes from."""
        return [self.origin(number) for number in range(len(self.insns) // CODE)]

    def line_of(self, instruction: int) -> LineInfo | None:
        """The source line of an instruction; ``None`` without line information."""
        origin = self.origin(instruction)
        return closest_line(origin.function.line_info, origin.instruction)


def link(program: ProgramSpec) -> Linked:
    """Link a program with every function that it calls, directly or not, each once."""
    starts: dict[int, int] = {}  # of functions by their identity
    parts: list[tuple[int, ProgramSpec]] = []
    at = 0
    waiting = [program]
    while waiting:
        function = waiting.pop()
        if id(function) in starts:
            continue
        starts[id(function)] = at
        parts.append((at, function))
        at += function.size // CODE
        waiting.extend(callee for callee in reversed(_needs(function)) if id(callee) not in starts)
    linked = Linked(program, parts)
    code = bytearray(b"".join(function.insns for _, function in parts))
    for start, function in parts:
        for relocation in function.relocations:
            number = start + relocation.instruction
            if relocation.kind in (CALL, FUNCTION):
                _point(code, number, starts[id(relocation.function)], relocation.kind)
            else:
                linked.relocations.append(relocation.moved(start))
        linked.core_relocations.extend(each.moved(start) for each in function.core_relocations)
        linked.line_info.extend(each.moved(start) for each in function.line_info)
        linked.func_info.extend(each.moved(start) for each in function.func_info)
    linked.insns = bytes(code)
    return linked


def _needs(function: ProgramSpec) -> list[ProgramSpec]:
    called = [each.function for each in function.relocations if each.function is not None]
    return [*called, *function.object.exception_callbacks(function)]


def _point(code: bytearray, number: int, target: int, kind: str) -> None:
    """Make a call, or the load of a function's address, point to where the function is now."""
    at = number * CODE
    struct.pack_into("=i", code, at + 4, target - number - 1)
    if kind == FUNCTION:
        registers = code[at + 1]
        little = sys.byteorder == "little"
        code[at + 1] = registers & 15 | _PSEUDO_FUNC << 4 if little else registers & 0xF0 | _PSEUDO_FUNC
