"""An ELF64 file: its sections, symbols and relocations, of either byte order.

Only what BPF objects have of the format (elf.h of the gABI): 64 bits, relocatable, machine EM_BPF. Every offset is held
against the file before it is used; nothing is copied before it is asked for.
"""

from __future__ import annotations

import struct
import sys

from ebpf.errors import ObjectFileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Data = Union[bytes, memoryview]

__all__ = ["Elf", "RawRelocation", "Section", "Symbol"]

_EM_BPF = 247
_ET_REL = 1
_SHT_SYMTAB, _SHT_RELA, _SHT_REL = 2, 4, 9
PROGBITS, NOBITS = 1, 8
WRITABLE, ALLOCATED, EXECUTABLE = 1, 2, 4
_XINDEX = 0xFFFF
_SECTION_HEADER = 64
_SYMBOL = 24

LOCAL, GLOBAL, WEAK = 0, 1, 2  # st_info >> 4
NOTYPE, OBJECT, FUNC, SECTION = 0, 1, 2, 3  # st_info & 15
HIDDEN = (1, 2)  # STV_INTERNAL, STV_HIDDEN of st_other & 3


class Section:
    """A section. ``data`` is a view of its bytes, empty for one that has none in the file (``.bss``)."""

    __slots__ = ("data", "entry_size", "flags", "index", "info", "link", "name", "offset", "size", "type")

    def __init__(self, index: int, name: str, words: tuple[int, ...], data: memoryview) -> None:
        self.index = index
        self.name = name
        _, self.type, self.flags, _, self.offset, self.size, self.link, self.info, _, self.entry_size = words
        self.data = data

    def __repr__(self) -> str:
        return f"<Section {self.index} {self.name!r} of {self.size} bytes>"


class Symbol:
    """A symbol. ``section`` is the index of its section: 0 when it is defined elsewhere."""

    __slots__ = ("binding", "hidden", "index", "kind", "name", "section", "size", "value")

    def __init__(self, index: int, name: str, info: int, other: int, section: int, value: int, size: int) -> None:
        self.index = index
        self.name = name
        self.binding = info >> 4
        self.kind = info & 15
        self.hidden = other & 3 in HIDDEN
        self.section = section
        self.value = value
        self.size = size

    def __repr__(self) -> str:
        return f"<Symbol {self.name!r} at {self.section}:{self.value:#x}>"


class RawRelocation:
    """A place of a section that needs a symbol's value: ``offset`` in the section, ``type``, ``symbol``, ``addend``."""

    __slots__ = ("addend", "offset", "symbol", "type")

    def __init__(self, offset: int, kind: int, symbol: Symbol, addend: int) -> None:
        self.offset = offset
        self.type = kind
        self.symbol = symbol
        self.addend = addend

    def __repr__(self) -> str:
        return f"<RawRelocation at {self.offset:#x} to {self.symbol.name!r}>"


class Elf:
    """A BPF object file.

    Parameters:
        data: the whole file.
        name: what messages call it.

    Raises `ObjectFileError` when it is no BPF object, or malformed.
    """

    def __init__(self, data: Data, name: str = "") -> None:
        self.name = name
        self._data = memoryview(data)
        header = self._header()
        self._sections_at, count, names = header
        self.sections: list[Section] = []
        self._read_sections(count, names)
        self.by_name: dict[str, Section] = {}
        for section in self.sections[1:]:
            self.by_name.setdefault(section.name, section)
        self._tables: dict[int, list[Section]] = {}  # relocation sections by the section that they are for
        for section in self.sections:
            if section.type in (_SHT_REL, _SHT_RELA):
                self._tables.setdefault(section.info, []).append(section)
        self.symbols: list[Symbol] = self._read_symbols()

    def error(self, message: str, section: str = "", offset: int = 0) -> ObjectFileError:
        """An error about this file."""
        return ObjectFileError(message, self.name, section, offset)

    def _header(self) -> tuple[int, int, int]:
        data = self._data
        if len(data) < 64 or bytes(data[:4]) != b"\x7fELF":
            raise self.error("it is no ELF file: it does not begin with \\x7fELF and a header of 64 bytes")
        if data[4] != 2 or data[5] not in (1, 2):
            raise self.error("it is no ELF file of 64 bits in a known byte order", offset=4)
        self.byteorder = "little" if data[5] == 1 else "big"
        self.order = "<" if data[5] == 1 else ">"
        self.native = self.byteorder == sys.byteorder
        kind, machine, _, _, _, sections, _, _, _, _, size, count, names = struct.unpack_from(
            self.order + "HHIQQQIHHHHHH", data, 16
        )
        self.machine = machine
        # llvm writes EM_BPF; LLVM of 2016 and bcc of that time wrote EM_NONE.
        if machine not in (_EM_BPF, 0):
            raise self.error(f"it is for machine {machine}, not for BPF (247)", offset=18)
        if kind != _ET_REL:
            raise self.error(f"it is of type {kind}, not a relocatable object (1)", offset=16)
        if not sections:
            return 0, 0, 0
        if size != _SECTION_HEADER:
            raise self.error(f"its section headers have {size} bytes, not {_SECTION_HEADER}", offset=58)
        if not count or names == _XINDEX:
            first = self._section_words(sections, 0)
            count, names = count or first[5], first[6] if names == _XINDEX else names
        if count and sections + count * size > len(data):
            raise self.error(f"its {count} section headers end past the file", offset=40)
        return sections, count, names

    def _section_words(self, sections: int, number: int) -> tuple[int, ...]:
        at = sections + number * _SECTION_HEADER
        if at + _SECTION_HEADER > len(self._data):
            raise self.error(f"section header {number} ends past the file", offset=min(at, len(self._data)))
        return struct.unpack_from(self.order + "IIQQQQIIQQ", self._data, at)

    def _read_sections(self, count: int, names: int) -> None:
        if not count:
            return
        headers = [self._section_words(self._sections_at, number) for number in range(count)]
        if names >= count:
            raise self.error(f"the section of names would be {names} of {count}", offset=62)
        strings = self._content(headers[names], f"section {names}")
        budget = [len(self._data) + count]
        for number, words in enumerate(headers):
            name = self._string(strings, words[0], "", self._sections_at + number * _SECTION_HEADER, budget)
            self.sections.append(Section(number, name, words, self._content(words, name)))

    def _content(self, words: tuple[int, ...], name: str) -> memoryview:
        offset, size = words[4], words[5]
        if words[1] in (0, NOBITS):
            return self._data[:0]
        if offset + size > len(self._data):
            raise self.error(f"it has {size} bytes from byte {offset} on, past the end of the file", name)
        return self._data[offset : offset + size]

    def _string(self, strings: Data, offset: int, section: str, place: int, budget: list[int]) -> str:
        """The string at an offset; `budget` bounds what all of them together may take, for they may overlap."""
        if offset >= len(strings):
            if not offset:
                return ""
            raise self.error(f"a name at {offset}, past the end of the names", section, place)
        end = bytes(strings[offset : offset + 256]).find(b"\0")
        if end < 0:
            end = bytes(strings[offset:]).find(b"\0")
        if end < 0:
            raise self.error("a name that does not end", section, place)
        budget[0] -= end
        if budget[0] < 0:
            raise self.error("names that overlap more than any compiler makes them", section, place)
        return bytes(strings[offset : offset + end]).decode("utf-8", "backslashreplace")

    def _read_symbols(self) -> list[Symbol]:
        table = next((section for section in self.sections if section.type == _SHT_SYMTAB), None)
        if table is None:
            return []
        if table.link >= len(self.sections):
            raise self.error(f"its names would be in section {table.link} of {len(self.sections)}", table.name)
        if table.size % _SYMBOL:
            raise self.error(f"its {table.size} bytes are no whole number of symbols", table.name)
        strings = self.sections[table.link].data
        found: list[Symbol] = []
        budget = [8 * len(self._data) + 4096]
        for number, words in enumerate(struct.iter_unpack(self.order + "IBBHQQ", table.data)):
            name, info, other, section, value, size = words
            text = self._string(strings, name, table.name, number * _SYMBOL, budget)
            found.append(Symbol(number, text, info, other, section, value, size))
        return found

    def relocations(self, section: Section) -> list[RawRelocation]:
        """The relocations for a section, in the order of their offsets."""
        found: list[RawRelocation] = []
        for table in self._tables.get(section.index, ()):
            with_addend = table.type == _SHT_RELA
            layout = struct.Struct(self.order + ("QIIq" if with_addend else "QII"))
            if len(table.data) % layout.size:
                raise self.error(f"its {table.size} bytes are no whole number of relocations", table.name)
            for number, words in enumerate(layout.iter_unpack(table.data)):
                # r_info is one number of 64 bits: the symbol in the upper half, the type in the lower.
                low, high = (words[1], words[2]) if self.order == "<" else (words[2], words[1])
                if high >= len(self.symbols):
                    raise self.error(f"symbol {high} of {len(self.symbols)}", table.name, number * layout.size)
                found.append(RawRelocation(words[0], low, self.symbols[high], words[3] if with_addend else 0))
        found.sort(key=lambda each: each.offset)
        return found
