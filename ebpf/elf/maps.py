"""The maps that an object file defines: in ``.maps``, in ``maps``, and one for each section of data."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.btf.types import Datasec, Struct, Var
from ebpf.elf import file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.elf.object import ObjectFile

__all__ = ["BTF", "DATA", "LEGACY", "STRUCT_OPS", "InitialValue", "MapSpec", "Variable", "data_maps", "legacy_maps"]

BTF, LEGACY, DATA, STRUCT_OPS = "btf", "legacy", "data", "struct_ops"

_WORDS = ("map_type", "key_size", "value_size", "max_entries", "flags")
_IPROUTE2 = 36  # struct bpf_elf_map, include/bpf_elf.h of iproute2: five words, id, pinning, inner_id, inner_idx
_LARGEST = 0x7FFFFFFF  # bytes of a section of zeros


class Variable:
    """A variable of a data map.

    Attributes:
        name: its name.
        offset, size: its place in the map's value, in bytes.
        type_id: of its type in the object's BTF; 0 when that says nothing of it.
        is_static: whether only its own source file knows it.
    """

    __slots__ = ("is_static", "name", "offset", "size", "type_id")

    def __init__(self, name: str, offset: int, size: int, type_id: int, is_static: bool) -> None:
        self.name, self.offset, self.size, self.type_id, self.is_static = name, offset, size, type_id, is_static

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} of {self.size} bytes at {self.offset}>"


class InitialValue:
    """An element that a map is to have from the beginning.

    Attributes:
        index: its key; for a struct_ops map the offset of the member in bytes.
        kind: ``"map"``, ``"program"``.
        target: the name of the map or program that is its value.
    """

    __slots__ = ("index", "kind", "target")

    def __init__(self, index: int, kind: str, target: str) -> None:
        self.index, self.kind, self.target = index, kind, target

    def __repr__(self) -> str:
        return f"<InitialValue [{self.index}] = {self.kind} {self.target}>"


class MapSpec:
    """A map that an object file defines.

    Attributes:
        name: its name; for data the section's (``.rodata``).
        kind: ``"btf"``, ``"legacy"``, ``"data"``, ``"struct_ops"``.
        section, section_index, offset: where it is defined.
        map_type: the number of its type.
        key_size, value_size: in bytes.
        max_entries: 0 when the loader has to choose.
        flags: of ``BPF_MAP_CREATE``.
        key_type_id, value_type_id: the types of its keys and values in the object's BTF; 0 when not known.
        pinning: whether it is pinned by its name, and re-used from there.
        numa_node: the node its memory is to be on; ``None`` when that is left to the kernel.
        extra: ``map_extra`` of ``BPF_MAP_CREATE``.
        inner: for a map of maps: what its maps are like.
        initial_values: the elements it has from the beginning (`InitialValue`).
        data: the value of a data map, and of struct_ops; ``None`` for all zeros.
        variables: the variables of a data map (`Variable`).
        optional: for struct_ops: whether it is not created unless asked for.
        link: for struct_ops: whether it is attached by a link.
    """

    __slots__ = (
        "data",
        "extra",
        "flags",
        "initial_values",
        "inner",
        "key_size",
        "key_type_id",
        "kind",
        "link",
        "map_type",
        "max_entries",
        "name",
        "numa_node",
        "offset",
        "optional",
        "pinning",
        "section",
        "section_index",
        "value_size",
        "value_type_id",
        "variables",
    )

    def __init__(self, name: str, kind: str, section: str = "", section_index: int = 0, offset: int = 0) -> None:
        self.name = name
        self.kind = kind
        self.section, self.section_index, self.offset = section, section_index, offset
        self.map_type = self.key_size = self.value_size = self.max_entries = self.flags = 0
        self.key_type_id = self.value_type_id = self.extra = 0
        self.pinning = self.optional = self.link = False
        self.numa_node: int | None = None
        self.inner: MapSpec | None = None
        self.initial_values: list[InitialValue] = []
        self.data: memoryview | None = None
        self.variables: Sequence[Variable] = ()

    def __repr__(self) -> str:
        return f"<MapSpec {self.name!r}, {self.kind}, type {self.map_type}>"


def is_data(section: file.Section) -> bool:
    """Whether a section holds a program's variables."""
    if not section.flags & file.ALLOCATED or section.flags & file.EXECUTABLE:
        return False
    if section.type == file.NOBITS:
        return section.name == ".bss" or section.name.startswith(".bss.")
    names = (".data", ".rodata")
    return section.type == file.PROGBITS and (section.name in names or section.name.startswith((".data.", ".rodata.")))


def data_maps(owner: ObjectFile) -> list[MapSpec]:
    """One map for each section of variables: an array of one element."""
    found = []
    for section in owner.elf.sections:
        if not is_data(section) or not section.size:
            continue
        if section.size > _LARGEST:
            raise owner.elf.error(f"it claims {section.size} bytes", section.name)
        spec = MapSpec(section.name, DATA, section.name, section.index)
        spec.map_type, spec.key_size, spec.max_entries = uapi.BPF_MAP_TYPE_ARRAY, 4, 1
        spec.value_size = section.size
        spec.flags = uapi.BPF_F_MMAPABLE
        if section.name.startswith(".rodata"):
            spec.flags |= uapi.BPF_F_RDONLY_PROG
        spec.data = None if section.type == file.NOBITS else section.data
        record = None if owner.btf is None else owner.btf.find_type(section.name, kinds.DATASEC)
        spec.variables = _variables(owner, section, record if isinstance(record, Datasec) else None)
        if isinstance(record, Datasec):
            spec.value_type_id = record.id
        found.append(spec)
    return found


def _variables(owner: ObjectFile, section: file.Section, record: Datasec | None) -> list[Variable]:
    """The variables of a section: their places are the symbols', their types the BTF's."""
    symbols = {each.name: each for each in owner.elf.symbols if each.section == section.index and each.name}
    if record is None:
        return [
            Variable(each.name, each.value, each.size, 0, each.binding == file.LOCAL)
            for each in symbols.values()
            if each.kind == file.OBJECT and each.value + each.size <= section.size
        ]
    found = []
    for each in record.variables:
        declared = each.type
        if not isinstance(declared, Var):
            continue
        symbol = symbols.get(declared.name)
        is_static = not declared.linkage
        # Until the objects are linked, the BTF holds the places of static variables only.
        offset = each.offset if symbol is None or is_static else symbol.value
        if offset + each.size > section.size:
            raise owner.elf.error(f"variable {declared.name!r} ends past the section", section.name, offset)
        found.append(Variable(declared.name, offset, each.size, declared.type_id, is_static))
    return found


def legacy_maps(owner: ObjectFile) -> list[MapSpec]:
    """The maps of ``SEC("maps")``, and of ``SEC("maps/NAME")``: a struct of at least five words for each symbol."""
    found = []
    for section in owner.elf.sections:
        if section.name != "maps" and not section.name.startswith("maps/"):
            continue
        if section.type != file.PROGBITS or not section.size:
            continue
        symbols = sorted(
            (each for each in owner.elf.symbols if each.section == section.index and each.kind in (0, file.OBJECT)),
            key=lambda each: each.value,
        )
        symbols = [each for each in symbols if each.name and not each.name.startswith(("LBB", ".L"))]
        size = section.size // len(symbols) if symbols else 0
        if not symbols or section.size % len(symbols) or size < 4 * len(_WORDS) - 4:
            raise owner.elf.error(f"{section.size} bytes for {len(symbols)} maps", section.name)
        for symbol in symbols:
            if symbol.value + size > section.size:
                raise owner.elf.error(f"map {symbol.name!r} ends past the section", section.name, symbol.value)
            found.append(_legacy(owner, section, symbol, size))
    return found


def _legacy(owner: ObjectFile, section: file.Section, symbol: file.Symbol, size: int) -> MapSpec:
    raw = section.data[symbol.value : symbol.value + size]
    words = struct.unpack_from(f"{owner.elf.order}{size // 4}I", raw)
    spec = MapSpec(symbol.name, LEGACY, section.name, section.index, symbol.value)
    for name, word in zip(_WORDS, words):
        setattr(spec, name, word)
    rest = words[len(_WORDS) :]
    if size == _IPROUTE2 and not any(rest[2:]):
        spec.pinning = bool(rest[1])
    elif any(rest) or any(raw[4 * (size // 4) :]):
        raise owner.elf.error(
            f"map {symbol.name!r} sets more than type, sizes, entries and flags; define it in .maps",
            section.name,
            symbol.value + 4 * len(_WORDS),
        )
    return spec


def struct_ops_maps(owner: ObjectFile) -> list[MapSpec]:
    """The maps of ``SEC(".struct_ops")`` and ``SEC(".struct_ops.link")``: one for each variable there."""
    found: list[MapSpec] = []
    for section in owner.elf.sections:
        plain = section.name[1:] if section.name.startswith("?") else section.name
        if plain not in (".struct_ops", ".struct_ops.link") or section.type != file.PROGBITS:
            continue
        record = None if owner.btf is None else owner.btf.find_type(section.name, kinds.DATASEC)
        if not isinstance(record, Datasec):
            raise owner.elf.error("no BTF describes it", section.name)
        for variable in _variables(owner, section, record):
            assert owner.btf is not None
            declared = owner.btf.type(variable.type_id).resolve()
            if not isinstance(declared, Struct) or not declared.name:
                raise owner.elf.error(f"{variable.name!r} is no named struct", section.name, variable.offset)
            if variable.offset + declared.size > section.size:
                raise owner.elf.error(f"{variable.name!r} ends past the section", section.name, variable.offset)
            spec = MapSpec(variable.name, STRUCT_OPS, plain, section.index, variable.offset)
            spec.map_type, spec.key_size, spec.max_entries = uapi.BPF_MAP_TYPE_STRUCT_OPS, 4, 1
            spec.value_size, spec.value_type_id = declared.size, declared.id
            spec.optional, spec.link = plain != section.name, plain.endswith(".link")
            spec.flags = uapi.BPF_F_LINK if spec.link else 0
            spec.data = section.data[variable.offset : variable.offset + declared.size]
            found.append(spec)
    return found
