"""What no kernel changes: the licence, helpers with a successor, offsets that hold for one kernel only, the stack."""

from __future__ import annotations

from ebpf.asm.opcodes import ADD, ALU64, JMP, JMP32, LDX, MOV, R10, ST, STX, SUB, X
from ebpf.check.instructions import helper_at
from ebpf.check.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ebpf.check.collector import Collector
    from ebpf.check.program import ProgramCode
    from ebpf.elf import ObjectFile

__all__ = ["collect"]

# include/linux/license.h, license_is_gpl_compatible()
_GPL = ("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL")
_GPL_TYPES = ("BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_STRUCT_OPS")
_KERNEL_READS = ("bpf_probe_read", "bpf_probe_read_kernel")
_CLASS = 7
_FRAME = 32  # a frame counts in steps of so many bytes (kernel/bpf/verifier.c, check_max_stack_depth())


def collect(owner: ObjectFile, codes: Sequence[ProgramCode], found: Collector) -> None:
    """Notes about every program of an object."""
    for code in codes:
        if owner.license not in _GPL:
            _license(owner, code, found)
        _superseded(code, found)
        _stack(code, found)
        if not code.core:
            _portability(code, found)


def _license(owner: ObjectFile, code: ProgramCode, found: Collector) -> None:
    import featuredb

    stated = f"the licence {owner.license!r}" if owner.license else "no licence"
    if code.spec.program_type in _GPL_TYPES:
        text = f"a program of type {code.spec.program_type} must be under the GPL; the object states {stated}"
        found.note("error", "license", text, Place(code.spec.name, code.spec.section))
    for slot in sorted(code.possible):
        name = helper_at(code, slot)
        if name and featuredb.get(name).extra.get("gpl_only"):
            text = f"{name} is for programs under the GPL only; the object states {stated}"
            firm = all(slot in path for path in code.certain) and not code.spec.optional
            found.note("error" if firm else "warning", "license", text, code.place(slot))


def _superseded(code: ProgramCode, found: Collector) -> None:
    import featuredb

    for slot in sorted(code.possible):
        name = helper_at(code, slot)
        successors = featuredb.get(name).extra.get("superseded_by") if name else None
        if successors:
            newer = " or ".join(successors)
            since = featuredb.get(successors[0]).since
            text = f"{name} has been superseded by {newer} (since {since})"
            found.note("note", "superseded", text, code.place(slot))


def _stack(code: ProgramCode, found: Collector) -> None:
    import featuredb

    record = featuredb.get("stack_limit_512")
    limit = record.value or 0
    depths = [(_depth(code, start, end), name) for start, end, name in _functions(code)]
    for depth, name in depths:
        if depth > limit:
            text = f"{name}() uses {depth} bytes of stack, more than the {limit} that any kernel gives"
            found.note("error", "limit", text, Place(code.spec.name, code.spec.section))
    together = sum(-(-max(depth, 1) // _FRAME) * _FRAME for depth, _ in depths)
    if len(depths) > 1 and together > limit and max(depth for depth, _ in depths) <= limit:
        text = f"its functions use up to {together} bytes of stack together; a chain of calls may have {limit}"
        found.note("note", "limit", text, Place(code.spec.name, code.spec.section))


def _functions(code: ProgramCode) -> Iterator[tuple[int, int, str]]:
    starts = [start for start, _ in code.linked.parts]
    for (start, part), end in zip(code.linked.parts, [*starts[1:], len(code.slots)]):
        yield start, end, part.name


def _depth(code: ProgramCode, start: int, end: int) -> int:
    """The lowest byte of the stack that a function names, as a distance from its top."""
    lowest = 0
    copies: set[int] = set()
    for slot in code.slots[start:end]:
        if slot is None:
            continue
        operation, dst, src, off, imm = slot
        kind = operation & _CLASS
        if (kind in (ST, STX) and dst == R10) or (kind == LDX and src == R10):
            lowest = min(lowest, off)
        elif operation == ALU64 | MOV | X and src == R10:
            copies.add(dst)
        elif operation in (ALU64 | ADD, ALU64 | SUB) and dst in copies:
            lowest = min(lowest, imm if operation == ALU64 | ADD else -imm)
            copies.discard(dst)
        elif kind not in (ST, STX):
            copies.discard(dst)
    return -lowest


def _portability(code: ProgramCode, found: Collector) -> None:
    """Kernel memory read at a fixed distance from a pointer, in a program without any CO-RE relocation.

    A pointer to the stack, to the context or to a map's value needs no helper to be read: what is read through one
    lies in the kernel, and where a field of a kernel's structure is differs between kernels.
    """
    for slot in sorted(code.possible):
        if helper_at(code, slot) not in _KERNEL_READS:
            continue
        distance = _distance(code, slot)
        if distance:
            text = (
                "kernel memory is read at a fixed offset without a CO-RE relocation: it holds for kernels whose"
                " structures are laid out as those of the headers it was compiled with"
            )
            found.note("warning", "portability", text, code.place(slot))


def _distance(code: ProgramCode, call: int) -> int:
    """What was last added to r3, the address to read from, before a call; 0 when nothing was."""
    address = 3
    for number in range(call - 1, max(-1, call - 24), -1):
        slot = code.slots[number]
        if slot is None:
            continue
        operation, dst, src, _, imm = slot
        if operation & _CLASS in (JMP, JMP32):
            break
        if dst != address or operation & _CLASS in (ST, STX):
            continue
        if operation != ALU64 | MOV | X:
            return imm if operation == ALU64 | ADD else 0
        address = src
    return 0
