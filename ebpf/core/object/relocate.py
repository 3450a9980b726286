"""A linked program made ready for the kernel: maps, variables, externs and CO-RE put into its instructions."""

from __future__ import annotations

import struct
import sys

from ebpf.btf import core
from ebpf.elf.externs import KCONFIG, KSYM_FUNC
from ebpf.elf.program import CODE, DATA, MAP
from ebpf.errors import ObjectFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ebpf.btf import Btf
    from ebpf.btf.core import Resolution
    from ebpf.core.object.ksyms import Symbols
    from ebpf.core.object.obstacle import Obstacle
    from ebpf.core.object.types import KernelTypes
    from ebpf.elf import Extern, Linked, Relocation

__all__ = ["KFUNC_POISON", "Ready", "ready"]

_MAP_FD, _MAP_VALUE, _BTF_ID, _KFUNC = 1, 2, 3, 2  # BPF_PSEUDO_…, include/uapi/linux/bpf.h
_CALL = 0x85
KFUNC_POISON = 2002000000
"""The helper that a call of a weak kernel function becomes when there is none: libbpf's number."""


class Ready:
    """A program's instructions as the kernel takes them.

    Attributes:
        code: the instructions.
        fd_array: descriptors that instructions refer to by index.
        resolutions: what each CO-RE relocation came to.
    """

    __slots__ = ("code", "fd_array", "linked", "resolutions")

    def __init__(self, linked: Linked) -> None:
        self.linked = linked
        self.code = bytearray(linked.insns)
        self.fd_array: list[int] = []
        self.resolutions: list[Resolution] = []

    def describe(self, instruction: int) -> str:
        """Where an instruction comes from: ``"sample.bpf.c:12: x = y + 1;"``."""
        try:
            line = self.linked.line_of(instruction)
            if line is not None:
                return f"{line.file}:{line.line}: {line.text}"
            origin = self.linked.origin(instruction)
        except (IndexError, ObjectFileError):
            return ""
        return f"{origin.function.name}+{origin.instruction}"

    def poisoned(self, instruction: int | None) -> Resolution | None:
        """The CO-RE relocation that found nothing at this instruction."""
        for each in self.resolutions:
            if each.poisoned and each.relocation.instruction == instruction:
                return each
        return None


def ready(
    linked: Linked,
    local: Btf | None,
    types: KernelTypes,
    maps: Mapping[str, int],
    externs: Mapping[str, Extern],
    symbols: Symbols,
    obstacles: list[Obstacle],
) -> Ready:
    """Put everything into a program's instructions.

    Parameters:
        linked: the program.
        local: the object's BTF.
        types: the kernel's.
        maps: descriptors by name; those of maps that could not be made are missing.
        externs: the object's, and `symbols` what they came to.
        obstacles: grows by what cannot be.
    """
    done = Ready(linked)
    for relocation in linked.relocations:
        if relocation.kind == MAP:
            _wide(done.code, relocation.instruction, _MAP_FD, maps.get(relocation.target, 0), 0)
        elif relocation.kind == DATA:
            _wide(done.code, relocation.instruction, _MAP_VALUE, maps.get(relocation.target, 0), relocation.addend)
        else:
            _extern(done, relocation, externs[relocation.target], symbols, maps)
    if linked.core_relocations and local is not None:
        _core(done, local, types, obstacles)
    return done


def _core(done: Ready, local: Btf, types: KernelTypes, obstacles: list[Obstacle]) -> None:
    from ebpf.core.object.obstacle import Obstacle

    program = done.linked.program
    targets = types.targets(local, done.linked.core_relocations)
    if not targets:
        from ebpf.kernel import running

        verdict = running().check("vmlinux_btf")
        reason = f"its CO-RE relocations need the kernel's types: {verdict.explain()} Give btf= a file with them."
        obstacles.append(Obstacle("program", program.name, reason, section=program.section, verdict=verdict))
        return
    for relocation in done.linked.core_relocations:
        resolution = core.resolve(local, relocation, targets)
        done.resolutions.append(resolution)
        problem = core.apply(done.code, resolution)
        if not problem and resolution.ambiguous:
            problem = resolution.problem
        if problem:
            obstacles.append(
                Obstacle(
                    "program",
                    program.name,
                    problem,
                    section=program.section,
                    instruction=relocation.instruction,
                    line=done.describe(relocation.instruction),
                )
            )


def _extern(done: Ready, relocation: Relocation, extern: Extern, symbols: Symbols, maps: Mapping[str, int]) -> None:
    at = relocation.instruction
    if extern.kind == KCONFIG:
        _wide(done.code, at, _MAP_VALUE, maps.get(".kconfig", 0), extern.offset + relocation.addend)
        return
    found = symbols.found.get(extern.name)
    if done.code[at * CODE] == _CALL:
        if found is None or extern.kind != KSYM_FUNC:
            _set(done.code, at, 0, 0, KFUNC_POISON)
            return
        index = 0
        if found.module:
            fd = symbols.module_fd(found.module)
            if not done.fd_array:
                done.fd_array.append(0)  # index 0 means vmlinux
            if fd not in done.fd_array:
                done.fd_array.append(fd)
            index = done.fd_array.index(fd)
        _set(done.code, at, _KFUNC, index, found.btf_id)
    elif found is not None and found.btf_id:
        fd = symbols.module_fd(found.module) if found.module else 0
        _wide(done.code, at, _BTF_ID, found.btf_id, fd)
    else:
        address = (found.address if found else 0) + (relocation.addend if found else 0)
        _wide(done.code, at, 0, address & 0xFFFFFFFF, address >> 32 & 0xFFFFFFFF)


def _registers(code: bytearray, at: int, source: int) -> None:
    registers = code[at * CODE + 1]
    little = sys.byteorder == "little"
    code[at * CODE + 1] = registers & 15 | source << 4 if little else registers & 0xF0 | source


def _set(code: bytearray, at: int, source: int, off: int, imm: int) -> None:
    _registers(code, at, source)
    struct.pack_into("=hI", code, at * CODE + 2, off, imm & 0xFFFFFFFF)


def _wide(code: bytearray, at: int, source: int, low: int, high: int) -> None:
    _registers(code, at, source)
    struct.pack_into("=I", code, at * CODE + 4, low & 0xFFFFFFFF)
    struct.pack_into("=I", code, (at + 1) * CODE + 4, high & 0xFFFFFFFF)
