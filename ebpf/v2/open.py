"""Opening maps that are there already, by path, id or name, as what they are."""

from __future__ import annotations

import os

from ebpf.core.map import MapCore
from ebpf.errors import ArgumentError
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.core.codec import Kind
    from ebpf.core.map_info import MapInfo
    from ebpf.v2.map import Map

__all__ = ["CLASSES", "from_fd", "maps", "open_map"]

CLASSES = {
    "HASH": "HashMap",
    "ARRAY": "ArrayMap",
    "PROG_ARRAY": "ProgramArray",
    "PERF_EVENT_ARRAY": "PerfEventArray",
    "PERCPU_HASH": "PerCpuHashMap",
    "PERCPU_ARRAY": "PerCpuArrayMap",
    "STACK_TRACE": "StackTraceMap",
    "CGROUP_ARRAY": "CgroupArray",
    "LRU_HASH": "LruHashMap",
    "LRU_PERCPU_HASH": "LruPerCpuHashMap",
    "LPM_TRIE": "LpmTrie",
    "ARRAY_OF_MAPS": "ArrayOfMaps",
    "HASH_OF_MAPS": "HashOfMaps",
    "DEVMAP": "DevMap",
    "SOCKMAP": "SockMap",
    "CPUMAP": "CpuMap",
    "XSKMAP": "XskMap",
    "SOCKHASH": "SockHash",
    "CGROUP_STORAGE": "CgroupStorage",
    "REUSEPORT_SOCKARRAY": "ReuseportSockArray",
    "PERCPU_CGROUP_STORAGE": "PerCpuCgroupStorage",
    "QUEUE": "Queue",
    "STACK": "Stack",
    "SK_STORAGE": "SkStorage",
    "DEVMAP_HASH": "DevMapHash",
    "STRUCT_OPS": "StructOps",
    "RINGBUF": "RingBuffer",
    "INODE_STORAGE": "InodeStorage",
    "TASK_STORAGE": "TaskStorage",
    "BLOOM_FILTER": "BloomFilter",
    "USER_RINGBUF": "UserRingBuffer",
    "CGRP_STORAGE": "CgrpStorage",
    "ARENA": "Arena",
    "INSN_ARRAY": "InsnArray",
    "RHASH": "RHashMap",
}
"""``BPF_MAP_TYPE_…`` without its beginning -> the class of `ebpf.v2`."""


def _class(map_type: int) -> type[Map]:
    from ebpf import v2
    from ebpf.core import rules

    type_name = rules.map_type_name(map_type)
    name = CLASSES.get(type_name.replace("BPF_MAP_TYPE_", ""))
    if name is None:
        raise ArgumentError(f"no class of ebpf.v2 is for a {type_name}: open it as ebpf.core.map.MapCore")
    found: type[Map] = getattr(v2, name)
    return found


@beta
def from_fd(fd: int, *, key: Kind | None = None, value: Kind | None = None, adapt: bool = True) -> Map:
    """Take over a file descriptor of any map, as the class of its type; see `open_map`."""
    core = MapCore.from_fd(fd, adapt=adapt)
    try:
        if key is None or value is None:
            key, value = _described(core, key, value)
        return _class(core.map_type)._from_core(core, key, value)
    except BaseException:
        core.close()
        raise


def _described(core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Kind | None, Kind | None]:
    """The types that are given, or else those that the map's BTF tells."""
    from ebpf.core.adaptation import adapt
    from ebpf.core.codec_btf import described

    found_key, found_value = described(core)
    if (core.key_size and key is found_key is None) or (core.value_size and value is found_value is None):
        adapt(core, "no_btf")
    return found_key if key is None else key, found_value if value is None else value


@beta
def open_map(
    which: str | int | os.PathLike[str],
    *,
    key: Kind | None = None,
    value: Kind | None = None,
    flags: int = 0,
    adapt: bool = True,
) -> Map:
    """Open a map that is there already, as the class of its type.

    Parameters:
        which: the path of a pin (a text with a ``/``, or a path object; Linux 4.4), an id, or a name of which there is
            only one (Linux 4.15). Ids and names need CAP_SYS_ADMIN.
        key, value: their types. Without, what the map's BTF says, or else bytes.
        flags: ``BPF_F_RDONLY``, ``BPF_F_WRONLY``: only to read, only to write through this descriptor (Linux 4.15).
        adapt: as for `KeyedMap`.

    Raises `SyscallError` (``ENOENT``) when there is none, `ArgumentError` when several maps have the name.
    """
    from ebpf.core import objects

    if isinstance(which, int):
        fd = objects.by_id(objects.MAP, which, flags)
    elif isinstance(which, os.PathLike) or "/" in which:
        fd = objects.by_path(which, "map", flags)
    else:
        fd = objects.by_id(objects.MAP, _id_of(which), flags)
    return from_fd(fd, key=key, value=value, adapt=adapt)


@beta
def maps() -> Iterator[MapInfo]:
    """What the kernel says of each map there is. Needs Linux 4.13 and CAP_SYS_ADMIN."""
    from ebpf.core import objects
    from ebpf.errors import KeyMissingError

    for number in objects.ids(objects.MAP):
        try:
            fd = objects.by_id(objects.MAP, number)
        except KeyMissingError:
            continue  # gone meanwhile
        with MapCore.from_fd(fd) as core:
            yield core.info


def _id_of(name: str) -> int:
    import errno

    from ebpf.errors import SyscallError

    found: list[int] = [info.id for info in maps() if info.name == name]
    if not found:
        raise SyscallError(errno.ENOENT, f"there is no map called {name!r}; a path needs a '/'", "BPF_MAP_GET_NEXT_ID")
    if len(found) > 1:
        raise ArgumentError(
            f"{len(found)} maps are called {name!r}: give one of their ids, {', '.join(map(str, found))}"
        )
    return found[0]
