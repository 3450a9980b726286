"""Hash tables and tries."""

from __future__ import annotations

from ebpf import uapi
from ebpf.stability import beta
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.percpu import PerCpuValues

__all__ = ["HashMap", "LpmTrie", "LruHashMap", "LruPerCpuHashMap", "PerCpuHashMap", "RHashMap"]


@beta
class HashMap(KeyedMap):
    """A hash table, ``BPF_MAP_TYPE_HASH``. Needs Linux 3.19. Parameters and errors as for `KeyedMap`.

    Room for all entries is made at once, unless ``flags`` has ``BPF_F_NO_PREALLOC``.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_HASH"


@beta
class LruHashMap(KeyedMap):
    """A hash table that drops entries used long ago when it is full, ``BPF_MAP_TYPE_LRU_HASH``. Needs Linux 4.10.

    It is never full, but may drop entries before it holds ``max_entries``: the kernel keeps some free for each CPU.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_LRU_HASH"


@beta
class PerCpuHashMap(PerCpuValues, KeyedMap):
    """A hash table with one value for each CPU behind each key, ``BPF_MAP_TYPE_PERCPU_HASH``. Needs Linux 4.6.

    A value is a list with one element for each possible CPU, or an array of numpy when ``value`` is a dtype. One value
    that is no list is written for all CPUs.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_PERCPU_HASH"


@beta
class LruPerCpuHashMap(PerCpuValues, KeyedMap):
    """`LruHashMap` with one value for each CPU, ``BPF_MAP_TYPE_LRU_PERCPU_HASH``. Needs Linux 4.10."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_LRU_PERCPU_HASH"


@beta
class LpmTrie(KeyedMap):
    """Longest prefix match, ``BPF_MAP_TYPE_LPM_TRIE``. Needs Linux 4.11.

    Keys are networks: ``key=ipaddress.IPv4Network`` or ``IPv6Network``, or bytes that begin with the prefix length as
    a u32. ``m[k]``, ``get()`` and ``in`` find the longest prefix that covers `k`: an address, which stands for all its
    bits, or a network. ``del``, ``pop()`` and writing mean exactly that prefix.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_LPM_TRIE"
    FLAGS = uapi.BPF_F_NO_PREALLOC  # kernel/bpf/lpm_trie.c insists on it


@beta
class RHashMap(KeyedMap):
    """A hash table that resizes itself, ``BPF_MAP_TYPE_RHASH``. Needs Linux 7.2."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_RHASH"
    FLAGS = uapi.BPF_F_NO_PREALLOC
