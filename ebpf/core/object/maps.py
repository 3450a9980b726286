"""Making the maps of an object: their sizes, types, pins, and what they hold from the beginning."""

from __future__ import annotations

import os
import struct

from ebpf import uapi
from ebpf.core.map import MapCore
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ebpf.elf import MapSpec

__all__ = ["Maker", "kernel_name", "pin_path"]

# Types whose keys or values have no BTF of their own (kernel/bpf/*.c: no map_check_btf; libbpf leaves it out too).
_UNTYPED = frozenset(
    getattr(uapi, f"BPF_MAP_TYPE_{name}")
    for name in (
        *("PERF_EVENT_ARRAY", "CGROUP_ARRAY", "STACK_TRACE", "ARRAY_OF_MAPS", "HASH_OF_MAPS", "DEVMAP", "DEVMAP_HASH"),
        *(
            "CPUMAP",
            "XSKMAP",
            "SOCKMAP",
            "SOCKHASH",
            "QUEUE",
            "STACK",
            "ARENA",
            "PROG_ARRAY",
            "RINGBUF",
            "USER_RINGBUF",
        ),
    )
)
_RINGS = (uapi.BPF_MAP_TYPE_RINGBUF, uapi.BPF_MAP_TYPE_USER_RINGBUF)
_PREFIX = 8  # how much of the object's name goes before a section's: libbpf, src/libbpf.c, internal_map_name()
_LONGEST = 15
_ZERO = bytes(4)


def kernel_name(spec: MapSpec, object_name: str) -> str:
    """What the kernel calls a map: ``sample.rodata`` for a section, cut to 15 characters."""
    name = spec.name
    if name.startswith((".data", ".rodata", ".bss", ".kconfig")):
        stem = os.path.basename(object_name).partition(".")[0]
        if name.count(".") == 1:
            name = stem[: min(_PREFIX, _LONGEST - len(name))] + name
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "_.") else "_" for each in name)
    return kept[:_LONGEST]


def pin_path(root: str, spec: MapSpec) -> str:
    """Where a map is pinned by its name: dots cannot stand in a pin's name."""
    return os.path.join(root, spec.name.replace(".", "_"))


class Maker:
    """Makes maps.

    Parameters:
        object_name: of the object file.
        btf_fd: the object's BTF, 0 for none.
        pin_root: the directory of pins by name.
        adapt: whether to do without what the kernel lacks.
    """

    def __init__(self, object_name: str, btf_fd: int, pin_root: str, adapt: bool) -> None:
        self._object_name = object_name
        self._btf_fd = btf_fd
        self._pin_root = pin_root
        self._adapt = adapt
        self.pins: list[str] = []  # made here

    def make(self, spec: MapSpec) -> MapCore:
        """Make a map, or open the one that is pinned. Raises `EbpfError` as `MapCore` does."""
        path = pin_path(self._pin_root, spec) if spec.pinning else ""
        if path and os.path.exists(path):
            return _reuse(spec, path, entries(spec), self._adapt)
        inner = self._create(spec.inner, 0) if spec.inner is not None else None
        try:
            core = self._create(spec, inner.fd if inner is not None else 0)
        finally:
            if inner is not None:
                inner.close()
        if path:
            try:
                self._pin(core, path)
            except BaseException:
                core.close()
                raise
        return core

    def _create(self, spec: MapSpec, inner_fd: int) -> MapCore:
        typed = self._btf_fd and spec.map_type not in _UNTYPED and (spec.value_type_id or spec.key_type_id)
        return MapCore(
            spec.map_type,
            spec.key_size,
            spec.value_size,
            entries(spec),
            spec.flags & ~uapi.BPF_F_NUMA_NODE,
            name=kernel_name(spec, self._object_name),
            inner_map_fd=inner_fd,
            numa_node=spec.numa_node,
            btf_fd=self._btf_fd if typed else 0,
            btf_key_type_id=spec.key_type_id if typed else 0,
            btf_value_type_id=spec.value_type_id if typed else 0,
            map_extra=spec.extra,
            adapt=self._adapt,
        )

    def _pin(self, core: MapCore, path: str) -> None:
        from ebpf.core import objects

        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise ArgumentError(f"no pin at {path}: {error}") from None
        objects.pin(core.fd, path, "map")
        self.pins.append(path)

    def fill(self, spec: MapSpec, core: MapCore, content: bytes | bytearray | None) -> None:
        """Write the value of a data map; one of constants is frozen then, where the kernel can."""
        if content is not None:
            core.update(_ZERO, bytes(content))
        if spec.flags & uapi.BPF_F_RDONLY_PROG:
            core.freeze()

    def link(self, spec: MapSpec, core: MapCore, descriptors: Mapping[str, int]) -> None:
        """Put in the maps or programs that it holds from the beginning; those without a descriptor are left out."""
        for value in spec.initial_values:
            fd = descriptors.get(value.target)
            if fd is not None:
                core.update(struct.pack("=I", value.index), struct.pack("=I", fd))

    def unpin(self) -> None:
        """Remove the pins that were made here."""
        while self.pins:
            try:
                os.unlink(self.pins.pop())
            except OSError:
                continue


def entries(spec: MapSpec) -> int:
    """How many entries a map is made for: a ring buffer's size is rounded up, a perf event array has one a CPU."""
    count = spec.max_entries
    if spec.map_type in _RINGS and count:
        page = os.sysconf("SC_PAGE_SIZE")
        return max(page, 1 << (count - 1).bit_length())
    if spec.map_type == uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY and not count:
        from ebpf.core.percpu import possible_cpus

        return possible_cpus()
    return count


def _reuse(spec: MapSpec, path: str, count: int, adapt: bool) -> MapCore:
    """The map that is pinned at a path, if it is the one that the object means."""
    from ebpf.core import objects

    core = MapCore.from_fd(objects.by_path(path, "map"), adapt=adapt)
    wanted = {
        "type": (spec.map_type, core.map_type),
        "key_size": (spec.key_size, core.key_size),
        "value_size": (spec.value_size, core.value_size),
        "max_entries": (count, core.max_entries),
        "flags": (spec.flags, core.flags),
    }
    wrong = [f"{name} {there} instead of {here}" for name, (here, there) in wanted.items() if here != there]
    if wrong:
        core.close()
        raise ArgumentError(f"the map pinned at {path} is another one: it has {', '.join(wrong)}")
    return core
