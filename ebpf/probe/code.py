"""A few instructions by name, for the small programs of the trials (include/uapi/linux/bpf.h)."""

from __future__ import annotations

from ebpf.probe.calls import instruction

__all__ = [
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

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)
W, H, B, DW = 0x00, 0x08, 0x10, 0x18
MEM, ATOMIC = 0x60, 0xC0
JEQ, JGT, JGE, JNE, JLT = 0x10, 0x20, 0x30, 0x50, 0xA0


def mov(dst: int, imm: int) -> bytes:
    """``dst = imm``, 64 bits."""
    return instruction(0xB7, dst, 0, 0, imm)


def mov_reg(dst: int, src: int) -> bytes:
    """``dst = src``, 64 bits."""
    return instruction(0xBF, dst, src)


def add(dst: int, imm: int) -> bytes:
    """``dst += imm``, 64 bits."""
    return instruction(0x07, dst, 0, 0, imm)


def add_reg(dst: int, src: int) -> bytes:
    """``dst += src``, 64 bits."""
    return instruction(0x0F, dst, src)


def load(size: int, dst: int, src: int, off: int) -> bytes:
    """``dst = *(size *)(src + off)``."""
    return instruction(0x61 | size, dst, src, off)


def store(size: int, dst: int, src: int, off: int) -> bytes:
    """``*(size *)(dst + off) = src``."""
    return instruction(0x63 | size, dst, src, off)


def store_imm(size: int, dst: int, off: int, imm: int) -> bytes:
    """``*(size *)(dst + off) = imm``."""
    return instruction(0x62 | size, dst, 0, off, imm)


def atomic(size: int, dst: int, src: int, off: int, operation: int) -> bytes:
    """An atomic operation on ``*(size *)(dst + off)``."""
    return instruction(0xC3 | size, dst, src, off, operation)


def load64(dst: int, src: int, low: int, high: int = 0) -> bytes:
    """The wide load of 64 bits; `src` is one of BPF_PSEUDO_MAP_FD … and says what `low` and `high` are."""
    return instruction(0x18, dst, src, 0, low) + instruction(0, 0, 0, 0, high)


def load_map(dst: int, map_fd: int) -> bytes:
    """``dst = map``."""
    return load64(dst, 1, map_fd)


def ja(off: int) -> bytes:
    """``goto off``."""
    return instruction(0x05, 0, 0, off)


def jump(operation: int, dst: int, imm: int, off: int) -> bytes:
    """``if dst OP imm goto off``, 64 bits."""
    return instruction(0x05 | operation, dst, 0, off, imm)


def jump_reg(operation: int, dst: int, src: int, off: int) -> bytes:
    """``if dst OP src goto off``, 64 bits."""
    return instruction(0x0D | operation, dst, src, off)


def call(helper: int) -> bytes:
    """``call helper``."""
    return instruction(0x85, 0, 0, 0, helper)


def bpf_call(off: int, pseudo: int = 1) -> bytes:
    """``call pc+off``, a function of the same program."""
    return instruction(0x85, 0, pseudo, 0, off)


def kfunc_call(btf_id: int) -> bytes:
    """``call kfunc``, a kernel function of vmlinux by its BTF id."""
    return instruction(0x85, 0, 2, 0, btf_id)


def exit_() -> bytes:
    """``exit``."""
    return instruction(0x95)
