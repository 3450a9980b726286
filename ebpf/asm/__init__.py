"""Instructions of eBPF: built by name, assembled, disassembled, printed as the kernel's verifier prints them.

::

    from ebpf.asm import R0, R1, R10, W, assemble, add, exit_, jlt, listing, mov

    program = [
        mov(R0, 0),
        "again",                 # a string is a label: the place of the next instruction
        add(R0, 1),
        jlt(R0, 10, "again"),
        exit_(),
    ]
    code = assemble(program)     # struct bpf_insn after struct bpf_insn, ready for BPF_PROG_LOAD
    print(listing(code))         # 0: (b7) r0 = 0 …
    parse("r0 = 0; exit")        # the same notation read

All of the instruction set is there, versions 1 to 4 and what came since: 32-bit arithmetic and jumps, atomics, signed
division, sign-extending loads and moves, byte swaps, long and conditional jumps, load-acquire and store-release, calls
of kernel functions. Which kernel knows what is in `featuredb` (``isa_v1`` … ``isa_v4``, ``may_goto``, …).

Nothing here calls the kernel.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.asm.atomics import (
        atomic,
        atomic_add,
        atomic_and,
        atomic_cmpxchg,
        atomic_or,
        atomic_xchg,
        atomic_xor,
        load_acquire,
        store_release,
    )
    from ebpf.asm.build import (
        add,
        add32,
        addr_space_cast,
        and32,
        and_,
        arsh,
        arsh32,
        bswap,
        call,
        call_function,
        call_kfunc,
        call_register,
        div,
        div32,
        exit_,
        gotol,
        gotox,
        ja,
        jeq,
        jeq32,
        jge,
        jge32,
        jgt,
        jgt32,
        jle,
        jle32,
        jlt,
        jlt32,
        jne,
        jne32,
        jset,
        jset32,
        jsge,
        jsge32,
        jsgt,
        jsgt32,
        jsle,
        jsle32,
        jslt,
        jslt32,
        lsh,
        lsh32,
        may_goto,
        mod,
        mod32,
        mov,
        mov32,
        movsx,
        movsx32,
        mul,
        mul32,
        neg,
        neg32,
        or32,
        or_,
        rsh,
        rsh32,
        sdiv,
        sdiv32,
        smod,
        smod32,
        sub,
        sub32,
        to_be,
        to_le,
        xor,
        xor32,
    )
    from ebpf.asm.instruction import Instruction, assemble, disassemble
    from ebpf.asm.memory import (
        load,
        load64,
        load_absolute,
        load_btf_id,
        load_function,
        load_indirect,
        load_map,
        load_map_index,
        load_map_index_value,
        load_map_value,
        loadsx,
        store,
    )
    from ebpf.asm.notation import parse
    from ebpf.asm.opcodes import DW, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, B, H, Register, W
    from ebpf.asm.text import listing
    from ebpf.errors import AssemblyError

__all__ = [
    "DW",
    "R0",
    "R1",
    "R2",
    "R3",
    "R4",
    "R5",
    "R6",
    "R7",
    "R8",
    "R9",
    "R10",
    "AssemblyError",
    "B",
    "H",
    "Instruction",
    "Register",
    "W",
    "add",
    "add32",
    "addr_space_cast",
    "and32",
    "and_",
    "arsh",
    "arsh32",
    "assemble",
    "atomic",
    "atomic_add",
    "atomic_and",
    "atomic_cmpxchg",
    "atomic_or",
    "atomic_xchg",
    "atomic_xor",
    "bswap",
    "call",
    "call_function",
    "call_kfunc",
    "call_register",
    "disassemble",
    "div",
    "div32",
    "exit_",
    "gotol",
    "gotox",
    "ja",
    "jeq",
    "jeq32",
    "jge",
    "jge32",
    "jgt",
    "jgt32",
    "jle",
    "jle32",
    "jlt",
    "jlt32",
    "jne",
    "jne32",
    "jset",
    "jset32",
    "jsge",
    "jsge32",
    "jsgt",
    "jsgt32",
    "jsle",
    "jsle32",
    "jslt",
    "jslt32",
    "listing",
    "load",
    "load64",
    "load_absolute",
    "load_acquire",
    "load_btf_id",
    "load_function",
    "load_indirect",
    "load_map",
    "load_map_index",
    "load_map_index_value",
    "load_map_value",
    "loadsx",
    "lsh",
    "lsh32",
    "may_goto",
    "mod",
    "mod32",
    "mov",
    "mov32",
    "movsx",
    "movsx32",
    "mul",
    "mul32",
    "neg",
    "neg32",
    "or32",
    "or_",
    "parse",
    "rsh",
    "rsh32",
    "sdiv",
    "sdiv32",
    "smod",
    "smod32",
    "store",
    "store_release",
    "sub",
    "sub32",
    "to_be",
    "to_le",
    "xor",
    "xor32",
]

_HOMES = ("opcodes", "instruction", "build", "memory", "atomics", "text", "notation")


def __getattr__(name: str) -> object:
    """Each module when one of its names is first asked for: the probes start with two of them."""
    if name in __all__:
        for home in _HOMES:
            module = getattr(__import__(f"ebpf.asm.{home}").asm, home)
            if name in module.__all__:
                thing: object = getattr(module, name)
                globals()[name] = thing
                return thing
        from ebpf.errors import AssemblyError

        return AssemblyError
    raise AttributeError(f"module 'ebpf.asm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
