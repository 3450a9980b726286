"""Loads and stores by name: of memory, of packets (the old way), and of 64-bit constants, which name maps too."""

from __future__ import annotations

from ebpf.asm.instruction import Instruction
from ebpf.asm.opcodes import (
    ABS,
    IND,
    LD,
    LDDW,
    LDX,
    MEM,
    MEMSX,
    PSEUDO_BTF_ID,
    PSEUDO_FUNC,
    PSEUDO_MAP_FD,
    PSEUDO_MAP_IDX,
    PSEUDO_MAP_IDX_VALUE,
    PSEUDO_MAP_VALUE,
    ST,
    STX,
    Register,
)

__all__ = [
    "load",
    "load64",
    "load_absolute",
    "load_btf_id",
    "load_function",
    "load_indirect",
    "load_map",
    "load_map_index",
    "load_map_index_value",
    "load_map_value",
    "loadsx",
    "store",
]


def load(size: int, dst: int, src: int, off: int = 0) -> Instruction:
    """``dst = *(uSIZE *)(src + off)``; `size` is `B`, `H`, `W` or `DW`: 1, 2, 4 or 8 bytes."""
    return Instruction(LDX | MEM | size, dst, src, off)


def loadsx(size: int, dst: int, src: int, off: int = 0) -> Instruction:
    """``dst = *(sSIZE *)(src + off)``, sign-extended; `size` is `B`, `H` or `W`."""
    return Instruction(LDX | MEMSX | size, dst, src, off)


def store(size: int, dst: int, off: int, value: Register | int) -> Instruction:
    """``*(uSIZE *)(dst + off) = value``: a register, or a number of 32 bits, sign-extended."""
    if isinstance(value, Register):
        return Instruction(STX | MEM | size, dst, value, off)
    return Instruction(ST | MEM | size, dst, 0, off, value)


def load_absolute(size: int, off: int) -> Instruction:
    """``r0 = *(uSIZE *)skb[off]``, in the machine's byte order; r6 is the context, r1 to r5 are lost."""
    return Instruction(LD | ABS | size, imm=off)


def load_indirect(size: int, src: int, off: int = 0) -> Instruction:
    """``r0 = *(uSIZE *)skb[src + off]``, as `load_absolute`."""
    return Instruction(LD | IND | size, 0, src, 0, off)


def load64(dst: int, value: int, pseudo: int = 0) -> Instruction:
    """``dst = value``, all 64 bits; `pseudo` is the ``BPF_PSEUDO_…`` that says what the value is."""
    return Instruction(LDDW, dst, pseudo, 0, value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF)


def load_map(dst: int, map_fd: int) -> Instruction:
    """``dst = map``, by its descriptor."""
    return load64(dst, map_fd, PSEUDO_MAP_FD)


def load_map_value(dst: int, map_fd: int, off: int = 0) -> Instruction:
    """``dst = &map[0] + off``: a pointer into the only element of an array."""
    return load64(dst, off << 32 | map_fd, PSEUDO_MAP_VALUE)


def load_map_index(dst: int, index: int) -> Instruction:
    """``dst = map``, by its place in fd_array."""
    return load64(dst, index, PSEUDO_MAP_IDX)


def load_map_index_value(dst: int, index: int, off: int = 0) -> Instruction:
    """``dst = &map[0] + off``, of a map by its place in fd_array."""
    return load64(dst, off << 32 | index, PSEUDO_MAP_IDX_VALUE)


def load_btf_id(dst: int, btf_id: int, btf_fd: int = 0) -> Instruction:
    """``dst = &variable``: of the kernel, by its BTF id; `btf_fd` is its module's BTF, 0 for vmlinux."""
    return load64(dst, btf_fd << 32 | btf_id, PSEUDO_BTF_ID)


def load_function(dst: int, target: str | int) -> Instruction:
    """``dst = function``: of the same program, for helpers that call back; a label, or the distance as in a call."""
    if isinstance(target, str):
        return Instruction(LDDW, dst, PSEUDO_FUNC, target=target)
    return Instruction(LDDW, dst, PSEUDO_FUNC, imm=target)
