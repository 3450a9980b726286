"""`ObjectFile`: what is in an object file, read once and held against itself; nothing here calls the kernel."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.btf import Btf, kinds
from ebpf.btf.ext import BtfExt
from ebpf.elf import btf_maps, externs, maps
from ebpf.elf.file import Elf
from ebpf.elf.functions import Functions
from ebpf.elf.maps import BTF, DATA, STRUCT_OPS, InitialValue, MapSpec
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import BinaryIO, Union

    from ebpf.elf.program import ProgramSpec

    Source = Union[str, os.PathLike[str], bytes, bytearray, memoryview, BinaryIO]

__all__ = ["ObjectFile", "read"]

_CALLBACK = "exception_callback:"
KCONFIG = ".kconfig"
_ARENA = ".addr_space.1"


class ObjectFile:
    """A BPF object file: programs, maps and what they need.

    Attributes:
        name: the file's name, as messages call it; empty when it came as bytes.
        machine: 247, EM_BPF.
        byteorder: ``"little"``, ``"big"``.
        license: the text of ``SEC("license")``; empty without one.
        kern_version: the number of ``SEC("version")``, ``LINUX_VERSION_CODE``; 0 without one.
        btf: its type information (`ebpf.btf.Btf`), ``None`` without.
        programs: the programs by name, in the order of the file (`ebpf.elf.ProgramSpec`).
        functions: all functions, the programs and what they call.
        maps: the maps by name, in the order of the file (`ebpf.elf.MapSpec`); data maps by their section's name.
        externs: what it needs of the kernel, by name (`ebpf.elf.Extern`).
        sections: the sections' names, in order.

    Raises `ebpf.errors.ObjectFileError` with section and offset when anything in it is malformed.
    """

    def __init__(self, data: bytes | memoryview, name: str = "") -> None:
        self.name = name
        self.elf = Elf(data, name)
        self.machine = self.elf.machine
        self.byteorder = self.elf.byteorder
        self.sections: tuple[str, ...] = tuple(section.name for section in self.elf.sections[1:])
        self.btf: Btf | None = None
        self.maps: dict[str, MapSpec] = {}
        self._callbacks: dict[int, list[str]] | None = None
        try:
            self._read()
        except BtfError as error:
            raise self.elf.error(error.message, error.section, error.offset) from None

    def _read(self) -> None:
        self.license = self._text("license")
        self.kern_version = self._version()
        btf = self.elf.by_name.get(".BTF")
        if btf is not None and btf.size:
            self.btf = Btf(bytes(btf.data))
            len(self.btf)  # finds every record, so that none is malformed later
        self.externs = externs.collect(self.elf, self.btf)
        for spec in (
            *maps.legacy_maps(self),
            *btf_maps.btf_maps(self),
            *maps.data_maps(self),
            *maps.struct_ops_maps(self),
            *self._kconfig(),
        ):
            if spec.name in self.maps:
                raise self.elf.error(f"two maps are called {spec.name!r}", spec.section, spec.offset)
            self.maps[spec.name] = spec
        self._map_places = {(each.section_index, each.offset): each.name for each in self.maps.values()}
        self._data_places = {each.section_index: each.name for each in self.maps.values() if each.kind == DATA}
        self._place_arena()
        self._functions = Functions(self)
        self._functions.refer()
        self.functions: tuple[ProgramSpec, ...] = tuple(self._functions.all)
        self.programs: dict[str, ProgramSpec] = self._functions.entries()
        ext = self.elf.by_name.get(".BTF.ext")
        if ext is not None and ext.size and self.btf is not None:
            self._functions.describe(BtfExt(bytes(ext.data), self.btf))
        self._initial_values()

    def _text(self, section: str) -> str:
        found = self.elf.by_name.get(section)
        return "" if found is None else bytes(found.data).split(b"\0")[0].decode("utf-8", "backslashreplace")

    def _version(self) -> int:
        found = self.elf.by_name.get("version")
        if found is None:
            return 0
        if len(found.data) != 4:
            raise self.elf.error(f"{len(found.data)} bytes are not one number of 4", "version")
        (number,) = struct.unpack(self.elf.order + "I", found.data)
        return int(number)

    def _kconfig(self) -> list[MapSpec]:
        """The map that holds the options of the kernel's configuration; its value is the loader's to fill."""
        options = [each for each in self.externs.values() if each.kind == externs.KCONFIG]
        if not options:
            return []
        spec = MapSpec(KCONFIG, DATA, KCONFIG, -1)
        spec.map_type, spec.key_size, spec.max_entries = uapi.BPF_MAP_TYPE_ARRAY, 4, 1
        spec.value_size = max(each.offset + each.size for each in options)
        spec.flags = uapi.BPF_F_MMAPABLE | uapi.BPF_F_RDONLY_PROG
        assert self.btf is not None
        spec.variables = [
            maps.Variable(each.name, each.offset, each.size, self.btf.size_or_type(each.type_id), False)
            for each in options
        ]
        return [spec]

    def _place_arena(self) -> None:
        """Variables in the arena's address space belong to the object's arena."""
        section = self.elf.by_name.get(_ARENA)
        if section is None or not section.size:
            return
        arena = next((each for each in self.maps.values() if each.map_type == uapi.BPF_MAP_TYPE_ARENA), None)
        if arena is None:
            raise self.elf.error("variables of an arena, and no arena", _ARENA)
        arena.data = section.data
        self._data_places[section.index] = arena.name

    @property
    def layout(self) -> dict[str, tuple[int, dict[str, int]]]:
        """For each section of variables its size, and the offsets of its variables: what compilers leave open."""
        return {
            each.name: (each.value_size, {variable.name: variable.offset for variable in each.variables})
            for each in self.maps.values()
            if each.kind == DATA
        }

    def map_at(self, section: int, offset: int) -> str | None:
        """The name of the map that is defined at a byte of a section."""
        return self._map_places.get((section, offset))

    def data_map_at(self, section: int) -> str | None:
        """The name of the map that holds a section's variables."""
        return self._data_places.get(section)

    def _initial_values(self) -> None:
        for section in self.elf.sections:
            if not btf_maps.is_relocated(section):
                continue
            here = sorted(
                (each for each in self.maps.values() if each.section_index == section.index),
                key=lambda each: each.offset,
            )
            for entry in self.elf.relocations(section):
                owner = next((each for each in reversed(here) if each.offset <= entry.offset), None)
                if owner is None or entry.offset + 8 > section.size:
                    raise self.elf.error("a relocation outside of every map", section.name, entry.offset)
                (addend,) = struct.unpack_from(self.elf.order + "Q", section.data, entry.offset)
                place = entry.symbol.value + entry.addend + addend
                owner.initial_values.append(self._initial_value(owner, entry.offset, entry.symbol.section, place))

    def _initial_value(self, owner: MapSpec, offset: int, section: int, place: int) -> InitialValue:
        wants_program = owner.kind == STRUCT_OPS or owner.map_type == uapi.BPF_MAP_TYPE_PROG_ARRAY
        function = self._functions.at(section, place)
        target = None if wants_program else self.map_at(section, place)
        if wants_program and function is not None:
            target = function.name
        if target is None:
            kind = "program" if wants_program else "map"
            raise self.elf.error(f"map {owner.name!r} refers to something that is no {kind}", owner.section, offset)
        if owner.kind == STRUCT_OPS:
            return InitialValue(offset - owner.offset, "program", target)
        first = btf_maps.values_offset(self, owner) if owner.kind == BTF else -1
        index, rest = divmod(offset - owner.offset - first, 8)
        if first < 0 or index < 0 or rest:
            raise self.elf.error(f"map {owner.name!r} has no initial value there", owner.section, offset)
        if owner.max_entries and index >= owner.max_entries:
            raise self.elf.error(
                f"map {owner.name!r} has {owner.max_entries} entries and an initial value at {index}",
                owner.section,
                offset,
            )
        return InitialValue(index, "program" if wants_program else "map", target)

    def exception_callbacks(self, function: ProgramSpec) -> list[ProgramSpec]:
        """The functions that a program names as its exception callback, by a tag on its declaration."""
        if self.btf is None or not function.func_info:
            return []
        if self._callbacks is None:
            self._callbacks = {}
            for each in self.btf.types():
                if each.kind == kinds.DECL_TAG and each.name.startswith(_CALLBACK):
                    self._callbacks.setdefault(self.btf.size_or_type(each.id), []).append(each.name[len(_CALLBACK) :])
        names = self._callbacks.get(function.func_info[0].type_id, ())
        return [each for each in self.functions if each.name in names]

    def __repr__(self) -> str:
        return f"<ObjectFile {self.name!r}, {len(self.programs)} programs, {len(self.maps)} maps>"


def read(source: Source, name: str = "") -> ObjectFile:
    """Read a BPF object file.

    Parameters:
        source: its path, its bytes, or a file open for reading bytes.
        name: what messages call it; the path when not given.

    Raises `ebpf.errors.ObjectFileError` with section and offset when it is no BPF object or malformed, `OSError` when
    it cannot be read. No kernel is needed; either byte order is read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return ObjectFile(bytes(source), name)
    if hasattr(source, "read"):
        return ObjectFile(source.read(), name or str(getattr(source, "name", "")))
    import os

    path = os.fspath(source)
    with open(path, "rb") as file:
        return ObjectFile(file.read(), name or path)
