"""Arithmetic, jumps and calls by name.

The second operand of arithmetic and of a comparison is a `Register` or a number; a number is sign-extended. Names that
end in 32 work on the lower half of the registers and clear the upper. Where a jump goes is a label (a string) or the
number of instructions to skip.
"""

from __future__ import annotations

from ebpf.asm.instruction import Instruction
from ebpf.asm.opcodes import (
    ADD,
    ALU,
    ALU64,
    AND,
    ARSH,
    CALL,
    DIV,
    END,
    EXIT,
    JA,
    JCOND,
    JEQ,
    JGE,
    JGT,
    JLE,
    JLT,
    JMP,
    JMP32,
    JNE,
    JSET,
    JSGE,
    JSGT,
    JSLE,
    JSLT,
    LSH,
    MOD,
    MOV,
    MUL,
    NEG,
    OR,
    PSEUDO_CALL,
    PSEUDO_KFUNC_CALL,
    RSH,
    SUB,
    XOR,
    K,
    Register,
    X,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    Operand = Union[Register, int]
    Target = Union[str, int]
    Arithmetic = Callable[[int, Operand], Instruction]
    Comparison = Callable[[int, Operand, Target], Instruction]

__all__ = [
    "add",
    "add32",
    "addr_space_cast",
    "and32",
    "and_",
    "arsh",
    "arsh32",
    "bswap",
    "call",
    "call_function",
    "call_kfunc",
    "call_register",
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
    "rsh",
    "rsh32",
    "sdiv",
    "sdiv32",
    "smod",
    "smod32",
    "sub",
    "sub32",
    "to_be",
    "to_le",
    "xor",
    "xor32",
]

_SIGNED = 1  # off of a division


def _operand(code: int, dst: int, value: Operand, off: int = 0, target: str | None = None) -> Instruction:
    if isinstance(value, Register):
        return Instruction(code | X, dst, value, off, 0, 0, target)
    return Instruction(code | K, dst, 0, off, value, 0, target)


def _pair(operation: int, off: int = 0) -> tuple[Arithmetic, Arithmetic]:
    """An operation on 64 bits, ``dst OP= value``, and on 32."""

    def wide(dst: int, value: Operand) -> Instruction:
        return _operand(ALU64 | operation, dst, value, off)

    def narrow(dst: int, value: Operand) -> Instruction:
        return _operand(ALU | operation, dst, value, off)

    return wide, narrow


add, add32 = _pair(ADD)
sub, sub32 = _pair(SUB)
mul, mul32 = _pair(MUL)
div, div32 = _pair(DIV)
mod, mod32 = _pair(MOD)
sdiv, sdiv32 = _pair(DIV, _SIGNED)
smod, smod32 = _pair(MOD, _SIGNED)
or_, or32 = _pair(OR)
and_, and32 = _pair(AND)
xor, xor32 = _pair(XOR)
lsh, lsh32 = _pair(LSH)
rsh, rsh32 = _pair(RSH)
arsh, arsh32 = _pair(ARSH)
mov, mov32 = _pair(MOV)


def neg(dst: int) -> Instruction:
    """``dst = -dst``, 64 bits."""
    return Instruction(ALU64 | NEG, dst)


def neg32(dst: int) -> Instruction:
    """``dst = -dst``, 32 bits."""
    return Instruction(ALU | NEG, dst)


def movsx(dst: int, src: int, bits: int) -> Instruction:
    """``dst = (sBITS)src``, sign-extended to 64 bits; `bits` are 8, 16 or 32."""
    return Instruction(ALU64 | MOV | X, dst, src, bits)


def movsx32(dst: int, src: int, bits: int) -> Instruction:
    """``dst = (sBITS)src``, sign-extended to 32 bits; `bits` are 8 or 16."""
    return Instruction(ALU | MOV | X, dst, src, bits)


def addr_space_cast(dst: int, src: int, to: int, of: int) -> Instruction:
    """``dst = addr_space_cast(src, to, of)``: a pointer into an arena, for user space or for the kernel."""
    return Instruction(ALU64 | MOV | X, dst, src, 1, to << 16 | of)


def to_le(dst: int, bits: int) -> Instruction:
    """``dst = leBITS dst``: between the machine's byte order and little endian; `bits` are 16, 32 or 64."""
    return Instruction(ALU | END | K, dst, 0, 0, bits)


def to_be(dst: int, bits: int) -> Instruction:
    """``dst = beBITS dst``: between the machine's byte order and big endian; `bits` are 16, 32 or 64."""
    return Instruction(ALU | END | X, dst, 0, 0, bits)


def bswap(dst: int, bits: int) -> Instruction:
    """``dst = bswapBITS dst``, whatever the machine's byte order; `bits` are 16, 32 or 64."""
    return Instruction(ALU64 | END, dst, 0, 0, bits)


def _jump(code: int, target: Target, far: bool = False) -> Instruction:
    if isinstance(target, str):
        return Instruction(code, target=target)
    return Instruction(code, imm=target) if far else Instruction(code, off=target)


def _compare(operation: int) -> tuple[Comparison, Comparison]:
    """A comparison of 64 bits, ``if dst OP value goto target``, and of 32."""

    def compare(kind: int, dst: int, value: Operand, target: Target) -> Instruction:
        if isinstance(target, str):
            return _operand(kind | operation, dst, value, 0, target)
        return _operand(kind | operation, dst, value, target)

    def wide(dst: int, value: Operand, target: Target) -> Instruction:
        return compare(JMP, dst, value, target)

    def narrow(dst: int, value: Operand, target: Target) -> Instruction:
        return compare(JMP32, dst, value, target)

    return wide, narrow


jeq, jeq32 = _compare(JEQ)
jne, jne32 = _compare(JNE)
jgt, jgt32 = _compare(JGT)
jge, jge32 = _compare(JGE)
jlt, jlt32 = _compare(JLT)
jle, jle32 = _compare(JLE)
jset, jset32 = _compare(JSET)
jsgt, jsgt32 = _compare(JSGT)
jsge, jsge32 = _compare(JSGE)
jslt, jslt32 = _compare(JSLT)
jsle, jsle32 = _compare(JSLE)


def ja(target: Target) -> Instruction:
    """``goto target``, 32767 instructions far at most."""
    return _jump(JMP | JA, target)


def gotol(target: Target) -> Instruction:
    """``gotol target``, however far."""
    return _jump(JMP32 | JA, target, far=True)


def may_goto(target: Target) -> Instruction:
    """``may_goto target``: goes there when the kernel has had enough of a loop."""
    return _jump(JMP | JCOND, target)


def gotox(dst: int) -> Instruction:
    """``gotox dst``: to where the register points, out of an instruction array."""
    return Instruction(JMP | JA | X, dst)


def call(helper: str | int) -> Instruction:
    """``call helper``, by its name (``"bpf_ktime_get_ns"``) or number. Raises `UnknownFeatureError` for others."""
    if isinstance(helper, str):
        helper = _helper(helper)
    return Instruction(JMP | CALL, imm=helper)


def _helper(name: str) -> int:
    import featuredb
    from ebpf.errors import UnknownFeatureError

    try:
        record = featuredb.get(name)
    except featuredb.UnknownName as error:
        raise UnknownFeatureError(name, error.suggestions) from None
    if record.kind != "helper" or record.value is None:
        raise UnknownFeatureError(name)
    return record.value


def call_function(target: Target) -> Instruction:
    """``call pc+N``: a function of the same program."""
    insn = _jump(JMP | CALL, target, far=True)
    return insn.replace(src=PSEUDO_CALL)


def call_kfunc(btf_id: int, module: int = 0) -> Instruction:
    """A call of a kernel function.

    Parameters:
        btf_id: its BTF id, in vmlinux or in its module.
        module: 0 for vmlinux, or the index of the module's BTF in fd_array.
    """
    return Instruction(JMP | CALL, 0, PSEUDO_KFUNC_CALL, module, btf_id)


def call_register(dst: int) -> Instruction:
    """``callx dst``: the function a register points to. In the instruction set, but no verifier takes it."""
    return Instruction(JMP | CALL | X, dst)


def exit_() -> Instruction:
    """``exit``: return r0."""
    return Instruction(JMP | EXIT)
