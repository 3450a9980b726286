"""Instructions out of text in the verifier's notation, as `ebpf.asm.text` prints it and a person writes it."""

from __future__ import annotations

import re

from ebpf.asm import atomics, build, memory
from ebpf.asm import opcodes as op
from ebpf.asm.instruction import Instruction
from ebpf.errors import AssemblyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    Item = Union[Instruction, str]
    Maker = Callable[..., Instruction]

__all__ = ["parse"]

_SIZES = {"8": op.B, "16": op.H, "32": op.W, "64": op.DW}
_OPERATIONS = {
    "+=": (build.add, build.add32),
    "-=": (build.sub, build.sub32),
    "*=": (build.mul, build.mul32),
    "/=": (build.div, build.div32),
    "%=": (build.mod, build.mod32),
    "s/=": (build.sdiv, build.sdiv32),
    "s%=": (build.smod, build.smod32),
    "|=": (build.or_, build.or32),
    "&=": (build.and_, build.and32),
    "^=": (build.xor, build.xor32),
    "<<=": (build.lsh, build.lsh32),
    ">>=": (build.rsh, build.rsh32),
    "s>>=": (build.arsh, build.arsh32),
    "=": (build.mov, build.mov32),
}
_COMPARISONS = {
    "==": (build.jeq, build.jeq32),
    "!=": (build.jne, build.jne32),
    ">": (build.jgt, build.jgt32),
    ">=": (build.jge, build.jge32),
    "<": (build.jlt, build.jlt32),
    "<=": (build.jle, build.jle32),
    "&": (build.jset, build.jset32),
    "s>": (build.jsgt, build.jsgt32),
    "s>=": (build.jsge, build.jsge32),
    "s<": (build.jslt, build.jslt32),
    "s<=": (build.jsle, build.jsle32),
}
_ATOMICS = {
    "+=": atomics.atomic_add,
    "|=": atomics.atomic_or,
    "&=": atomics.atomic_and,
    "^=": atomics.atomic_xor,
    "add": atomics.atomic_add,
    "or": atomics.atomic_or,
    "and": atomics.atomic_and,
    "xor": atomics.atomic_xor,
}
_PLACE = r"\(([us])(8|16|32|64) \*\)\(r(\d+) ?([+-] ?\d+)\)"
_TARGET = r"(pc[+-]\d+|[A-Za-z_][\w.]*)"
_OPERAND = r"([rw]\d+|-?(?:0x[0-9a-fA-F]+|\d+))"


def _number(text: str) -> int:
    return int(text.replace(" ", ""), 0)


def _register(text: str) -> op.Register:
    number = int(text.lstrip("rw"))
    if number > 10:
        raise AssemblyError(f"there is no register {text}: they are r0 to r10")
    return op.Register(number)


def _operand(text: str) -> op.Register | int:
    return _register(text) if text[0] in "rw" else _number(text)


def _target(text: str) -> str | int:
    return int(text[2:]) if re.fullmatch(r"pc[+-]\d+", text) else text


def _assign(dst: str, sign: str, value: str) -> Instruction:
    wide = dst[0] == "r"
    number = None if value[0] in "rw" else _number(value)
    # As the verifier prints them: a constant in hexadecimal is one of 64 bits, in decimal one of 32.
    if number is not None and not -(2**63) <= number < 2**64:
        raise AssemblyError(f"{value} has more than 64 bits")
    if sign == "=" and number is not None and wide and ("x" in value or not -(2**31) <= number < 2**31):
        return memory.load64(_register(dst), number)
    if number is None and value[0] != dst[0]:
        raise AssemblyError(f"`{dst} {sign} {value}` mixes registers of 64 and of 32 bits")
    made: Instruction = _OPERATIONS[sign][not wide](_register(dst), _operand(value))
    return made


def _compare(dst: str, sign: str, value: str, target: str) -> Instruction:
    # The verifier prints what is compared with in hexadecimal, without a sign.
    operand = _operand(value)
    if not isinstance(operand, op.Register) and 2**31 <= operand < 2**32:
        operand -= 2**32
    made: Instruction = _COMPARISONS[sign][dst[0] == "w"](_register(dst), operand, _target(target))
    return made


def _load(dst: str, signed: str, size: str, src: str, off: str) -> Instruction:
    maker = memory.loadsx if signed == "s" else memory.load
    return maker(_SIZES[size], _register(dst), _register(src), _number(off))


def _store(_: str, size: str, dst: str, off: str, value: str) -> Instruction:
    return memory.store(_SIZES[size], _register(dst), _number(off), _operand(value))


def _locked(_: str, size: str, dst: str, off: str, sign: str, src: str) -> Instruction:
    return _ATOMICS[sign](_SIZES[size], _register(dst), _number(off), _register(src))


def _fetched(src: str, name: str, _: str, size: str, dst: str, off: str) -> Instruction:
    place = _SIZES[size], _register(dst), _number(off), _register(src)
    return atomics.atomic_xchg(*place) if name == "xchg" else _ATOMICS[name[6:]](*place, True)


def _exchanged(_: str, size: str, dst: str, off: str, src: str) -> Instruction:
    return atomics.atomic_cmpxchg(_SIZES[size], _register(dst), _number(off), _register(src))


def _acquired(dst: str, _: str, size: str, src: str, off: str) -> Instruction:
    return atomics.load_acquire(_SIZES[size], _register(dst), _register(src), _number(off))


def _released(_: str, size: str, dst: str, off: str, src: str) -> Instruction:
    return atomics.store_release(_SIZES[size], _register(dst), _number(off), _register(src))


def _packet(size: str, src: str | None, off: str) -> Instruction:
    if src is None:
        return memory.load_absolute(_SIZES[size], _number(off))
    return memory.load_indirect(_SIZES[size], _register(src), _number(off))


def _swap(dst: str, kind: str, bits: str) -> Instruction:
    maker = {"be": build.to_be, "le": build.to_le, "bswap": build.bswap}[kind]
    return maker(_register(dst), int(bits))


def _extended(dst: str, bits: str, src: str) -> Instruction:
    maker = build.movsx if dst[0] == "r" else build.movsx32
    return maker(_register(dst), _register(src), int(bits))


def _map(dst: str, kind: str, number: str, value: str | None) -> Instruction:
    if value is None:
        return (memory.load_map if kind == "fd" else memory.load_map_index)(_register(dst), int(number))
    maker = memory.load_map_value if kind == "fd" else memory.load_map_index_value
    return maker(_register(dst), int(number), int(value))


def _call(name: str | None, number: str | None) -> Instruction:
    return build.call(int(number)) if number is not None else build.call(name or "")


# Tried in this order: a form that is another's beginning comes after it.
_FORMS: tuple[tuple[str, Maker], ...] = (
    (r"exit", build.exit_),
    (rf"goto {_TARGET}", lambda where: build.ja(_target(where))),
    (rf"gotol {_TARGET}", lambda where: build.gotol(_target(where))),
    (rf"may_goto {_TARGET}", lambda where: build.may_goto(_target(where))),
    (r"gotox (r\d+)", lambda dst: build.gotox(_register(dst))),
    (r"callx (r\d+)", lambda dst: build.call_register(_register(dst))),
    (
        r"call kernel-function#(\d+)(?: of module (\d+))?",
        lambda number, module: build.call_kfunc(int(number), int(module or 0)),
    ),
    (r"call (?:(bpf_\w+|unknown)#(-?\d+))", _call),
    (r"call (bpf_\w+)()", lambda name, _: build.call(name)),
    (rf"call {_TARGET}", lambda where: build.call_function(_target(where))),
    (rf"if ([rw]\d+) (s?[<>]=?|==|!=|&) {_OPERAND} goto {_TARGET}", _compare),
    (rf"([rw]\d+) = \*{_PLACE}", _load),
    (rf"\*{_PLACE} = {_OPERAND}", _store),
    (rf"lock \*{_PLACE} ([+|&^]=) (r\d+)", _locked),
    (rf"(r\d+) = atomic(?:64)?_(fetch_add|fetch_or|fetch_and|fetch_xor|xchg)\({_PLACE}, r\d+\)", _fetched),
    (rf"r0 = atomic(?:64)?_cmpxchg\({_PLACE}, r0, (r\d+)\)", _exchanged),
    (rf"(r\d+) = load_acquire\({_PLACE}\)", _acquired),
    (rf"store_release\({_PLACE}, (r\d+)\)", _released),
    (r"r0 = \*\(u(8|16|32) \*\)skb\[(?:(r\d+) \+ )?(-?\d+)\]", _packet),
    (r"(r\d+) = (be|le|bswap)(16|32|64) r\d+", _swap),
    (r"(r\d+) = -r\d+", lambda dst: build.neg(_register(dst))),
    (r"(w\d+) = -w\d+", lambda dst: build.neg32(_register(dst))),
    (r"([rw]\d+) = \(s(8|16|32)\)([rw]\d+)", _extended),
    (
        r"(r\d+) = addr_space_cast\((r\d+), (\d+), (\d+)\)",
        lambda dst, src, to, of: build.addr_space_cast(_register(dst), _register(src), int(to), int(of)),
    ),
    (r"(r\d+) = map\[(fd|idx):(\d+)\](?:\[0\]\+(\d+))?", _map),
    (
        r"(r\d+) = &kernel-variable#(\d+)(?: of module (\d+))?",
        lambda dst, number, module: memory.load_btf_id(_register(dst), int(number), int(module or 0)),
    ),
    (rf"(r\d+) = function {_TARGET}", lambda dst, where: memory.load_function(_register(dst), _target(where))),
    (rf"([rw]\d+) (s?(?:/|%|>>)=|[-+*|&^]=|<<=|=) {_OPERAND}", _assign),
)


_compiled: list[tuple[re.Pattern[str], Maker]] = []
_LINE = re.compile(r"(?:\d+: )?(?:\([0-9a-f]{2}\) )?(.*)")
_LABEL = re.compile(r"([A-Za-z_][\w.]*):")


def parse(text: str) -> list[Item]:
    """Instructions and labels, for `assemble`.

    Parameters:
        text: an instruction a line, or several with ``;`` between them, as `str` of an `Instruction` gives them. A
            number and an opcode before it, as in a listing, are skipped; ``name:`` is a label; what follows ``//`` or
            ``#`` and a space is a comment. A constant in hexadecimal is loaded with 64 bits, in decimal with 32.

    Raises `AssemblyError` with the line.
    """
    found: list[Item] = []
    for number, line in enumerate(text.splitlines(), 1):
        for piece in re.split(r"//|# ", line, maxsplit=1)[0].split(";"):
            statement = _LINE.fullmatch(piece.strip())
            words = " ".join(statement.group(1).split()) if statement else ""
            label = _LABEL.fullmatch(words)
            if label:
                found.append(label.group(1))
            elif words:
                found.append(_instruction(words, number))
    return found


def _instruction(words: str, number: int) -> Instruction:
    if not _compiled:
        _compiled.extend((re.compile(form), maker) for form, maker in _FORMS)
    for form, maker in _compiled:
        held = form.fullmatch(words)
        if held:
            try:
                return maker(*held.groups())
            except AssemblyError as error:
                raise AssemblyError(f"line {number}: {error}") from None
    raise AssemblyError(f"line {number}: `{words}` is no instruction in the verifier's notation, such as `r0 = 1`")
