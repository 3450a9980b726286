"""v1's arrays of objects of the kernel: programs, maps, perf events, cgroups; stack traces, instructions."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.reference import reference
from ebpf.core.special import addresses, position
from ebpf.stability import stable
from ebpf.v1.map import DeletableEntries, Map, WritableMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ArrayOfMaps",
    "CgroupArray",
    "HashOfMaps",
    "InsnArray",
    "PerfEventArray",
    "ProgramArray",
    "StackTraceMap",
]


class _Slots(WritableMap, DeletableEntries):
    _number: Callable[[], int]

    def __init__(self, max_entries: int) -> None:
        self._make(type(self)._number(), codec("u32", "index"), reference(4), max_entries)

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries


@stable
class ProgramArray(_Slots):
    """Programs by an index, for tail calls, ``BPF_MAP_TYPE_PROG_ARRAY``. Needs Linux 4.2.

    `set` takes a program or its file descriptor, `get` returns the program's id (Linux 4.15).

    Parameters:
        max_entries: its length.
    """

    @staticmethod
    def _number() -> int:
        return uapi.BPF_MAP_TYPE_PROG_ARRAY


@stable
class PerfEventArray(_Slots):
    """Perf events by an index, ``BPF_MAP_TYPE_PERF_EVENT_ARRAY``. Needs Linux 4.3.

    `set` takes a descriptor of perf_event_open(2); what is there cannot be read.

    Parameters:
        max_entries: its length.
    """

    @staticmethod
    def _number() -> int:
        return uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY


@stable
class CgroupArray(_Slots):
    """Cgroups (version 2) by an index, ``BPF_MAP_TYPE_CGROUP_ARRAY``. Needs Linux 4.8.

    `set` takes a descriptor of the cgroup's directory; what is there cannot be read.

    Parameters:
        max_entries: its length.
    """

    @staticmethod
    def _number() -> int:
        return uapi.BPF_MAP_TYPE_CGROUP_ARRAY


@stable
class ArrayOfMaps(WritableMap, DeletableEntries):
    """Maps by an index, ``BPF_MAP_TYPE_ARRAY_OF_MAPS``. Needs Linux 4.12.

    `set` takes a map, `get` returns the id of one.

    Parameters:
        max_entries: its length.
        inner: a map like those that will be put in: same type, sizes and flags.
    """

    def __init__(self, max_entries: int, inner: Map) -> None:
        number = uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS
        self._make(number, codec("u32", "index"), reference(4), max_entries, inner_map_fd=inner.fileno())

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries


@stable
class HashOfMaps(WritableMap, DeletableEntries):
    """Maps by a key, ``BPF_MAP_TYPE_HASH_OF_MAPS``. Needs Linux 4.12.

    `set` takes a map, `get` returns the id of one.

    Parameters:
        max_entries: how many.
        inner: a map like those that will be put in.
        key: the type of the keys, as for `HashMap`.
    """

    def __init__(self, max_entries: int, inner: Map, key: str | int = "u32") -> None:
        number = uapi.BPF_MAP_TYPE_HASH_OF_MAPS
        self._make(number, codec(key, "key"), reference(4), max_entries, inner_map_fd=inner.fileno())


@stable
class StackTraceMap(DeletableEntries):
    """Stack traces by their id, ``BPF_MAP_TYPE_STACK_TRACE``. Needs Linux 4.6. `get` returns a list of addresses.

    Parameters:
        max_entries: how many.
        depth: how many addresses each, at most kernel.perf_event_max_stack.
    """

    def __init__(self, max_entries: int, depth: int = 127) -> None:
        self._make(uapi.BPF_MAP_TYPE_STACK_TRACE, codec("u32", "id"), addresses(depth * 8), max_entries)


@stable
class InsnArray(WritableMap):
    """Addresses of one program's instructions, ``BPF_MAP_TYPE_INSN_ARRAY``. Needs Linux 6.19.

    `set` takes the number of an instruction; `get` returns the triple of that, the number in the translated program and
    the offset in the compiled one.

    Parameters:
        max_entries: its length.
    """

    def __init__(self, max_entries: int) -> None:
        self._make(uapi.BPF_MAP_TYPE_INSN_ARRAY, codec("u32", "index"), position(), max_entries)

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries
