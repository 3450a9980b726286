"""The parts of an instruction's opcode (include/uapi/linux/bpf.h, include/uapi/linux/bpf_common.h), and registers."""

from __future__ import annotations

__all__ = ["DW", "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "B", "H", "Register", "W"]

# Classes: the lowest three bits.
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)

# Loads and stores: size and mode.
W, H, B, DW = 0x00, 0x08, 0x10, 0x18
IMM, ABS, IND, MEM, MEMSX, ATOMIC = 0x00, 0x20, 0x40, 0x60, 0x80, 0xC0

# Arithmetic and jumps: whether the second operand is a number or a register, and the operation.
K, X = 0x00, 0x08
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH = range(0x00, 0x80, 0x10)
NEG, MOD, XOR, MOV, ARSH, END = range(0x80, 0xE0, 0x10)
JA, JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE = range(0x00, 0x80, 0x10)
CALL, EXIT, JLT, JLE, JSLT, JSLE, JCOND = range(0x80, 0xF0, 0x10)

LDDW = LD | IMM | DW
"""The load of 64 bits, the one instruction that takes two slots."""

# Atomic operations, in imm.
FETCH, XCHG, CMPXCHG, LOAD_ACQ, STORE_REL = 0x01, 0xE1, 0xF1, 0x100, 0x110

# What src_reg says of a wide load and of a call.
PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, PSEUDO_BTF_ID, PSEUDO_FUNC, PSEUDO_MAP_IDX, PSEUDO_MAP_IDX_VALUE = range(1, 7)
PSEUDO_CALL, PSEUDO_KFUNC_CALL = 1, 2


class Register(int):
    """A register, as an operand told apart from a number."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"r{int(self)}"


R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = map(Register, range(11))
