"""Instructions in the notation of the kernel's verifier (kernel/bpf/disasm.c), so that a log can be held against them.

What the verifier shows as an address is shown for what it is in the program: a map, a function, a variable.
"""

from __future__ import annotations

from ebpf.asm import opcodes as op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ebpf.asm.instruction import Instruction

__all__ = ["listing", "spell"]

_ALU = {
    op.ADD: "+=",
    op.SUB: "-=",
    op.MUL: "*=",
    op.DIV: "/=",
    op.OR: "|=",
    op.AND: "&=",
    op.LSH: "<<=",
    op.RSH: ">>=",
    op.MOD: "%=",
    op.XOR: "^=",
    op.MOV: "=",
    op.ARSH: "s>>=",
}
_JUMPS = {
    op.JEQ: "==",
    op.JGT: ">",
    op.JGE: ">=",
    op.JSET: "&",
    op.JNE: "!=",
    op.JSGT: "s>",
    op.JSGE: "s>=",
    op.JLT: "<",
    op.JLE: "<=",
    op.JSLT: "s<",
    op.JSLE: "s<=",
}
_SIZES = {op.W: "32", op.H: "16", op.B: "8", op.DW: "64"}
_ATOMICS = {op.ADD: ("+=", "add"), op.OR: ("|=", "or"), op.AND: ("&=", "and"), op.XOR: ("^=", "xor")}


def spell(insn: Instruction) -> str:
    """One instruction as text; ``unknown 0xe4 …`` for what is none."""
    text = _CLASSES[insn.code & 7](insn)
    if text:
        return text
    return f"unknown {insn.code:#04x} dst={insn.dst} src={insn.src} off={insn.off} imm={insn.imm}"


def _alu(insn: Instruction) -> str:
    operation, from_register = insn.code & 0xF0, insn.code & op.X
    r = "r" if insn.code & 7 == op.ALU64 else "w"
    dst, src = f"{r}{insn.dst}", f"{r}{insn.src}"
    if operation == op.END:
        if insn.imm not in (16, 32, 64):
            return ""
        name = "bswap" if r == "r" else "be" if from_register else "le"
        return f"r{insn.dst} = {name}{insn.imm} r{insn.dst}"
    if operation == op.NEG:
        return f"{dst} = -{dst}"
    if operation not in _ALU:
        return ""
    sign = _ALU[operation]
    if operation in (op.DIV, op.MOD) and insn.off == 1:
        sign = f"s{sign}"
    if operation == op.MOV and from_register:
        if insn.off == 1 and insn.imm:
            return f"{dst} = addr_space_cast({src}, {insn.imm >> 16 & 0xFFFF}, {insn.imm & 0xFFFF})"
        if insn.off in (8, 16, 32):
            return f"{dst} = (s{insn.off}){src}"
    return f"{dst} {sign} {src if from_register else insn.imm}"


def _jump(insn: Instruction) -> str:
    operation, wide = insn.code & 0xF0, insn.code & 7 == op.JMP
    where = insn.target if insn.target is not None else f"pc{insn.off:+d}"
    if operation == op.JA:
        if insn.code & op.X:
            return f"gotox r{insn.dst}" if wide else ""
        if not wide:
            return f"gotol {insn.target if insn.target is not None else f'pc{insn.imm:+d}'}"
        return f"goto {where}"
    if operation == op.CALL and wide:
        return _call(insn)
    if operation == op.EXIT and wide:
        return "exit"
    if operation == op.JCOND and wide:
        return f"may_goto {where}"
    if operation not in _JUMPS:
        return ""
    r = "r" if wide else "w"
    other = f"{r}{insn.src}" if insn.code & op.X else f"{insn.imm & 0xFFFFFFFF:#x}"
    return f"if {r}{insn.dst} {_JUMPS[operation]} {other} goto {where}"


def _call(insn: Instruction) -> str:
    if insn.code & op.X:
        return f"callx r{insn.dst}"
    if insn.src == op.PSEUDO_CALL:
        return f"call {insn.target if insn.target is not None else f'pc{insn.imm:+d}'}"
    if insn.src == op.PSEUDO_KFUNC_CALL:
        return f"call kernel-function#{insn.imm}" + (f" of module {insn.off}" if insn.off else "")
    return f"call {_helper_name(insn.imm)}#{insn.imm}"


_helpers: dict[int, str] = {}


def _helper_name(number: int) -> str:
    if not _helpers:
        from ebpf import uapi

        prefix = "BPF_FUNC_"
        _helpers.update(
            (value, "bpf_" + name[len(prefix) :]) for name, value in vars(uapi).items() if name.startswith(prefix)
        )
    return _helpers.get(number, "unknown")


def _place(insn: Instruction, register: int) -> str:
    return f"(r{register} {insn.off:+d})"


def _ldx(insn: Instruction) -> str:
    mode, size = insn.code & 0xE0, _SIZES[insn.code & 0x18]
    if mode == op.MEM:
        return f"r{insn.dst} = *(u{size} *){_place(insn, insn.src)}"
    if mode == op.MEMSX and size != "64":
        return f"r{insn.dst} = *(s{size} *){_place(insn, insn.src)}"
    return ""


def _st(insn: Instruction) -> str:
    if insn.code & 0xE0 == op.MEM:
        return f"*(u{_SIZES[insn.code & 0x18]} *){_place(insn, insn.dst)} = {insn.imm}"
    return "nospec" if insn.code & 0xE0 == 0xC0 else ""


def _stx(insn: Instruction) -> str:
    mode, size = insn.code & 0xE0, _SIZES[insn.code & 0x18]
    pointer = f"(u{size} *){_place(insn, insn.dst)}"
    if mode == op.MEM:
        return f"*{pointer} = r{insn.src}"
    if mode != op.ATOMIC:
        return ""
    if insn.imm == op.LOAD_ACQ:
        return f"r{insn.dst} = load_acquire((u{size} *){_place(insn, insn.src)})"
    if insn.imm == op.STORE_REL:
        return f"store_release({pointer}, r{insn.src})"
    if size not in ("32", "64"):
        return ""
    name = "atomic64" if size == "64" else "atomic"
    if insn.imm == op.XCHG:
        return f"r{insn.src} = {name}_xchg({pointer}, r{insn.src})"
    if insn.imm == op.CMPXCHG:
        return f"r0 = {name}_cmpxchg({pointer}, r0, r{insn.src})"
    if insn.imm & ~op.FETCH not in _ATOMICS:
        return ""
    sign, word = _ATOMICS[insn.imm & ~op.FETCH]
    if insn.imm & op.FETCH:
        return f"r{insn.src} = {name}_fetch_{word}({pointer}, r{insn.src})"
    return f"lock *{pointer} {sign} r{insn.src}"


def _ld(insn: Instruction) -> str:
    mode, size = insn.code & 0xE0, _SIZES[insn.code & 0x18]
    if insn.code == op.LDDW:
        return f"r{insn.dst} = {_constant(insn)}"
    if mode == op.ABS and size != "64":
        return f"r0 = *(u{size} *)skb[{insn.imm}]"
    if mode == op.IND and size != "64":
        return f"r0 = *(u{size} *)skb[r{insn.src} + {insn.imm}]"
    return ""


def _constant(insn: Instruction) -> str:
    low, high = insn.imm & 0xFFFFFFFF, insn.high & 0xFFFFFFFF
    if insn.src == op.PSEUDO_FUNC:
        return f"function {insn.target if insn.target is not None else f'pc{insn.imm:+d}'}"
    if insn.src == op.PSEUDO_BTF_ID:
        return f"&kernel-variable#{low}" + (f" of module {high}" if high else "")
    if insn.src in (op.PSEUDO_MAP_FD, op.PSEUDO_MAP_IDX):
        return f"map[{'fd' if insn.src == op.PSEUDO_MAP_FD else 'idx'}:{low}]"
    if insn.src in (op.PSEUDO_MAP_VALUE, op.PSEUDO_MAP_IDX_VALUE):
        return f"map[{'fd' if insn.src == op.PSEUDO_MAP_VALUE else 'idx'}:{low}][0]+{high}"
    return f"{insn.imm64:#x}"


_CLASSES: dict[int, Callable[[Instruction], str]] = {
    op.LD: _ld,
    op.LDX: _ldx,
    op.ST: _st,
    op.STX: _stx,
    op.ALU: _alu,
    op.JMP: _jump,
    op.JMP32: _jump,
    op.ALU64: _alu,
}


def listing(program: bytes | Iterable[Instruction]) -> str:
    """A program as a verifier's log shows it, one line an instruction: ``0: (b7) r0 = 0``.

    Parameters:
        program: instructions, or their bytes in this machine's order.
    """
    if isinstance(program, (bytes, bytearray, memoryview)):
        from ebpf.asm.instruction import disassemble

        program = disassemble(bytes(program))
    lines = []
    place = 0
    for insn in program:
        lines.append(f"{place}: ({insn.code:02x}) {insn}")
        place += insn.slots
    return "\n".join(lines)
