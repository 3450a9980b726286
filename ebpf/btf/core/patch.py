"""Putting the value of a CO-RE relocation into its instruction."""

from __future__ import annotations

import struct
import sys

from ebpf.btf.core.access import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.core.resolve import Resolution

__all__ = ["POISON", "apply"]

POISON = 0xBAD2310
"""The helper that a poisoned instruction calls: the verifier says ``invalid func unknown#195896080``."""

_CODE = 8
_CALL, _WIDE = 0x85, 0x18
_LD, _LDX, _ST, _STX, _ALU, _ALU64 = 0, 1, 2, 3, 4, 7  # classes: the lowest three bits of an opcode
_SIZES = {4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18}  # BPF_W, BPF_H, BPF_B, BPF_DW
_BYTES = {code: size for size, code in _SIZES.items()}


def apply(code: bytearray, resolution: Resolution, at: int | None = None) -> str:
    """Patch the instruction of a relocation, and poison it when there is no value.

    Parameters:
        code: instructions, in this machine's layout.
        resolution: from `resolve`.
        at: the number of the instruction, when it is not where the relocation says.

    Returns what is wrong in words, empty when it is patched: the instruction is not what such a relocation belongs to,
    does not hold the number it should, or cannot hold the new one.
    """
    number = resolution.relocation.instruction if at is None else at
    place = number * _CODE
    if not 0 <= place <= len(code) - _CODE:
        return f"instruction {number} is not there"
    opcode, registers, off, imm = struct.unpack_from("=BBhi", code, place)
    if resolution.value is None:
        _poison(code, place, opcode)
        return ""
    kind = opcode & 7
    value = resolution.value
    what = f"{KINDS[resolution.relocation.kind]} {resolution.text}"
    if kind in (_ALU, _ALU64) and not opcode & 8:
        if resolution.sure and imm & 0xFFFFFFFF != resolution.expected & 0xFFFFFFFF:
            return f"the instruction holds {imm} where {what} should be {resolution.expected}"
        struct.pack_into("=I", code, place + 4, value & 0xFFFFFFFF)
        return ""
    if kind in (_LDX, _ST, _STX):
        if resolution.sure and off != resolution.expected:
            return f"the instruction holds {off} where {what} should be {resolution.expected}"
        if not 0 <= value <= 0x7FFF:
            return f"{what} is {value}: more than a load or store can hold"
        if resolution.new_size != resolution.old_size:
            if not resolution.resizable:
                _poison(code, place, opcode)
                return ""
            if _BYTES[opcode & 0x18] != resolution.old_size or resolution.new_size not in _SIZES:
                return f"the field of {what} has {resolution.new_size} bytes: no load or store has them"
            code[place] = opcode & ~0x18 | _SIZES[resolution.new_size]
        struct.pack_into("=h", code, place + 2, value)
        return ""
    source = registers >> 4 if sys.byteorder == "little" else registers & 15
    if opcode == _WIDE and not source and not off and place + 2 * _CODE <= len(code):
        second, _, _, high = struct.unpack_from("=BBhi", code, place + _CODE)
        whole = imm & 0xFFFFFFFF | (high & 0xFFFFFFFF) << 32
        if not second:
            if resolution.sure and whole != resolution.expected & 0xFFFFFFFFFFFFFFFF:
                return f"the instruction holds {whole} where {what} should be {resolution.expected}"
            struct.pack_into("=I", code, place + 4, value & 0xFFFFFFFF)
            struct.pack_into("=I", code, place + _CODE + 4, value >> 32 & 0xFFFFFFFF)
            return ""
    return f"the instruction (opcode {opcode:#04x}) is none that {what} can be put into"


def _poison(code: bytearray, place: int, opcode: int) -> None:
    call = struct.pack("=BBhi", _CALL, 0, 0, POISON)
    code[place : place + _CODE] = call
    if opcode == _WIDE and place + 2 * _CODE <= len(code):
        code[place + _CODE : place + 2 * _CODE] = call
