"""The maps of ``SEC(".maps")``: variables whose types say what the maps are like.

The convention is libbpf's (src/bpf_helpers.h, ``__uint``, ``__type``, ``__array``, ``__ulong``; src/libbpf.c,
parse_btf_map_def()): a number is the length of an array behind a pointer, a type is what a member points to.
"""

from __future__ import annotations

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.btf.types import Array, Datasec, Enum, FuncProto, Pointer, Struct, Type, Var
from ebpf.elf import file
from ebpf.elf.maps import BTF, MapSpec
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf.types import Member
    from ebpf.elf.object import ObjectFile

__all__ = ["btf_maps"]

SECTION = ".maps"
_NUMBERS = {
    "type": "map_type",
    "max_entries": "max_entries",
    "map_flags": "flags",
    "numa_node": "numa_node",
    "key_size": "key_size",
    "value_size": "value_size",
    "pinning": "pinning",
    "map_extra": "extra",
}
_MAPS_OF_MAPS = (uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, uapi.BPF_MAP_TYPE_HASH_OF_MAPS)
_FD = 4  # bytes of a value that is a map or a program


def btf_maps(owner: ObjectFile) -> list[MapSpec]:
    """The maps defined in ``.maps``. Raises `ebpf.errors.ObjectFileError`."""
    section = owner.elf.by_name.get(SECTION)
    if section is None or not section.size:
        return []
    record = None if owner.btf is None else owner.btf.find_type(SECTION, kinds.DATASEC)
    if not isinstance(record, Datasec):
        raise owner.elf.error("no BTF describes it: compile with -g", SECTION)
    symbols = {each.name: each for each in owner.elf.symbols if each.section == section.index and each.name}
    found = []
    for each in record.variables:
        declared = each.type
        if not isinstance(declared, Var):
            raise owner.elf.error(f"{declared!r} is no variable", SECTION)
        symbol = symbols.get(declared.name)
        offset = each.offset if symbol is None else symbol.value
        if offset + each.size > section.size:
            raise owner.elf.error(f"map {declared.name!r} ends past the section", SECTION, offset)
        spec = MapSpec(declared.name, BTF, SECTION, section.index, offset)
        definition = declared.type.resolve()
        if not isinstance(definition, Struct):
            raise owner.elf.error(f"map {spec.name!r} is defined by no struct", SECTION, offset)
        _define(owner, spec, definition, False)
        found.append(spec)
    return found


def values_offset(owner: ObjectFile, spec: MapSpec) -> int:
    """Where the initial values of a map begin, in bytes of its variable; -1 when it has none."""
    assert owner.btf is not None
    record = owner.btf.find_type(spec.name, kinds.VAR)
    definition = record.type.resolve() if isinstance(record, Var) else None
    member = definition.member("values") if isinstance(definition, Struct) else None
    return -1 if member is None else member.offset // 8


def _define(owner: ObjectFile, spec: MapSpec, definition: Struct, is_inner: bool) -> None:
    for member in definition.members:
        if member.name in _NUMBERS:
            number = _number(owner, spec, member)
            if member.name in ("key_size", "value_size"):
                _set_size(owner, spec, member.name, number)
            elif member.name == "pinning":
                if number > 1 or (is_inner and number):
                    raise _error(owner, spec, f"pinning {number}: 0, or 1 for by name, and none for an inner map")
                spec.pinning = bool(number)
            else:
                setattr(spec, _NUMBERS[member.name], number)
        elif member.name in ("key", "value"):
            pointer = member.type.resolve()
            if not isinstance(pointer, Pointer):
                raise _error(owner, spec, f"member {member.name!r} is no pointer")
            try:
                size = pointer.type.size
            except BtfError as error:
                raise _error(owner, spec, f"the size of {member.name!r} is not known: {error}") from None
            _set_size(owner, spec, f"{member.name}_size", size)
            setattr(spec, f"{member.name}_type_id", pointer.type_id)
        elif member.name == "values":
            if is_inner:
                raise _error(owner, spec, "a map of maps of maps")
            _inner(owner, spec, member)
        else:
            raise _error(owner, spec, f"member {member.name!r} is not known")
    if not spec.map_type:
        raise _error(owner, spec, "its type is missing")


def _inner(owner: ObjectFile, spec: MapSpec, member: Member) -> None:
    """What the values of a map of maps, or of programs, are."""
    _set_size(owner, spec, "value_size", _FD)
    array = member.type.resolve()
    if not isinstance(array, Array) or array.length:
        raise _error(owner, spec, "'values' is no array of length 0")
    pointer = array.type.resolve()
    target: Type | None = pointer.type.resolve() if isinstance(pointer, Pointer) else None
    if spec.map_type in _MAPS_OF_MAPS and isinstance(target, Struct):
        spec.inner = MapSpec(f"{spec.name}.inner", BTF, SECTION, spec.section_index, spec.offset)
        _define(owner, spec.inner, target, True)
    elif spec.map_type != uapi.BPF_MAP_TYPE_PROG_ARRAY or not isinstance(target, FuncProto):
        raise _error(owner, spec, f"'values' of {target!r}: only maps of maps and of programs have them")


def _number(owner: ObjectFile, spec: MapSpec, member: Member) -> int:
    """A number of 32 bits is the length of an array behind a pointer, one of 64 the only value of an enum."""
    found = member.type.resolve()
    if isinstance(found, Enum):
        values = list(found.values.values())
        if len(values) == 1:
            return values[0] & 0xFFFFFFFFFFFFFFFF
    array = found.type.resolve() if isinstance(found, Pointer) else None
    if not isinstance(array, Array):
        raise _error(owner, spec, f"member {member.name!r} holds no number")
    return array.length


def _set_size(owner: ObjectFile, spec: MapSpec, name: str, size: int) -> None:
    known = getattr(spec, name)
    if known and known != size:
        raise _error(owner, spec, f"{name} is {known} and {size}")
    if size > 0xFFFFFFFF:
        raise _error(owner, spec, f"{name} is {size}")
    setattr(spec, name, size)


def _error(owner: ObjectFile, spec: MapSpec, problem: str) -> Exception:
    return owner.elf.error(f"map {spec.name!r}: {problem}", SECTION, spec.offset)


def is_relocated(section: file.Section) -> bool:
    """Whether relocations of a section give maps their initial values."""
    return section.name == SECTION or section.name.lstrip("?") in (".struct_ops", ".struct_ops.link")
