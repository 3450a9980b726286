"""Statically defined tracing points of user space, and their arguments as libbpf's usdt.bpf.h reads them."""

from __future__ import annotations

import os
import re
import struct

from ebpf.core import objects
from ebpf.core.links.base import Attempt, LinkCore
from ebpf.core.links.multi import together
from ebpf.core.links.probes import uprobe
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore
    from ebpf.core.program import ProgramCore

__all__ = ["Argument", "arguments", "usdt"]

_CONST, _REGISTER, _MEMORY = range(3)  # enum __bpf_usdt_arg_type
_MOST = 12  # BPF_USDT_MAX_ARG_CNT
_ARGUMENT = struct.Struct("=qIhBb")  # struct __bpf_usdt_arg_spec: val_off, arg_type, reg_off, arg_signed, arg_bitshift
_SPEC = struct.Struct(f"={_MOST * _ARGUMENT.size}sQh6x")  # struct __bpf_usdt_spec: args, usdt_cookie, arg_cnt
_SPECS = "__bpf_usdt_specs"[:15]  # the kernel keeps so much of a map's name

# struct pt_regs of x86-64, in 8 bytes each; the registers by their names of 64, 32, 16 and 8 bits.
_X86 = (
    *("r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8"),
    *("ax", "cx", "dx", "si", "di", "orig_ax", "ip", "cs", "flags", "sp", "ss"),
)


def _x86_offset(name: str) -> int | None:
    found = re.fullmatch(r"r(\d+)[dwb]?|[re]?(ax|bx|cx|dx|si|di|bp|sp|ip)|([abcd])l|(si|di|bp|sp)l", name)
    if not found:
        return None
    number, word, letter, low = found.groups()
    full = f"r{number}" if number else word or low or f"{letter}x"
    return _X86.index(full) * 8 if full in _X86 else None


def _arm_offset(name: str) -> int | None:
    """``struct user_pt_regs`` of arm64: 31 registers, then the stack pointer."""
    if name == "sp":
        return 31 * 8
    found = re.fullmatch(r"[xw](\d+)", name)
    return int(found.group(1)) * 8 if found and int(found.group(1)) < 31 else None


class Argument:
    """How one argument of a tracing point is found: a constant, a register, or memory that a register points to."""

    __slots__ = ("kind", "register", "size", "value")

    def __init__(self, size: int, kind: int, value: int = 0, register: int = 0) -> None:
        self.size = size
        self.kind = kind
        self.value = value
        self.register = register

    def encode(self) -> bytes:
        """``struct __bpf_usdt_arg_spec``."""
        shift = 64 - 8 * abs(self.size)
        return _ARGUMENT.pack(self.value, self.kind, self.register, self.size < 0, shift)


def arguments(text: str, machine: str = "") -> list[Argument]:
    """The arguments of a note: ``"-4@%edi 8@-16(%rbp) 4@$5"`` on x86-64, ``"-4@x1 8@[sp, 16]"`` on arm64.

    Raises `ArgumentError` for a way of finding them that is not known.
    """
    machine = machine or os.uname().machine
    pieces = re.findall(r"(-?[1248])(?:f)?@(\[[^]]*\]|\S+)", text)
    if len(pieces) > _MOST:
        raise ArgumentError(f"a tracing point with {len(pieces)} arguments, {_MOST} at most are read: {text!r}")
    found = []
    for size, place in pieces:
        argument = (_of_x86 if machine == "x86_64" else _of_arm)(int(size), place)
        if argument is None:
            raise ArgumentError(f"the argument {size}@{place} of a tracing point is found in a way not known here")
        found.append(argument)
    return found


def _of_x86(size: int, place: str) -> Argument | None:
    constant = re.fullmatch(r"\$(-?\d+)", place)
    if constant:
        return Argument(size, _CONST, int(constant.group(1)))
    held = re.fullmatch(r"(-?\d+)?\(%(\w+)\)|%(\w+)", place)
    offset = _x86_offset(held.group(2) or held.group(3)) if held else None
    if held is None or offset is None:
        return None
    if held.group(3):
        return Argument(size, _REGISTER, register=offset)
    return Argument(size, _MEMORY, int(held.group(1) or 0), offset)


def _of_arm(size: int, place: str) -> Argument | None:
    if re.fullmatch(r"-?\d+", place):
        return Argument(size, _CONST, int(place))
    held = re.fullmatch(r"\[(\w+)(?:, *(-?\d+))?\]|(\w+)", place)
    offset = _arm_offset(held.group(1) or held.group(3)) if held else None
    if held is None or offset is None:
        return None
    if held.group(3):
        return Argument(size, _REGISTER, register=offset)
    return Argument(size, _MEMORY, int(held.group(2) or 0), offset)


def usdt(
    program: ProgramCore, path: str, provider: str, name: str, *, pid: int = -1, cookie: int = 0, adapt: bool = True
) -> LinkCore:
    """Run a program at a statically defined tracing point of a program or library. Needs Linux 4.3.

    Its semaphore, if it has one, is counted up meanwhile (Linux 4.20). A program that reads arguments with the
    functions of libbpf's usdt.bpf.h finds them (Linux 5.15); for others they are where the note says:
    `ebpf.elf.executable.Executable.usdt`.

    Parameters:
        program: of ``BPF_PROG_TYPE_KPROBE``.
        path: the file, as for `uprobe`.
        provider, name: of the tracing point.
        pid: of this process alone; -1 for all.
        cookie: what bpf_get_attach_cookie(), or bpf_usdt_cookie() of usdt.bpf.h, gives the program. Needs Linux 5.15.

    Raises `ArgumentError` when the file has no such point.
    """
    from ebpf.elf.executable import Executable, find_file

    file = find_file(path)
    with Executable(file) as executable:
        notes = executable.usdt()
    places = [note for note in notes if (note.provider, note.name) == (provider, name)]
    if not places:
        known = ", ".join(sorted({f"{note.provider}:{note.name}" for note in notes})) or "none"
        raise ArgumentError(f"{file} has no tracing point {provider}:{name}; it has {known}")
    attempt = Attempt("usdt", f"usdt {provider}:{name} of {file}", program, ("uprobe_programs",), adapt=adapt)
    specs = _specs(program)
    cookies = [cookie if specs is None else _describe(specs, note.arguments, cookie) for note in places]
    if specs is not None:
        specs.close()
    makers = [
        lambda note=note, cookie=cookie: uprobe(
            program, file, note.offset, pid=pid, cookie=cookie, ref_ctr_offset=note.semaphore, adapt=adapt
        )
        for note, cookie in zip(places, cookies)
    ]
    return together(attempt, makers)


def _specs(program: ProgramCore) -> MapCore | None:
    """The map in which a program made with usdt.bpf.h looks up how arguments are found."""
    from ebpf.core.map import MapCore

    for number in program.info().map_ids:
        core = MapCore.from_fd(objects.by_id(objects.MAP, number))
        if core.name == _SPECS and core.value_size == _SPEC.size:
            return core
        core.close()
    return None


def _describe(specs: MapCore, text: str, cookie: int) -> int:
    """Write down how the arguments are found; the number under which the program looks it up, its attach cookie."""
    found = arguments(text)
    content = b"".join(argument.encode() for argument in found)
    spec = _SPEC.pack(content, cookie, len(found))
    for index in range(1, specs.max_entries):  # 0 is what a program sees that is attached without a cookie
        key = struct.pack("=I", index)
        held = specs.lookup(key)
        if held == spec:
            return index
        if not any(held):
            specs.update(key, spec)
            return index
    raise ArgumentError(f"the program has room for {specs.max_entries} kinds of tracing points (BPF_USDT_MAX_SPEC_CNT)")
