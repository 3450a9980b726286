"""``.BTF.ext``: the types of functions, the source lines and the CO-RE relocations of instructions.

The layout is struct btf_ext_header of libbpf (src/libbpf_internal.h) and Documentation/bpf/btf.rst: three tables, each
of a record size and, for each section of instructions, its name, a count and the records.
"""

from __future__ import annotations

import struct

from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.reader import Btf

    Records = dict[str, list[tuple[int, ...]]]

__all__ = ["BtfExt", "CoreRelocation", "FuncInfo", "LineInfo"]

_HEADER = 24  # up to the table of lines; CO-RE relocations follow since LLVM 10


class FuncInfo:
    """The type of the function that begins at an instruction: ``instruction``, ``type_id``."""

    __slots__ = ("instruction", "type_id")

    def __init__(self, instruction: int, type_id: int) -> None:
        self.instruction, self.type_id = instruction, type_id

    def moved(self, distance: int) -> FuncInfo:
        """The same for an instruction that stands elsewhere."""
        return FuncInfo(self.instruction + distance, self.type_id)


class LineInfo:
    """The source line that an instruction comes from.

    Attributes:
        instruction: its number.
        file_offset, line_offset: where the file's name and the line's text are in the strings of the BTF.
        line, column: counted from 1.
    """

    __slots__ = ("btf", "column", "file_offset", "instruction", "line", "line_offset")

    def __init__(self, btf: Btf, instruction: int, file_offset: int, line_offset: int, line_column: int) -> None:
        self.btf = btf
        self.instruction = instruction
        self.file_offset, self.line_offset = file_offset, line_offset
        self.line, self.column = line_column >> 10, line_column & 0x3FF

    @property
    def file(self) -> str:
        """The name of the source file."""
        return self.btf.string(self.file_offset)

    @property
    def text(self) -> str:
        """The text of the line."""
        return self.btf.string(self.line_offset).strip()

    def moved(self, distance: int) -> LineInfo:
        """The same for an instruction that stands elsewhere."""
        place = self.line << 10 | self.column
        return LineInfo(self.btf, self.instruction + distance, self.file_offset, self.line_offset, place)

    def __repr__(self) -> str:
        return f"<LineInfo {self.instruction}: {self.file}:{self.line}>"


class CoreRelocation:
    """A CO-RE relocation: what an instruction needs to know of a type of the kernel's.

    Attributes:
        instruction: its number.
        type_id: the type in the object's own BTF.
        access: the members that lead to the field, as numbers: ``"0:1:3"``.
        kind: one of enum bpf_core_relo_kind (include/uapi/linux/bpf.h).
    """

    __slots__ = ("access", "instruction", "kind", "type_id")

    def __init__(self, instruction: int, type_id: int, access: str, kind: int) -> None:
        self.instruction, self.type_id, self.access, self.kind = instruction, type_id, access, kind

    def moved(self, distance: int) -> CoreRelocation:
        """The same for an instruction that stands elsewhere."""
        return CoreRelocation(self.instruction + distance, self.type_id, self.access, self.kind)

    def __repr__(self) -> str:
        return f"<CoreRelocation {self.instruction}: type {self.type_id} {self.access} kind {self.kind}>"


class BtfExt:
    """The section ``.BTF.ext``.

    Attributes: ``func_info``, ``line_info``, ``core``: for each section of instructions, by its name, the records as
    tuples of words. Their first word is the offset of the instruction in bytes.
    """

    def __init__(self, data: bytes, btf: Btf) -> None:
        self._btf = btf
        if len(data) < _HEADER:
            raise self._error(f"{len(data)} bytes are less than its header", len(data))
        self._order = "<" if data[:2] == b"\x9f\xeb" else ">"
        magic, version, _, size, *tables = struct.unpack_from(self._order + "HBBI4I", data)
        if magic != 0xEB9F or version != 1:
            raise self._error("it does not begin with the magic number and version 1", 0)
        if not _HEADER <= size <= len(data):
            raise self._error(f"its header claims {size} bytes", 4)
        self.func_info = self._table(data, size, tables[0], tables[1], 2)
        self.line_info = self._table(data, size, tables[2], tables[3], 4)
        core = struct.unpack_from(self._order + "II", data, 24) if size >= 32 else (0, 0)
        self.core = self._table(data, size, core[0], core[1], 4)

    def _error(self, message: str, offset: int) -> BtfError:
        return BtfError(f".BTF.ext: {message}", offset)

    def _table(self, data: bytes, header: int, offset: int, length: int, words: int) -> Records:
        """One of the tables, each record cut to so many words: it may be longer than what is known of it."""
        found: Records = {}
        if not length:
            return found
        at, end = header + offset, header + offset + length
        if offset % 4 or end > len(data) or length < 4:
            raise self._error(f"a table of {length} bytes that ends past the data", at)
        (size,) = struct.unpack_from(self._order + "I", data, at)
        if size < 4 * words or size % 4 or size > length:
            raise self._error(f"records of {size} bytes", at)
        at += 4
        record = struct.Struct(f"{self._order}{words}I{size - 4 * words}x")
        while at < end:
            if at + 8 > end:
                raise self._error("a section is cut off", at)
            name, count = struct.unpack_from(self._order + "II", data, at)
            if not count or count > (end - at - 8) // size:
                raise self._error(f"{count} records where there is no room for them", at)
            stop = at + 8 + count * size
            found.setdefault(self._btf.string(name), []).extend(record.iter_unpack(data[at + 8 : stop]))
            at = stop
        return found
