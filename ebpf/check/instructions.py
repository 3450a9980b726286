"""What instructions ask for: the instruction set, helpers, kernel functions, what relocations put into them."""

from __future__ import annotations

from functools import cache

from ebpf.asm.opcodes import (
    ABS,
    ADD,
    ALU,
    ALU64,
    ATOMIC,
    CALL,
    CMPXCHG,
    DIV,
    DW,
    END,
    FETCH,
    IMM,
    IND,
    JA,
    JCOND,
    JLE,
    JLT,
    JMP,
    JMP32,
    JSLE,
    JSLT,
    LD,
    LDX,
    LOAD_ACQ,
    MEMSX,
    MOD,
    MOV,
    PSEUDO_CALL,
    STORE_REL,
    STX,
    XCHG,
    B,
    H,
    W,
    X,
)
from ebpf.check.flow import has_loop
from ebpf.check.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.check.arithmetic import Slot
    from ebpf.check.collector import Collector
    from ebpf.check.program import ProgramCode
    from ebpf.elf import ObjectFile, Relocation

__all__ = ["collect", "helper_at"]

_OPERATION, _MODE, _CLASS = 0xF0, 0xE0, 7
_CALL = JMP | CALL
_CAST = 1  # offset of a move: BPF_ADDR_SPACE_CAST, include/linux/filter.h
_TAIL_CALL = "bpf_tail_call"
_NO_TYPE = ("BPF_PROG_TYPE_EXT",)
"""What such a program may call is decided by the program whose function it replaces."""

_ATOMICS = {XCHG: "atomic_xchg", CMPXCHG: "atomic_cmpxchg", ADD: "", ADD | FETCH: "atomic_add_fetch"}
_ATOMICS.update(dict.fromkeys((LOAD_ACQ, STORE_REL), "load_acquire_store_release"))

_names: dict[int, str] = {}


def helper_name(number: int) -> str:
    """``bpf_map_lookup_elem`` for 1; empty for a number that no record has."""
    if not _names:
        import featuredb

        _names.update((record.value or 0, record.name) for record in featuredb.features("helper"))
    return _names.get(number, "")


def helper_at(code: ProgramCode, slot: int) -> str:
    """The helper that the instruction at a slot calls; empty when it calls none that is known."""
    here = code.slots[slot]
    calls = here is not None and here[0] == _CALL and here[2] == 0 and slot not in code.relocations
    return helper_name(here[4]) if here is not None and calls else ""


def _static(slot: Slot) -> str:
    """The feature that an instruction is, where any kernel without it refuses the program, run or not.

    Unknown opcodes and fields that must be 0 are refused before any path is followed (kernel/bpf/verifier.c,
    resolve_pseudo_ldimm64()).
    """
    code, _, src, _, imm = slot
    kind = code & _CLASS
    if kind == JMP:
        operation = code & _OPERATION
        if operation in (JLT, JLE, JSLT, JSLE):
            return "jlt"
        if operation == JCOND:
            return "may_goto"
        if code == JMP | JA | X:
            return "indirect_jump"
        return "bpf_to_bpf_calls" if code == _CALL and src == PSEUDO_CALL else ""
    if kind == JMP32:
        return "long_jump" if code == JMP32 | JA else "jmp32"
    if kind == LDX and code & _MODE == MEMSX:
        return "sign_extending_loads"
    if kind == STX and code & _MODE == ATOMIC:
        return _ATOMICS.get(imm, "atomic_and_or_xor")
    if kind == LD and code & _MODE in (ABS, IND) and code & ~_MODE & ~_CLASS in (B, H, W, DW):
        return "ld_abs_ind" if code != LD | IMM | DW else ""
    return "unconditional_byte_swap" if code & ~X == ALU64 | END else ""


def _run(slot: Slot) -> str:
    """The feature that an instruction is, where only one that runs is refused."""
    code, _, _, off, _ = slot
    if not off or code & _CLASS not in (ALU, ALU64):
        return ""
    operation = code & _OPERATION
    if operation == MOV:
        return "address_space_cast" if off == _CAST and code & _CLASS == ALU64 else "sign_extending_moves"
    return "signed_division" if operation in (DIV, MOD) else ""


def collect(owner: ObjectFile, code: ProgramCode, found: Collector) -> None:
    """What the instructions of one program ask for."""
    optional = code.spec.optional
    seen: set[str] = set()
    for number, slot in enumerate(code.slots):
        if slot is None:
            continue
        name = _static(slot)
        if name and name not in seen:
            seen.add(name)
            found.need(name, "its code uses it", code.place(number), optional=optional)
    if has_loop(code.slots):
        found.need("bounded_loops", "its code comes back to where it was", _whole(code), optional=optional)
    if len(code.linked.parts) > 1:
        _functions(code, found)
    _size(code, found)
    for number in sorted(code.possible):
        slot = code.slots[number]
        assert slot is not None
        name = _run(slot)
        if name:
            found.use(name, "its code uses it", code, number)
        relocation = code.relocations.get(number)
        if relocation is not None:
            _relocated(owner, code, number, relocation, found)
        elif slot[0] == _CALL and not slot[2]:
            _helper(code, number, slot[4], found)


def _whole(code: ProgramCode) -> Place:
    return Place(code.spec.name, code.spec.section)


def _functions(code: ProgramCode, found: Collector) -> None:
    optional = code.spec.optional
    if any(helper_at(code, slot) == _TAIL_CALL for slot in code.possible):
        text = "it has functions and tail calls"
        found.need("tail_calls_with_bpf_to_bpf_calls", text, _whole(code), optional=optional)
    if any(slot is not None and slot[0] & _CLASS == LD and slot[2] == 4 for slot in code.slots):
        found.need("BPF_PSEUDO_FUNC", "it passes the address of a function", _whole(code), optional=optional)


def _size(code: ProgramCode, found: Collector) -> None:
    """The smallest limit of instructions, and of functions, that the program stays under."""
    size = len(code.slots)
    limits = _limits("instruction_limit")
    fitting = next((name for limit, name in limits if size <= limit), None)
    if fitting is None:
        text = f"{code.spec.name} has {size} instructions, more than the {limits[-1][0]} that any kernel takes"
        found.note("error", "limit", text, _whole(code))
    elif fitting != limits[0][1]:
        found.need(fitting, f"it has {size} instructions", _whole(code), optional=code.spec.optional)
    for limit, name in _limits("subprogram_limit"):
        if len(code.linked.parts) > limit:
            text = f"{code.spec.name} has {len(code.linked.parts)} functions, more than {limit} ({name})"
            found.note("error", "limit", text, _whole(code))


@cache
def _limits(prefix: str) -> tuple[tuple[int, str], ...]:
    """The limits of a kind, lowest first, and their names."""
    return tuple(sorted(_all_limits(prefix)))


def _all_limits(prefix: str) -> Iterator[tuple[int, str]]:
    import featuredb

    for record in featuredb.features("verifier"):
        if record.group == "limit" and record.name.startswith(prefix) and record.value is not None:
            yield record.value, record.name


def _helper(code: ProgramCode, number: int, helper: int, found: Collector) -> None:
    name = helper_name(helper)
    if not name:
        text = f"a call of helper {helper}, which no kernel on record has"
        found.note(
            "error" if all(number in path for path in code.certain) else "warning", "limit", text, code.place(number)
        )
        return
    program_type = code.spec.program_type
    found.use(name, "its code calls it", code, number, program_type=None if program_type in _NO_TYPE else program_type)


def _relocated(owner: ObjectFile, code: ProgramCode, number: int, relocation: Relocation, found: Collector) -> None:
    if relocation.kind == "data":
        found.use("map_global_data", "it has global variables", code, number)
        return
    extern = owner.externs.get(relocation.target) if relocation.kind == "extern" else None
    if extern is None or extern.kind == "kconfig":
        return
    slot = code.slots[number]
    called = slot is not None and slot[0] == _CALL
    if extern.kind == "ksym_var":
        if extern.typed:
            found.use("kernel_symbols", "it reads a variable of the kernel", code, number)
        return
    if not called:
        return  # only asked whether it is there
    import featuredb

    name = extern.essential_name
    found.use("kfunc_calls", "it calls functions of the kernel", code, number)
    record = featuredb.get(name) if featuredb.kind_of(name) == "kfunc" else None
    if record is not None:
        program_type = code.spec.program_type
        typed = None if program_type in _NO_TYPE or not record.program_types else program_type
        found.use(name, "its code calls it", code, number, program_type=typed)
    else:
        found.use(name, "its code calls it", code, number, kind="function", subject=extern)
