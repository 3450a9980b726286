"""Instructions of `ebpf.asm` as bytes, for the small programs of the trials: they are put together with ``+``.

Not through `ebpf.asm.build`, which would have to be imported: the probes' start is measured.
"""

from __future__ import annotations

from ebpf.asm.instruction import Instruction
from ebpf.asm.opcodes import (
    ADD,
    ALU64,
    ATOMIC,
    CALL,
    DW,
    EXIT,
    JA,
    JEQ,
    JGE,
    JGT,
    JLT,
    JMP,
    JNE,
    LDDW,
    LDX,
    MEM,
    MOV,
    PSEUDO_CALL,
    PSEUDO_KFUNC_CALL,
    PSEUDO_MAP_FD,
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    ST,
    STX,
    B,
    H,
    W,
    X,
)

__all__ = [
    "DW",
    "JEQ",
    "JGE",
    "JGT",
    "JLT",
    "JNE",
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
    "B",
    "H",
    "W",
    "add",
    "add_reg",
    "atomic",
    "bpf_call",
    "call",
    "exit_",
    "ja",
    "jump",
    "jump_reg",
    "kfunc_call",
    "load",
    "load64",
    "load_map",
    "mov",
    "mov_reg",
    "store",
    "store_imm",
]


def mov(dst: int, imm: int) -> bytes:
    """``dst = imm``, 64 bits."""
    return Instruction(ALU64 | MOV, dst, imm=imm).encode()


def mov_reg(dst: int, src: int) -> bytes:
    """``dst = src``, 64 bits."""
    return Instruction(ALU64 | MOV | X, dst, src).encode()


def add(dst: int, imm: int) -> bytes:
    """``dst += imm``, 64 bits."""
    return Instruction(ALU64 | ADD, dst, imm=imm).encode()


def add_reg(dst: int, src: int) -> bytes:
    """``dst += src``, 64 bits."""
    return Instruction(ALU64 | ADD | X, dst, src).encode()


def load(size: int, dst: int, src: int, off: int) -> bytes:
    """``dst = *(size *)(src + off)``."""
    return Instruction(LDX | MEM | size, dst, src, off).encode()


def store(size: int, dst: int, src: int, off: int) -> bytes:
    """``*(size *)(dst + off) = src``."""
    return Instruction(STX | MEM | size, dst, src, off).encode()


def store_imm(size: int, dst: int, off: int, imm: int) -> bytes:
    """``*(size *)(dst + off) = imm``."""
    return Instruction(ST | MEM | size, dst, 0, off, imm).encode()


def atomic(size: int, dst: int, src: int, off: int, operation: int) -> bytes:
    """An atomic operation on ``*(size *)(dst + off)``."""
    return Instruction(STX | ATOMIC | size, dst, src, off, operation).encode()


def load64(dst: int, src: int, low: int, high: int = 0) -> bytes:
    """The wide load of 64 bits; `src` is one of BPF_PSEUDO_MAP_FD … and says what `low` and `high` are."""
    return Instruction(LDDW, dst, src, 0, low, high).encode()


def load_map(dst: int, map_fd: int) -> bytes:
    """``dst = map``."""
    return load64(dst, PSEUDO_MAP_FD, map_fd)


def ja(off: int) -> bytes:
    """``goto off``."""
    return Instruction(JMP | JA, off=off).encode()


def jump(operation: int, dst: int, imm: int, off: int) -> bytes:
    """``if dst OP imm goto off``, 64 bits."""
    return Instruction(JMP | operation, dst, 0, off, imm).encode()


def jump_reg(operation: int, dst: int, src: int, off: int) -> bytes:
    """``if dst OP src goto off``, 64 bits."""
    return Instruction(JMP | operation | X, dst, src, off).encode()


def call(helper: int) -> bytes:
    """``call helper``."""
    return Instruction(JMP | CALL, imm=helper).encode()


def bpf_call(off: int, pseudo: int = PSEUDO_CALL) -> bytes:
    """``call pc+off``, a function of the same program."""
    return Instruction(JMP | CALL, 0, pseudo, 0, off).encode()


def kfunc_call(btf_id: int) -> bytes:
    """``call kfunc``, a kernel function of vmlinux by its BTF id."""
    return Instruction(JMP | CALL, 0, PSEUDO_KFUNC_CALL, 0, btf_id).encode()


def exit_() -> bytes:
    """``exit``."""
    return Instruction(JMP | EXIT).encode()
