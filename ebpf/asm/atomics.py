"""Atomic operations on memory, of 32 (`W`) or 64 bits (`DW`)."""

from __future__ import annotations

from ebpf.asm.instruction import Instruction
from ebpf.asm.opcodes import ADD, AND, ATOMIC, CMPXCHG, FETCH, LOAD_ACQ, OR, STORE_REL, STX, XCHG, XOR

__all__ = [
    "atomic",
    "atomic_add",
    "atomic_and",
    "atomic_cmpxchg",
    "atomic_or",
    "atomic_xchg",
    "atomic_xor",
    "load_acquire",
    "store_release",
]


def atomic(size: int, dst: int, off: int, src: int, operation: int) -> Instruction:
    """Any atomic operation on ``*(size *)(dst + off)``, by its number."""
    return Instruction(STX | ATOMIC | size, dst, src, off, operation)


def atomic_add(size: int, dst: int, off: int, src: int, fetch: bool = False) -> Instruction:
    """``*(size *)(dst + off) += src``; with `fetch`, `src` gets what was there before."""
    return atomic(size, dst, off, src, ADD | FETCH * fetch)


def atomic_or(size: int, dst: int, off: int, src: int, fetch: bool = False) -> Instruction:
    """``*(size *)(dst + off) |= src``; with `fetch`, `src` gets what was there before."""
    return atomic(size, dst, off, src, OR | FETCH * fetch)


def atomic_and(size: int, dst: int, off: int, src: int, fetch: bool = False) -> Instruction:
    """``*(size *)(dst + off) &= src``; with `fetch`, `src` gets what was there before."""
    return atomic(size, dst, off, src, AND | FETCH * fetch)


def atomic_xor(size: int, dst: int, off: int, src: int, fetch: bool = False) -> Instruction:
    """``*(size *)(dst + off) ^= src``; with `fetch`, `src` gets what was there before."""
    return atomic(size, dst, off, src, XOR | FETCH * fetch)


def atomic_xchg(size: int, dst: int, off: int, src: int) -> Instruction:
    """Swap ``*(size *)(dst + off)`` and `src`."""
    return atomic(size, dst, off, src, XCHG)


def atomic_cmpxchg(size: int, dst: int, off: int, src: int) -> Instruction:
    """Write `src` to ``*(size *)(dst + off)`` if r0 is there; r0 gets what was there."""
    return atomic(size, dst, off, src, CMPXCHG)


def load_acquire(size: int, dst: int, src: int, off: int = 0) -> Instruction:
    """``dst = *(size *)(src + off)``, before everything that follows; `B` and `H` too."""
    return atomic(size, dst, off, src, LOAD_ACQ)


def store_release(size: int, dst: int, off: int, src: int) -> Instruction:
    """``*(size *)(dst + off) = src``, after everything before it; `B` and `H` too."""
    return atomic(size, dst, off, src, STORE_REL)
