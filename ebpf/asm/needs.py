"""Which feature of the database an instruction needs, beyond what every eBPF kernel knows."""

from __future__ import annotations

from ebpf.asm import opcodes as op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.asm.instruction import Instruction

__all__ = ["feature"]

_NEWER_JUMPS = (op.JLT, op.JLE, op.JSLT, op.JSLE)
_ATOMICS = {
    op.ADD | op.FETCH: "atomic_add_fetch",
    op.OR: "atomic_and_or_xor",
    op.AND: "atomic_and_or_xor",
    op.XOR: "atomic_and_or_xor",
    op.XCHG: "atomic_xchg",
    op.CMPXCHG: "atomic_cmpxchg",
    op.LOAD_ACQ: "load_acquire_store_release",
    op.STORE_REL: "load_acquire_store_release",
}
_PSEUDO_LOADS = {
    op.PSEUDO_MAP_VALUE: "BPF_PSEUDO_MAP_VALUE",
    op.PSEUDO_BTF_ID: "BPF_PSEUDO_BTF_ID",
    op.PSEUDO_FUNC: "BPF_PSEUDO_FUNC",
    op.PSEUDO_MAP_IDX: "BPF_PSEUDO_MAP_IDX",
    op.PSEUDO_MAP_IDX_VALUE: "BPF_PSEUDO_MAP_IDX_VALUE",
}
_PSEUDO_CALLS = {op.PSEUDO_CALL: "BPF_PSEUDO_CALL", op.PSEUDO_KFUNC_CALL: "BPF_PSEUDO_KFUNC_CALL"}


def feature(insn: Instruction) -> str | None:
    """The feature's name, such as ``"long_jump"``; ``None`` for an instruction of the first set."""
    kind, operation = insn.code & 7, insn.code & 0xF0
    if kind in (op.ALU, op.ALU64):
        return _of_arithmetic(insn, operation)
    if kind == op.JMP32:
        return "long_jump" if operation == op.JA else "jmp32"
    if kind == op.JMP:
        return _of_jump(insn, operation)
    if kind == op.STX and insn.code & 0xE0 == op.ATOMIC:
        return _ATOMICS.get(insn.imm) or _ATOMICS.get(insn.imm & ~op.FETCH)
    if kind == op.LDX and insn.code & 0xE0 == op.MEMSX:
        return "sign_extending_loads"
    return _PSEUDO_LOADS.get(insn.src) if insn.code == op.LDDW else None


def _of_arithmetic(insn: Instruction, operation: int) -> str | None:
    if operation == op.END:
        return "unconditional_byte_swap" if insn.code & 7 == op.ALU64 else None
    if operation in (op.DIV, op.MOD):
        return "signed_division" if insn.off == 1 else None
    if operation == op.MOV and insn.code & op.X and insn.off:
        return "address_space_cast" if insn.off == 1 else "sign_extending_moves"
    return None


def _of_jump(insn: Instruction, operation: int) -> str | None:
    if operation in _NEWER_JUMPS:
        return "jlt"
    if operation == op.JCOND:
        return "may_goto"
    if operation == op.JA:
        return "indirect_jump" if insn.code & op.X else None
    return _PSEUDO_CALLS.get(insn.src) if operation == op.CALL else None
