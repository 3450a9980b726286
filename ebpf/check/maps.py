"""What maps ask for: their types, flags and sizes, and what is in their values."""

from __future__ import annotations

from functools import cache

from ebpf.btf.types import Array, Composite, Pointer, TypeTag
from ebpf.check.model import Place
from ebpf.core.rules import map_type_name
from ebpf.diagnose.maps import map_demands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.btf.types import Type
    from ebpf.check.collector import Collector
    from ebpf.elf import MapSpec, ObjectFile

__all__ = ["collect", "describe", "unsized"]

_DEEP = 6
_LOADER_SIZES = ("BPF_MAP_TYPE_PERF_EVENT_ARRAY", "BPF_MAP_TYPE_STRUCT_OPS", "BPF_MAP_TYPE_CGROUP_STORAGE")
_ROUNDED = ("BPF_MAP_TYPE_RINGBUF", "BPF_MAP_TYPE_USER_RINGBUF")
"""The loader makes their sizes a power of two, and at least a page."""
_NO_VALUES = ("BPF_MAP_TYPE_RINGBUF", "BPF_MAP_TYPE_USER_RINGBUF", "BPF_MAP_TYPE_ARENA", "BPF_MAP_TYPE_STRUCT_OPS")
_IN_VALUES = {
    "bpf_spin_lock": "spin_locks",
    "bpf_res_spin_lock": "resilient_spin_locks",
    "bpf_timer": "timers",
    "bpf_wq": "workqueues",
    "bpf_task_work": "task_work",
    "bpf_list_head": "linked_lists",
    "bpf_rb_root": "rbtrees",
    "bpf_refcount": "refcounted_objects",
}
"""Structures of the kernel's in a map's value, and the feature that each is."""
_TAGS = {"kptr_untrusted": "kptrs", "kptr": "referenced_kptrs", "percpu_kptr": "percpu_allocated_objects"}
"""Tags of pointers in a map's value."""


def describe(spec: MapSpec) -> dict[str, object]:
    """A map as JSON-able data."""
    return {
        "name": spec.name,
        "map_type": map_type_name(spec.map_type),
        "key_size": spec.key_size,
        "value_size": spec.value_size,
        "max_entries": spec.max_entries,
        "flags": [name for name, _ in _flags(spec.flags)],
        "pinned": spec.pinning,
    }


def collect(owner: ObjectFile, found: Collector) -> None:
    """What the maps of an object ask for."""
    for spec in owner.maps.values():
        place = Place(spec.name, spec.section)
        _one(owner, spec, place, found)
        if spec.inner is not None:
            _one(owner, spec.inner, place, found)


def _one(owner: ObjectFile, spec: MapSpec, place: Place, found: Collector) -> None:
    import featuredb

    optional = spec.optional
    name = map_type_name(spec.map_type)
    if featuredb.kind_of(name) is None:
        found.note("error", "limit", f"map {spec.name} is of {name}, which no kernel on record has", place)
        return
    found.need(name, f"map {spec.name}", place, optional=optional)
    found.need("map_names", "maps have names", optional=optional)
    for flag, known in _flags(spec.flags):
        if known:
            found.need(flag, f"map {spec.name} has it", place, optional=optional)
        else:
            found.note("error", "limit", f"map {spec.name} has the flag {flag}, which no kernel on record has", place)
    if spec.kind == "legacy":
        text = f"section {spec.section!r} defines maps in a way that libbpf gave up in 1.0"
        found.note("note", "legacy", text, place)
    if spec.kind == "data":
        found.need("map_global_data", "it has global variables", place, optional=optional)
    if spec.kind == "struct_ops":
        _struct_ops(owner, spec, place, found)
    if spec.numa_node is not None:
        found.need("map_numa_node", f"map {spec.name} names a NUMA node", place, optional=optional)
    if spec.extra:
        found.need("map_extra", f"map {spec.name} has map_extra", place, optional=optional)
    if spec.pinning:
        found.need("bpffs", f"map {spec.name} is pinned", place, optional=optional)
    _sizes(spec, name, place, found)
    if owner.btf is not None and spec.value_type_id and spec.kind != "struct_ops":
        for feature in sorted(set(_in_value(owner.btf.type(spec.value_type_id), 0))):
            found.need(feature, f"the value of map {spec.name} has it", place, optional=optional)


def _flags(value: int) -> Iterator[tuple[str, bool]]:
    """The flags of BPF_MAP_CREATE in a number, by name, and whether any kernel knows them."""
    for name, bits in _known_flags():
        if value & bits == bits:
            yield name, True
            value &= ~bits
    if value:
        yield hex(value), False


@cache
def _known_flags() -> tuple[tuple[str, int], ...]:
    import featuredb

    flags = [record for record in featuredb.features("flag") if record.group == "BPF_MAP_CREATE"]
    return tuple((record.name, record.value) for record in flags if record.value)


def _sizes(spec: MapSpec, name: str, place: Place, found: Collector) -> None:
    if spec.kind in ("data", "struct_ops"):
        return  # the loader chooses them
    zero = unsized(spec)
    if zero:
        text = f"map {spec.name} has {zero} 0: whoever loads the object sets it first"
        found.note("note", "unsized", text, place)
        return
    if spec.max_entries == 0 or name in _ROUNDED:
        return
    problem = map_demands(spec.map_type, spec.key_size, spec.value_size, spec.max_entries, spec.flags)
    if problem:
        found.note("error", "limit", f"map {spec.name}: {problem}", place)


def unsized(spec: MapSpec) -> str:
    """What of a map's sizes is left to user space: ``"max_entries"``, ``"value_size"``; empty for none.

    Storages have no number of entries, arrays of perf events get one for each CPU by the loader.
    """
    name = map_type_name(spec.map_type)
    if spec.kind in ("data", "struct_ops"):
        return ""
    if spec.max_entries == 0 and not name.endswith("_STORAGE") and name not in _LOADER_SIZES:
        return "max_entries"
    if spec.value_size == 0 and name not in _NO_VALUES:
        return "value_size"
    return ""


def _struct_ops(owner: ObjectFile, spec: MapSpec, place: Place, found: Collector) -> None:
    import featuredb

    described = owner.btf.type(spec.value_type_id) if owner.btf is not None and spec.value_type_id else None
    name = described.resolve().name if described is not None else ""
    if name and featuredb.kind_of(name) == "struct_ops":
        found.need(name, f"map {spec.name} is of this type", place, optional=spec.optional)
    if spec.link:
        found.need("BPF_F_LINK", f"map {spec.name} is attached by a link", place, optional=spec.optional)


def _in_value(described: Type, depth: int) -> Iterator[str]:
    """Features that the type of a map's value shows."""
    if depth > _DEEP:
        return
    here = described.resolve()
    if isinstance(here, Array):
        yield from _in_value(here.type, depth + 1)
    elif isinstance(here, Composite):
        if here.name in _IN_VALUES:
            yield _IN_VALUES[here.name]
            return
        for member in here.members:
            yield from _in_value(member.type, depth + 1)
    elif isinstance(here, Pointer):
        tag = here.type
        while isinstance(tag, TypeTag):
            if tag.name in _TAGS:
                yield _TAGS[tag.name]
            tag = tag.type
