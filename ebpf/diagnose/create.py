"""Why ``BPF_MAP_CREATE`` fails: the demands of every map type, in the order in which messages are most to the point.

Source: map_create() and map_check_btf() of kernel/bpf/syscall.c, and the map_alloc_check and map_alloc functions of
kernel/bpf/ and net/ that each row names. What differs between releases is asked of the database.
"""

from __future__ import annotations

import os

from ebpf.diagnose import groups
from ebpf.diagnose.failure import MapFailure, create_row

__all__ = ["ROWS"]

_WITHOUT_ENTRIES = (*groups.LOCAL_STORAGES, *groups.CGROUP_STORAGES)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")


def _bad_name(f: MapFailure) -> bool:
    return any(letter not in _NAME for letter in f.name.encode())


def _ring_size(f: MapFailure) -> bool:
    return f.max_entries == 0 or f.max_entries & (f.max_entries - 1) != 0 or f.max_entries % _PAGE != 0


def _stack_size(f: MapFailure) -> bool:
    from ebpf.host.files import Files

    most = int(Files().text("/proc/sys/kernel/perf_event_max_stack") or 127)
    frame = 32 if f.flag("BPF_F_STACK_BUILD_ID") else 8  # struct bpf_stack_build_id
    return f.value_size < frame or f.value_size % frame != 0 or f.value_size // frame > most


ROWS = (
    # kernel/bpf/syscall.c, map_create(): before the type is looked at.
    create_row(
        "read_and_write_only",
        "EINVAL",
        "BPF_F_RDONLY and BPF_F_WRONLY together",
        "flags hold both BPF_F_RDONLY and BPF_F_WRONLY: give one of them, or neither to read and write",
        lambda f: f.flag("BPF_F_RDONLY") and f.flag("BPF_F_WRONLY"),
    ),
    create_row(
        "program_read_and_write_only",
        "EINVAL",
        "BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG together",
        "flags hold both BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG: give one of them, or neither",
        lambda f: f.flag("BPF_F_RDONLY_PROG") and f.flag("BPF_F_WRONLY_PROG"),
    ),
    create_row(
        "name_characters",
        "EINVAL",
        "the name has a character that kernels refuse",
        "name is {f.name!r}: use letters of ASCII, digits, _ and . only",
        _bad_name,
    ),
    create_row(
        "numa_node",
        "EINVAL",
        "BPF_F_NUMA_NODE with a node that is not there or not online",
        "numa_node is {f.numa_node}: this machine's nodes are those of /sys/devices/system/node/online",
        lambda f: f.flag("BPF_F_NUMA_NODE") and not os.path.exists(f"/sys/devices/system/node/node{f.numa_node or 0}"),
    ),
    create_row(
        "map_extra",
        "EINVAL",
        "map_extra for a type that has no use for it",
        "map_extra is {f.map_extra}, which only bloom filters (hash functions) and arenas (address) have: give 0",
        lambda f: f.map_extra and f.type not in ("BPF_MAP_TYPE_BLOOM_FILTER", "BPF_MAP_TYPE_ARENA"),
    ),
    create_row(
        "key_without_value_btf",
        "EINVAL",
        "btf_key_type_id without btf_value_type_id",
        "btf_key_type_id is {f.btf_key_type_id} and btf_value_type_id is 0: describe the value by BTF as well",
        lambda f: f.btf_key_type_id and not f.btf_value_type_id,
    ),
    # What each type demands of its sizes.
    create_row(
        "no_entries",
        "EINVAL",
        "max_entries is 0",
        "max_entries is 0, it must be 1 or more",
        lambda f: f.max_entries == 0 and f.type.startswith("BPF_") and f.type[13:] not in _WITHOUT_ENTRIES,
    ),
    create_row(
        "entries_of_storage",
        "EINVAL",
        "max_entries is not 0 for a storage, which grows with its owners",
        "max_entries is {f.max_entries}, a storage has one element for each owner: give 0",
        lambda f: f.max_entries != 0,
        _WITHOUT_ENTRIES,
    ),
    create_row(
        "one_entry",
        "EINVAL",
        "max_entries of struct_ops is not 1",
        "max_entries is {f.max_entries}, a struct_ops map holds one structure: give 1",
        lambda f: f.max_entries != 1,
        ("STRUCT_OPS",),
    ),
    create_row(
        "index_size",
        "EINVAL",
        "key_size of an array is not 4",
        "key_size is {f.key_size}, an array's keys are indices of 4 bytes (u32)",
        lambda f: f.key_size != 4,
        groups.INDEXED,
    ),
    create_row(
        "key_size_four",
        "EINVAL",
        "key_size is not 4 where keys are numbers or file descriptors",
        "key_size is {f.key_size}, the keys of this type are numbers of 4 bytes (u32)",
        lambda f: f.key_size != 4,
        ("STACK_TRACE", "DEVMAP_HASH", "STRUCT_OPS", *groups.LOCAL_STORAGES),
    ),
    create_row(
        "key_size_cgroup",
        "EINVAL",
        "key_size of a cgroup storage is neither 8 nor 16",
        "key_size is {f.key_size}, give 8 (cgroup id) or 16 (struct bpf_cgroup_storage_key)",
        lambda f: f.key_size not in (8, 16),
        groups.CGROUP_STORAGES,
    ),
    create_row(
        "prefix_size",
        "EINVAL",
        "key_size of a trie is not 4 bytes of prefix length and 1 to 256 bytes of data",
        "key_size is {f.key_size}, a trie's key is 4 bytes of prefix length and 1 to 256 bytes of data: give 5 to 260",
        lambda f: not 5 <= f.key_size <= 260,
        ("LPM_TRIE",),
    ),
    create_row(
        "no_key",
        "EINVAL",
        "key_size is not 0 for a type without keys",
        "key_size is {f.key_size}, this type has no keys: give 0",
        lambda f: f.key_size != 0,
        groups.KEYLESS,
    ),
    create_row(
        "no_value",
        "EINVAL",
        "value_size is not 0 for a type without values",
        "value_size is {f.value_size}, this type has no values of a fixed size: give 0",
        lambda f: f.value_size != 0,
        groups.VALUELESS,
    ),
    create_row(
        "empty_key",
        "EINVAL",
        "key_size is 0 for a type with keys",
        "key_size is 0, a key must have 1 byte or more",
        lambda f: f.key_size == 0,
        (*groups.HASHES, "SOCKHASH"),
    ),
    create_row(
        "value_size_fd",
        "EINVAL",
        "value_size is not 4 where values are file descriptors",
        "value_size is {f.value_size}, the values of this type are file descriptors of 4 bytes (u32)",
        lambda f: f.value_size != 4,
        (*groups.FD_ARRAYS, "HASH_OF_MAPS", "XSKMAP"),
    ),
    create_row(
        "value_size_fd_or_more",
        "EINVAL",
        "value_size is neither 4 nor 8",
        "value_size is {f.value_size}, give 4 or 8: sockets are read back (as cookies) with 8, devices and CPUs take a"
        " program with 8",
        lambda f: f.value_size not in (4, 8),
        ("SOCKMAP", "SOCKHASH", "REUSEPORT_SOCKARRAY", "DEVMAP", "DEVMAP_HASH", "CPUMAP"),
    ),
    create_row(
        "stack_size",
        "EINVAL",
        "value_size of a stack trace map is not a multiple of 8, or larger than kernel.perf_event_max_stack allows",
        "value_size is {f.value_size}, give 8 bytes (32 with BPF_F_STACK_BUILD_ID) for each of at most"
        " kernel.perf_event_max_stack frames",
        _stack_size,
        ("STACK_TRACE",),
    ),
    create_row(
        "empty_value",
        "EINVAL",
        "value_size is 0 for a type with values",
        "value_size is 0, a value must have 1 byte or more",
        lambda f: f.value_size == 0 and f.type[13:] not in groups.VALUELESS and f.type.startswith("BPF_"),
    ),
    create_row(
        "ring_size",
        "EINVAL",
        "max_entries of a ring buffer is not a power of two of whole pages",
        f"max_entries is {{f.max_entries}}, the bytes of a ring buffer are a power of two and a multiple of {_PAGE}",
        _ring_size,
        groups.RINGS,
    ),
    # What each type demands of its flags.
    create_row(
        "trie_preallocated",
        "EINVAL",
        "a trie or a storage without BPF_F_NO_PREALLOC",
        "flags are {f.map_flags:#x}, this type needs BPF_F_NO_PREALLOC (0x1) among them",
        lambda f: not f.flag("BPF_F_NO_PREALLOC"),
        ("LPM_TRIE", *groups.LOCAL_STORAGES),
    ),
    create_row(
        "arena_flags",
        "EINVAL",
        "an arena without BPF_F_MMAPABLE",
        "flags are {f.map_flags:#x}, an arena needs BPF_F_MMAPABLE (0x400) among them",
        lambda f: not f.flag("BPF_F_MMAPABLE"),
        ("ARENA",),
    ),
    create_row(
        "arena_address",
        "EINVAL",
        "map_extra of an arena is not the address of a page",
        f"map_extra is {{f.map_extra:#x}}, an arena's address is a multiple of {_PAGE}, or 0 for any",
        lambda f: f.map_extra % _PAGE != 0,
        ("ARENA",),
    ),
    create_row(
        "bloom_functions",
        "EINVAL",
        "map_extra of a bloom filter is more than 15",
        "map_extra is {f.map_extra}, a bloom filter has 1 to 15 hash functions, or 0 for the kernel's choice",
        lambda f: f.map_extra > 15,
        ("BLOOM_FILTER",),
    ),
    create_row(
        "common_lru",
        "EINVAL",
        "BPF_F_NO_COMMON_LRU for a type that evicts nothing",
        "flags hold BPF_F_NO_COMMON_LRU (0x2), which is for the LRU types only",
        lambda f: f.flag("BPF_F_NO_COMMON_LRU"),
        ("HASH", "PERCPU_HASH", "HASH_OF_MAPS"),
    ),
    create_row(
        "percpu_on_node",
        "EINVAL",
        "BPF_F_NUMA_NODE for a per-CPU type",
        "flags hold BPF_F_NUMA_NODE (0x4), but the values of this type lie on every CPU's own node",
        lambda f: f.flag("BPF_F_NUMA_NODE"),
        ("PERCPU_ARRAY", "PERCPU_HASH", "LRU_PERCPU_HASH"),
    ),
    create_row(
        "mmapable",
        "EINVAL",
        "BPF_F_MMAPABLE for a type that cannot be mapped",
        "flags {f.map_flags:#x} hold BPF_F_MMAPABLE, which only BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_ARENA have",
        lambda f: f.flag("BPF_F_MMAPABLE") and f.type not in ("BPF_MAP_TYPE_ARRAY", "BPF_MAP_TYPE_ARENA"),
    ),
)
