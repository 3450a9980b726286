"""More of v1's maps of keys and values: LRU, per-CPU, resizable hash tables, tries, per-CPU arrays."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.stability import stable
from ebpf.v1.map import DeletableEntries, WritableMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.core.codec import Codec

__all__ = ["LpmTrie", "LruHashMap", "LruPerCpuHashMap", "PerCpuArrayMap", "PerCpuHashMap", "RHashMap"]


def _per_cpu(value: str | int) -> Codec:
    from ebpf.core.codec_percpu import PerCpuCodec

    return PerCpuCodec(codec(value, "value"))


@stable
class LruHashMap(WritableMap, DeletableEntries):
    """A hash table that drops entries used long ago when it is full, ``BPF_MAP_TYPE_LRU_HASH``. Needs Linux 4.10.

    Parameters and errors as for `HashMap`.
    """

    def __init__(self, max_entries: int, key: str | int = "u32", value: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_LRU_HASH, codec(key, "key"), codec(value, "value"), max_entries)


@stable
class PerCpuHashMap(WritableMap, DeletableEntries):
    """A hash table with one value for each CPU behind each key, ``BPF_MAP_TYPE_PERCPU_HASH``. Needs Linux 4.6.

    A value is a list with one element for each possible CPU; one value that is no list is written for all CPUs.
    Parameters and errors as for `HashMap`.
    """

    def __init__(self, max_entries: int, key: str | int = "u32", value: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_PERCPU_HASH, codec(key, "key"), _per_cpu(value), max_entries)


@stable
class LruPerCpuHashMap(WritableMap, DeletableEntries):
    """`LruHashMap` with one value for each CPU, ``BPF_MAP_TYPE_LRU_PERCPU_HASH``. Needs Linux 4.10."""

    def __init__(self, max_entries: int, key: str | int = "u32", value: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH, codec(key, "key"), _per_cpu(value), max_entries)


@stable
class RHashMap(WritableMap, DeletableEntries):
    """A hash table that resizes itself, ``BPF_MAP_TYPE_RHASH``. Needs Linux 7.2. Parameters as for `HashMap`."""

    def __init__(self, max_entries: int, key: str | int = "u32", value: str | int = "u32") -> None:
        flags = uapi.BPF_F_NO_PREALLOC
        self._make(uapi.BPF_MAP_TYPE_RHASH, codec(key, "key"), codec(value, "value"), max_entries, flags)


@stable
class LpmTrie(WritableMap, DeletableEntries):
    """Longest prefix match, ``BPF_MAP_TYPE_LPM_TRIE``. Needs Linux 4.11.

    `get` finds the longest prefix that covers the key; `set` and `delete` mean exactly the prefix given.

    Parameters:
        max_entries: how many prefixes it may hold.
        key: `ipaddress.IPv4Network` or `ipaddress.IPv6Network`, or a number of bytes: a u32 with the length of the
            prefix in bits, then what is compared.
        value: as for `HashMap`.
    """

    def __init__(self, max_entries: int, key: Any = 8, value: str | int = "u32") -> None:
        flags = uapi.BPF_F_NO_PREALLOC
        self._make(uapi.BPF_MAP_TYPE_LPM_TRIE, codec(key, "key"), codec(value, "value"), max_entries, flags)


@stable
class PerCpuArrayMap(WritableMap):
    """An array with one value for each CPU at each index, ``BPF_MAP_TYPE_PERCPU_ARRAY``. Needs Linux 4.6.

    Values as for `PerCpuHashMap`, parameters as for `ArrayMap`.
    """

    def __init__(self, max_entries: int, value: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_PERCPU_ARRAY, codec("u32", "index"), _per_cpu(value), max_entries)

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries
