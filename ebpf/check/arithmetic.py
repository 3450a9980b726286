"""What constants become: arithmetic and comparisons of registers whose value is known."""

from __future__ import annotations

from ebpf.asm.opcodes import (
    ADD,
    ALU64,
    AND,
    ARSH,
    END,
    JEQ,
    JGE,
    JGT,
    JLE,
    JLT,
    JMP,
    JNE,
    JSET,
    JSGE,
    JSGT,
    JSLE,
    JSLT,
    LSH,
    MOV,
    MUL,
    NEG,
    OR,
    RSH,
    SUB,
    XOR,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Slot = tuple[int, int, int, int, int]
    """code, dst, src, off, imm of an instruction; the second half of a wide load is ``None``."""
    Pointer = tuple[str, str, int]
    """What it points into (`CONTEXT`, `DATA`), the section's name, an offset in bytes."""
    Value = Union[int, Pointer, None]

__all__ = ["CONTEXT", "DATA", "computed", "decided", "wide"]

CONTEXT = "context"
DATA = "data"
_OPERATION, _CLASS = 0xF0, 7
_MASK64, _MASK32 = (1 << 64) - 1, (1 << 32) - 1


def wide(src: int, imm: int, after: int) -> Value:
    """What the load of 64 bits with these halves gives; ``None`` for an address."""
    if src:
        return None  # a map, a function, a kernel variable
    return (imm & _MASK32) | (after & _MASK32) << 32


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def computed(code: int, left: Value, right: Value, off: int) -> Value:
    """What an arithmetic instruction leaves in its destination; ``None`` when that is not known."""
    operation = code & _OPERATION
    wide = code & _CLASS == ALU64
    if operation == MOV and not off:
        if type(right) is int:
            return right & (_MASK64 if wide else _MASK32)
        return right if wide else None
    if type(left) is tuple and type(right) is int and wide and operation in (ADD, SUB):
        return (left[0], left[1], left[2] + (right if operation == ADD else -right))
    if type(left) is not int or type(right) is not int or off or operation == END:
        return None
    bits = 64 if wide else 32
    mask = _MASK64 if wide else _MASK32
    return _numbers(operation, left & mask, right & mask, bits, mask)


def _numbers(operation: int, left: int, right: int, bits: int, mask: int) -> int | None:
    shift = right & (bits - 1)
    if operation == ADD:
        return (left + right) & mask
    if operation == SUB:
        return (left - right) & mask
    if operation == MUL:
        return (left * right) & mask
    if operation == OR:
        return left | right
    if operation == AND:
        return left & right
    if operation == LSH:
        return (left << shift) & mask
    if operation == RSH:
        return left >> shift
    if operation == NEG:
        return -left & mask
    if operation == XOR:
        return left ^ right
    if operation == ARSH:
        return (_signed(left, bits) >> shift) & mask
    return None


def decided(code: int, left: Value, right: Value) -> bool | None:
    """Whether a conditional jump is taken; ``None`` when that is not known."""
    if type(left) is not int or type(right) is not int:
        return None
    bits = 64 if code & _CLASS == JMP else 32
    mask = _MASK64 if bits == 64 else _MASK32
    left, right = left & mask, right & mask
    operation = code & _OPERATION
    if operation in (JSGT, JSGE, JSLT, JSLE):
        left, right = _signed(left, bits), _signed(right, bits)
    if operation == JEQ:
        return left == right
    if operation == JNE:
        return left != right
    if operation in (JGT, JSGT):
        return left > right
    if operation in (JGE, JSGE):
        return left >= right
    if operation == JSET:
        return bool(left & right)
    if operation in (JLT, JSLT):
        return left < right
    if operation in (JLE, JSLE):
        return left <= right
    return None
