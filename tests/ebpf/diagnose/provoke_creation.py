"""``BPF_MAP_CREATE``, refused for each of its reasons."""

from __future__ import annotations

import contextlib
import os
import resource
import struct
from collections.abc import Iterator
from functools import partial

from ebpf import syscall, uapi
from ebpf.btf.build import BtfBuilder
from ebpf.diagnose.failure import MapFailure
from ebpf.probe import calls, context
from tests.ebpf.diagnose.provoke import Did, Provocation, a_map, create, refused

PAGE = os.sysconf("SC_PAGE_SIZE")
BAD_FD = calls.BAD_FD
NO_PREALLOC = uapi.BPF_F_NO_PREALLOC
MMAPABLE = uapi.BPF_F_MMAPABLE


def _spin_lock() -> bytes:
    """BTF of a value of 4 bytes with a special field, type 3, and of an int, type 1 (btf_find_field())."""
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)
    lock = builder.struct("bpf_spin_lock", 4, [("val", number, 0)])
    builder.struct("value", 4, [("lock", lock, 0)])
    return builder.build()


SPIN_LOCK_BTF = _spin_lock()


def sized(kind: str, key: int, value: int, entries: int, flags: int = 0, **fields: int) -> Provocation:
    """A call that needs nothing to be open."""
    return contextlib.contextmanager(partial(_sized, kind, key, value, entries, flags, **fields))


def _sized(*arguments: object, **fields: int) -> Iterator[MapFailure]:
    yield create(*arguments, **fields)  # type: ignore[arg-type]  # as sized() says


def with_btf(
    kind: str, key: int, value: int, entries: int, flags: int = 0, btf: bytes = context.INT_BTF, value_type: int = 1
) -> Provocation:
    """With key and value described by BTF; type 1 is an int of 32 bits."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        fd = calls.load_btf(btf)
        assert fd >= 0, fd
        try:
            yield create(kind, key, value, entries, flags, btf_fd=fd, btf_key_type_id=1, btf_value_type_id=value_type)
        finally:
            os.close(fd)

    return provoked


def with_inner(kind: str, inner: str) -> Provocation:
    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with a_map(inner) as fd:
            yield create(kind, 4, 4, 1, inner_map_fd=fd)

    return provoked


@contextlib.contextmanager
def inner_not_a_map() -> Iterator[MapFailure]:
    with open(os.devnull) as file:
        yield create("ARRAY_OF_MAPS", 4, 4, 1, inner_map_fd=file.fileno())


@contextlib.contextmanager
def btf_not_btf() -> Iterator[MapFailure]:
    with a_map("HASH") as fd:
        yield create("HASH", 4, 4, 1, btf_fd=fd, btf_key_type_id=1, btf_value_type_id=1)


@contextlib.contextmanager
def many_files() -> Iterator[MapFailure]:
    with a_map("HASH"):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            failure = create("HASH", 4, 4, 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield failure


@contextlib.contextmanager
def no_memory() -> Iterator[MapFailure]:
    """64 TiB. Older kernels count no further than 4 GiB, which a machine may have."""
    failure = create("ARRAY", 4, 1 << 30, 1 << 16)
    if failure.error == "E2BIG":
        raise Did("it cannot count as far as that")
    yield failure


@contextlib.contextmanager
def locked_memory() -> Iterator[MapFailure]:
    """Kernels that count maps against the limit refuse this one; the others skip."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, hard))
    try:
        yield create("ARRAY", 4, 8, 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))


@contextlib.contextmanager
def attribute_too_new() -> Iterator[MapFailure]:
    attr = struct.pack("=5I", uapi.BPF_MAP_TYPE_HASH, 4, 4, 1, 0).ljust(1000, b"\0") + b"\1"
    result = syscall.attempt(uapi.BPF_MAP_CREATE, attr)
    yield refused(uapi.BPF_MAP_CREATE, result, map_type=1, key_size=4, value_size=4, max_entries=1, map_flags=0)


@contextlib.contextmanager
def bad_address() -> Iterator[MapFailure]:
    """The attribute itself is in no memory of this process."""
    import ctypes

    from ebpf.syscall import NUMBER

    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(ctypes.c_long(NUMBER), ctypes.c_long(0), ctypes.c_void_p(8), ctypes.c_ulong(48)) == -1
    yield MapFailure(0, ctypes.get_errno(), map_type=1, key_size=4, value_size=4, max_entries=1, map_flags=0)


PROVOKED: dict[str, Provocation] = {
    "read_and_write_only": sized("HASH", 4, 4, 1, uapi.BPF_F_RDONLY | uapi.BPF_F_WRONLY),
    "program_read_and_write_only": sized("HASH", 4, 4, 1, uapi.BPF_F_RDONLY_PROG | uapi.BPF_F_WRONLY_PROG),
    "name_characters": contextlib.contextmanager(lambda: iter([create("HASH", 4, 4, 1, name="a-b")])),
    "numa_node": sized("HASH", 4, 4, 1, uapi.BPF_F_NUMA_NODE, numa_node=4000),
    "map_extra": sized("HASH", 4, 4, 1, map_extra=3),
    "key_without_value_btf": sized("HASH", 4, 4, 1, btf_key_type_id=1),
    "no_entries": sized("HASH", 4, 4, 0),
    "entries_of_storage": with_btf("SK_STORAGE", 4, 4, 5, NO_PREALLOC),
    "one_entry": sized("STRUCT_OPS", 4, 4, 2, btf_vmlinux_value_type_id=1),
    "index_size": sized("ARRAY", 8, 4, 1),
    "key_size_four": sized("STACK_TRACE", 8, 8, 1),
    "key_size_cgroup": sized("CGROUP_STORAGE", 5, 4, 0),
    "prefix_size": sized("LPM_TRIE", 4, 4, 1, NO_PREALLOC),
    "no_key": sized("QUEUE", 4, 4, 1),
    "no_value": sized("RINGBUF", 0, 4, PAGE),
    "empty_key": sized("HASH", 0, 4, 1),
    "value_size_fd": sized("PROG_ARRAY", 4, 8, 1),
    "value_size_fd_or_more": sized("SOCKMAP", 4, 12, 1),
    "stack_size": sized("STACK_TRACE", 4, 12, 1),
    "empty_value": sized("HASH", 4, 0, 1),
    "ring_size": sized("RINGBUF", 0, 0, 3 * PAGE),
    "trie_preallocated": sized("LPM_TRIE", 8, 4, 1),
    "arena_flags": sized("ARENA", 0, 0, 1),
    "arena_address": sized("ARENA", 0, 0, 1, MMAPABLE, map_extra=1),
    "bloom_functions": sized("BLOOM_FILTER", 0, 4, 1, map_extra=16),
    "common_lru": sized("HASH", 4, 4, 1, uapi.BPF_F_NO_COMMON_LRU),
    "percpu_on_node": sized("PERCPU_ARRAY", 4, 4, 1, uapi.BPF_F_NUMA_NODE),
    "mmapable": sized("PERCPU_ARRAY", 4, 4, 1, MMAPABLE),
    "storage_without_btf": sized("SK_STORAGE", 4, 4, 0, NO_PREALLOC),
    "nested_maps": with_inner("ARRAY_OF_MAPS", "HASH_OF_MAPS"),
    "inner_not_a_map": inner_not_a_map,
    "btf_sizes": with_btf("HASH", 8, 4, 1),
    "inner_unsuitable": with_inner("ARRAY_OF_MAPS", "PROG_ARRAY"),
    "lru_grows": sized("LRU_HASH", 4, 4, 1, NO_PREALLOC),
    "struct_ops_type": sized("STRUCT_OPS", 4, 4, 1, btf_vmlinux_value_type_id=1),
    "inner_closed": sized("ARRAY_OF_MAPS", 4, 4, 1, inner_map_fd=BAD_FD),
    "btf_closed": sized("HASH", 4, 4, 1, btf_fd=BAD_FD, btf_key_type_id=1, btf_value_type_id=1),
    "btf_not_btf": btf_not_btf,
    "special_fields": with_btf("LRU_HASH", 4, 4, 1, btf=SPIN_LOCK_BTF, value_type=3),
    "special_fields_read_only": with_btf("HASH", 4, 4, 1, uapi.BPF_F_RDONLY_PROG, btf=SPIN_LOCK_BTF, value_type=3),
    "arena_size": sized("ARENA", 0, 0, (4 << 30) // PAGE + 1, MMAPABLE),
    "percpu_value": sized("PERCPU_ARRAY", 4, 1 << 16, 1),
    "storage_value": with_btf("SK_STORAGE", 4, 1 << 17, 0, NO_PREALLOC),
    "more_cpus": sized("CPUMAP", 4, 4, 1 << 20),
    "key_limit": sized("SOCKHASH", 600, 4, 1),
    "element_limit": sized("HASH", 4, 1 << 23, 1),
    "value_limit": sized("ARRAY", 4, 1 << 31, 1),
    "map_limit": sized("HASH", 4, 4, 1 << 30, NO_PREALLOC),
    "arena_crosses": sized("ARENA", 0, 0, 2, MMAPABLE, map_extra=(1 << 32) - PAGE),
    "no_memory": no_memory,
    "attribute_too_new": attribute_too_new,
    "many_files": many_files,
    "locked_memory": locked_memory,
    "unknown_type": sized("200", 4, 4, 1),
    "arguments": sized("QUEUE", 0, 4, 1, NO_PREALLOC),
    "bad_address": bad_address,
}

NOT_HERE = {
    "special_fields_older": "what older kernels answer instead of special_fields",
    "refused": "takes a security module that refuses; a seccomp filter is found by the row denied",
    "ring_limit": "max_entries is 32 bits: 64 GiB are beyond it; the kernel checks all the same",
    "storage_lsm": "depends on the command line the kernel was started with",
    "no_ids": "takes 2**31 maps",
    "many_files_machine": "would leave the whole machine without files",
    "type_absent": "tests/ebpf/diagnose/test_maps.py provokes it where the kernel lacks a type",
    "flag_absent": "tests/ebpf/diagnose/test_maps.py provokes it with a flag that no kernel has",
}
