"""`ProgramSpec`: a function of an object file, and what its instructions refer to."""

from __future__ import annotations

import struct

from ebpf.btf.ext import CoreRelocation, FuncInfo, LineInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.elf.link import Linked
    from ebpf.elf.object import ObjectFile
    from featuredb.sections import Section

__all__ = ["CALL", "CODE", "DATA", "EXTERN", "FUNCTION", "MAP", "ProgramSpec", "Relocation"]

MAP = "map"
"""A wide load of a map: ``target`` is its name."""
DATA = "data"
"""A wide load of an address in a data map: ``target`` is the map's name, ``addend`` the offset in its value."""
CALL = "call"
"""A call of a function of the object: ``function``."""
FUNCTION = "function"
"""A wide load of the address of a function of the object, for a callback: ``function``."""
EXTERN = "extern"
"""A call or wide load of something outside the object: ``target`` is its name in `ObjectFile.externs`."""

CODE = 8  # bytes of an instruction


class Relocation:
    """Something outside itself that an instruction refers to.

    Attributes:
        instruction: its number in the program.
        kind: ``"map"``, ``"data"``, ``"call"``, ``"function"``, ``"extern"``.
        target: the name of what it refers to.
        addend: an offset in bytes, for ``"data"`` and for externs that are variables.
        function: the function, for ``"call"`` and ``"function"``.
    """

    __slots__ = ("addend", "function", "instruction", "kind", "target")

    def __init__(
        self, instruction: int, kind: str, target: str, addend: int = 0, function: ProgramSpec | None = None
    ) -> None:
        self.instruction = instruction
        self.kind = kind
        self.target = target
        self.addend = addend
        self.function = function

    def moved(self, distance: int) -> Relocation:
        """The same for an instruction that stands elsewhere."""
        return Relocation(self.instruction + distance, self.kind, self.target, self.addend, self.function)

    def __repr__(self) -> str:
        addend = f"+{self.addend}" if self.addend else ""
        return f"<Relocation {self.instruction}: {self.kind} {self.target}{addend}>"


class ProgramSpec:
    """A function of an object file: a program, or a sub-program that programs call.

    Attributes:
        name: the function's name.
        section: its section's name (the text of ``SEC()``), without the leading ``?`` of `optional`.
        optional: whether it is not loaded unless asked for (``SEC("?xdp")``).
        offset: where it begins in its section, in bytes.
        size: its length in bytes.
        is_global: whether its symbol is global; a static function is verified where it is called.
        hidden: whether its symbol is hidden from other objects: loaders treat it as static.
        relocations: what its instructions refer to (`Relocation`).
        core_relocations: its CO-RE relocations (`ebpf.btf.ext.CoreRelocation`).
        line_info: its source lines (`ebpf.btf.ext.LineInfo`).
        func_info: its type (`ebpf.btf.ext.FuncInfo`), one or none.

    Instructions are numbered from the function's first, a wide load counting as two.
    """

    __slots__ = (
        "_code",
        "core_relocations",
        "func_info",
        "hidden",
        "is_global",
        "line_info",
        "name",
        "object",
        "offset",
        "optional",
        "relocations",
        "section",
        "section_index",
        "size",
    )

    def __init__(
        self,
        owner: ObjectFile,
        name: str,
        section: str,
        section_index: int,
        offset: int,
        size: int,
        code: memoryview,
        *,
        is_global: bool,
        hidden: bool,
    ) -> None:
        self.object = owner
        self.name = name
        self.optional = section.startswith("?")
        self.section = section[1:] if self.optional else section
        self.section_index = section_index
        self.offset = offset
        self.size = size
        self._code = code
        self.is_global = is_global
        self.hidden = hidden
        self.relocations: Sequence[Relocation] = ()
        self.core_relocations: Sequence[CoreRelocation] = ()
        self.line_info: Sequence[LineInfo] = ()
        self.func_info: Sequence[FuncInfo] = ()

    @property
    def insns(self) -> bytes:
        """Its instructions as they stand in the file, laid out for this machine whatever the file's byte order."""
        return bytes(self._code)

    @property
    def linked(self) -> Linked:
        """It and every function that it calls, as one program (`ebpf.elf.link.Linked`); made anew each time.

        Raises `ebpf.errors.ObjectFileError` when what it calls is not there.
        """
        from ebpf.elf.link import link

        return link(self)

    @property
    def definition(self) -> Section | None:
        """What its section's name means (`featuredb.sections`); ``None`` for a name that says nothing."""
        from featuredb import sections

        return sections.lookup(self.section)

    @property
    def program_type(self) -> str | None:
        """``BPF_PROG_TYPE_…``, from its section's name; ``None`` for a name that says nothing."""
        found = self.definition
        return found.program_type if found else None

    @property
    def expected_attach_type(self) -> str | None:
        """``BPF_…`` of enum bpf_attach_type, from its section's name; ``None`` when it says none."""
        found = self.definition
        return found.attach_type if found else None

    @property
    def attach_target(self) -> str:
        """What follows the kind in its section's name: ``"vfs_read"`` of ``kprobe/vfs_read``."""
        found = self.definition
        return found.target if found else ""

    @property
    def sleepable(self) -> bool:
        """Whether its section's name says that it may sleep (``fentry.s/…``)."""
        found = self.definition
        return bool(found and found.sleepable)

    def line_of(self, instruction: int) -> LineInfo | None:
        """The source line of an instruction, the closest one at or before it; ``None`` without line information."""
        return closest_line(self.line_info, instruction)

    def __repr__(self) -> str:
        return f"<ProgramSpec {self.name!r} in {self.section!r}, {self.size // CODE} instructions>"


def closest_line(lines: Sequence[LineInfo], instruction: int) -> LineInfo | None:
    """The last source line at or before an instruction; `lines` are in the order of instructions."""
    found = None
    for line in lines:
        if line.instruction > instruction:
            break
        found = line
    return found


def native_code(data: memoryview, native: bool) -> memoryview:
    """A section's instructions in this machine's layout (struct bpf_insn, include/uapi/linux/bpf.h).

    In the other byte order the two registers change places in their byte as well.
    """
    if native:
        return data
    record = struct.Struct("<BBhi"), struct.Struct(">BBhi")
    import sys

    ours, theirs = record if sys.byteorder == "little" else record[::-1]
    usable = len(data) - len(data) % CODE
    return memoryview(
        b"".join(
            ours.pack(code, (registers & 15) << 4 | registers >> 4, off, imm)
            for code, registers, off, imm in theirs.iter_unpack(data[:usable])
        )
    )
