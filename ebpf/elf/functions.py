"""The functions of an object file, and what each of their instructions refers to."""

from __future__ import annotations

import struct
import sys
from bisect import bisect_right

from ebpf.btf.ext import CoreRelocation, FuncInfo, LineInfo
from ebpf.elf import file
from ebpf.elf.program import CALL, CODE, DATA, EXTERN, FUNCTION, MAP, ProgramSpec, Relocation, native_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ebpf.btf.ext import BtfExt
    from ebpf.elf.object import ObjectFile

__all__ = ["Functions"]

_CALL_CODE, _WIDE = 0x85, 0x18  # BPF_JMP | BPF_CALL, BPF_LD | BPF_IMM | BPF_DW
_PSEUDO_CALL = 1
# The first two bytes of a call of a function of the program: the registers' halves follow the byte order.
_CALL_BYTES = b"\x85\x10" if sys.byteorder == "little" else b"\x85\x01"


class Functions:
    """The functions of an object, by place and by section.

    Attributes:
        all: in the order of sections and offsets.
    """

    def __init__(self, owner: ObjectFile) -> None:
        self._object = owner
        self._elf = owner.elf
        self._code: dict[int, memoryview] = {}
        self._sections: dict[int, list[ProgramSpec]] = {}
        self.all: list[ProgramSpec] = []
        for section in self._elf.sections:
            if section.type == file.PROGBITS and section.flags & file.EXECUTABLE and section.size:
                self._code[section.index] = native_code(section.data, self._elf.native)
                self._sections[section.index] = []
        self._collect()
        self._places = {index: [each.offset for each in found] for index, found in self._sections.items()}

    def _collect(self) -> None:
        for symbol in self._elf.symbols:
            if symbol.kind != file.FUNC or symbol.section not in self._code:
                continue
            section = self._elf.sections[symbol.section]
            if symbol.value % CODE or symbol.size % CODE or not symbol.size:
                raise self._elf.error(
                    f"function {symbol.name!r} of {symbol.size} bytes is no whole number of instructions",
                    section.name,
                    symbol.value,
                )
            if symbol.value + symbol.size > section.size:
                raise self._elf.error(f"function {symbol.name!r} ends past its section", section.name, symbol.value)
            self._sections[symbol.section].append(
                ProgramSpec(
                    self._object,
                    symbol.name,
                    section.name,
                    symbol.section,
                    symbol.value,
                    symbol.size,
                    self._code[symbol.section][symbol.value : symbol.value + symbol.size],
                    is_global=symbol.binding != file.LOCAL,
                    hidden=symbol.hidden,
                )
            )
        for index, found in self._sections.items():
            found.sort(key=lambda each: each.offset)
            for first, second in zip(found, found[1:]):
                if first.offset + first.size > second.offset:
                    name = self._elf.sections[index].name
                    raise self._elf.error(f"functions {first.name!r} and {second.name!r} overlap", name, second.offset)
            self.all.extend(found)

    def entries(self) -> dict[str, ProgramSpec]:
        """The programs: global functions of sections of their own, or the only function of ``.text``.

        When there is any other, those of ``.text`` are sub-programs (libbpf, src/libbpf.c, prog_is_subprog()).
        """
        if len(self.all) == 1:
            return {self.all[0].name: self.all[0]}
        return {each.name: each for each in self.all if each.section != ".text" and each.is_global}

    def at(self, section: int, offset: int) -> ProgramSpec | None:
        """The function that begins at a byte of a section."""
        function = self._around(section, offset)
        return function if function is not None and function.offset == offset else None

    def _around(self, section: int, offset: int) -> ProgramSpec | None:
        places = self._places.get(section)
        if not places:
            return None
        number = bisect_right(places, offset) - 1
        found = self._sections[section][number] if number >= 0 else None
        return found if found is not None and offset < found.offset + found.size else None

    def refer(self) -> None:
        """Find what the instructions refer to: maps, data, functions and externs must be known by now."""
        for index, found in self._sections.items():
            section = self._elf.sections[index]
            by_function: dict[int, list[Relocation]] = {each.offset: [] for each in found}
            done = set()
            for entry in self._elf.relocations(section):
                function = self._around(index, entry.offset)
                if entry.offset % CODE or function is None:
                    raise self._elf.error("a relocation outside of every function", section.name, entry.offset)
                by_function[function.offset].append(self._refer(section, function, entry))
                done.add(entry.offset)
            for relocation, function in self._local_calls(index, done):
                by_function[function.offset].append(relocation)
            for each in found:
                each.relocations = sorted(by_function[each.offset], key=lambda one: one.instruction)

    def _local_calls(self, index: int, done: set[int]) -> list[tuple[Relocation, ProgramSpec]]:
        """Calls within a section, for which compilers need not write relocations."""
        code = bytes(self._code[index])
        found = []
        at = code.find(_CALL_BYTES)
        while at >= 0:
            function = self._around(index, at) if not at % CODE and at not in done else None
            if function is not None and not self._is_second_half(code, function, at):
                (imm,) = struct.unpack_from("=i", code, at + 4)
                found.append((self._call(function, at, index, at + CODE * (imm + 1)), function))
            at = code.find(_CALL_BYTES, at + 1)
        return found

    @staticmethod
    def _is_second_half(code: bytes, function: ProgramSpec, at: int) -> bool:
        return at > function.offset and code[at - CODE] == _WIDE

    def _call(self, function: ProgramSpec, at: int, section: int, target: int, kind: str = CALL) -> Relocation:
        callee = self.at(section, target)
        if callee is None:
            name = self._elf.sections[section].name
            raise self._elf.error(
                f"function {function.name!r} refers to byte {target} of {name}, where no function begins",
                self._elf.sections[function.section_index].name,
                at,
            )
        return Relocation((at - function.offset) // CODE, kind, callee.name, 0, callee)

    def _refer(self, section: file.Section, function: ProgramSpec, entry: file.RawRelocation) -> Relocation:
        code = self._code[section.index]
        symbol, at = entry.symbol, entry.offset
        opcode, registers, _, imm = struct.unpack_from("=BBhi", code, at)
        number = (at - function.offset) // CODE
        if opcode not in (_CALL_CODE, _WIDE):
            raise self._elf.error(f"a relocation of an instruction with opcode {opcode:#04x}", section.name, at)
        if opcode == _WIDE and at + 2 * CODE > function.offset + function.size:
            raise self._elf.error("a wide load that is cut off", section.name, at)
        if symbol.section == 0 and symbol.name in self._object.externs:
            return Relocation(number, EXTERN, symbol.name, imm if opcode == _WIDE else 0)
        if symbol.section in self._sections:
            if opcode == _CALL_CODE:
                source = registers >> 4 if sys.byteorder == "little" else registers & 15
                if source != _PSEUDO_CALL:
                    raise self._elf.error("a call of a function that is not marked as one", section.name, at)
                return self._call(function, at, symbol.section, symbol.value + CODE * (imm + 1))
            return self._call(function, at, symbol.section, symbol.value + entry.addend + imm, FUNCTION)
        if opcode == _WIDE:
            place = symbol.value + entry.addend + imm
            data = self._object.data_map_at(symbol.section)
            if data is not None:
                return Relocation(number, DATA, data, place)
            found = self._object.map_at(symbol.section, place)
            if found is not None:
                return Relocation(number, MAP, found)
        raise self._elf.error(self._unknown(symbol, function, number), section.name, at)

    def _unknown(self, symbol: file.Symbol, function: ProgramSpec, number: int) -> str:
        sections = self._elf.sections
        where = sections[symbol.section].name if 0 < symbol.section < len(sections) else "no section"
        what = f"function {function.name!r}, instruction {number} refers to {symbol.name or 'a symbol'!r} in {where}"
        if symbol.section == 0:
            return f"{what}: it is not defined here, and no BTF declares it as an extern"
        return f"{what}: neither a map, nor data, nor a function"

    def describe(self, ext: BtfExt) -> None:
        """Give each function its part of ``.BTF.ext``."""
        btf = self._object.btf
        assert btf is not None
        for index, found in self._sections.items():
            name = self._elf.sections[index].name
            functions = _share(found, ext.func_info.get(name, ()))
            lines = _share(found, ext.line_info.get(name, ()))
            core = _share(found, ext.core.get(name, ()))
            for each, types, places, needs in zip(found, functions, lines, core):
                each.func_info = [FuncInfo(at, words[1]) for at, words in types]
                each.line_info = [LineInfo(btf, at, *words[1:4]) for at, words in places]
                each.core_relocations = [
                    CoreRelocation(at, words[1], btf.string(words[2]), words[3]) for at, words in needs
                ]


def _share(found: list[ProgramSpec], records: Iterable[tuple[int, ...]]) -> list[list[tuple[int, tuple[int, ...]]]]:
    """The records of a section by function: (instruction in the function, record), those between functions left out."""
    shares: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in found]
    places = [each.offset for each in found]
    for words in records:
        number = bisect_right(places, words[0]) - 1
        if number >= 0 and words[0] < found[number].offset + found[number].size:
            shares[number].append(((words[0] - found[number].offset) // CODE, words))
    for share in shares:
        share.sort(key=lambda each: each[0])
    return shares
