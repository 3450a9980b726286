"""Map types that the kernel treats alike, by the part of their name after ``BPF_MAP_TYPE_``; and the map commands."""

from __future__ import annotations

__all__ = [
    "ARRAYS",
    "BATCHES",
    "CGROUP_STORAGES",
    "ELEMENTS",
    "EVERY",
    "FD_ARRAYS",
    "HASHES",
    "INDEXED",
    "KEYLESS",
    "LOCAL_STORAGES",
    "MAPS_OF_MAPS",
    "OBJECTS",
    "PERCPU",
    "QUEUES",
    "RINGS",
    "SOCKETS",
    "VALUELESS",
]

# kernel/bpf/hashtab.c; the resizable one is kernel/bpf/hashtab.c too.
HASHES = ("HASH", "PERCPU_HASH", "LRU_HASH", "LRU_PERCPU_HASH", "HASH_OF_MAPS", "RHASH")
# kernel/bpf/arraymap.c: what holds values, what holds the objects behind file descriptors.
FD_ARRAYS = ("PROG_ARRAY", "PERF_EVENT_ARRAY", "CGROUP_ARRAY", "ARRAY_OF_MAPS")
ARRAYS = ("ARRAY", "PERCPU_ARRAY", *FD_ARRAYS, "INSN_ARRAY")
# Keys are indices of four bytes here as well.
INDEXED = (*ARRAYS, "DEVMAP", "CPUMAP", "XSKMAP", "SOCKMAP", "REUSEPORT_SOCKARRAY")
SOCKETS = ("SOCKMAP", "SOCKHASH", "REUSEPORT_SOCKARRAY", "XSKMAP")
MAPS_OF_MAPS = ("ARRAY_OF_MAPS", "HASH_OF_MAPS")
PERCPU = ("PERCPU_ARRAY", "PERCPU_HASH", "LRU_PERCPU_HASH", "PERCPU_CGROUP_STORAGE")
QUEUES = ("QUEUE", "STACK")
RINGS = ("RINGBUF", "USER_RINGBUF")
VALUELESS = (*RINGS, "ARENA")
KEYLESS = (*QUEUES, "BLOOM_FILTER", *VALUELESS)
# kernel/bpf/bpf_local_storage.c
LOCAL_STORAGES = ("SK_STORAGE", "TASK_STORAGE", "INODE_STORAGE", "CGRP_STORAGE")
# kernel/bpf/local_storage.c
CGROUP_STORAGES = ("CGROUP_STORAGE", "PERCPU_CGROUP_STORAGE")

ELEMENTS = (
    "BPF_MAP_LOOKUP_ELEM",
    "BPF_MAP_UPDATE_ELEM",
    "BPF_MAP_DELETE_ELEM",
    "BPF_MAP_GET_NEXT_KEY",
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
)
BATCHES = (
    "BPF_MAP_LOOKUP_BATCH",
    "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
    "BPF_MAP_UPDATE_BATCH",
    "BPF_MAP_DELETE_BATCH",
)
OBJECTS = (
    "BPF_OBJ_PIN",
    "BPF_OBJ_GET",
    "BPF_MAP_GET_FD_BY_ID",
    "BPF_MAP_GET_NEXT_ID",
    "BPF_OBJ_GET_INFO_BY_FD",
    "BPF_MAP_FREEZE",
)
EVERY = ("BPF_MAP_CREATE", *ELEMENTS, *BATCHES, *OBJECTS)
