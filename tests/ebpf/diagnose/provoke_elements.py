"""Operations on elements, refused for each of their reasons."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

from ebpf import syscall, uapi
from ebpf.diagnose.failure import MapFailure
from tests.ebpf.diagnose.provoke import (
    FIRST,
    SECOND,
    U32,
    Did,
    Provocation,
    a_map,
    batch,
    call,
    element,
    freeze,
    need,
    put,
    refused,
)

U64 = bytes(8)
NOEXIST, EXIST, LOCK = uapi.BPF_NOEXIST, uapi.BPF_EXIST, uapi.BPF_F_LOCK


def on(
    kind: str,
    command: str,
    key: bytes = FIRST,
    value: bytes = FIRST,
    flags: int = 0,
    *,
    map_flags: int = 0,
    entries: int | None = None,
    before: tuple[bytes, bytes] | None = None,
) -> Provocation:
    """One command on a new map of a type, after `before` (key, value) was written to it."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        if command.startswith("LOOKUP_AND_DELETE"):
            need("BPF_MAP_LOOKUP_AND_DELETE_ELEM")
        with a_map(kind, map_flags, entries) as fd:
            if before is not None:
                put(fd, *before)
            yield element(command, fd, key, value, flags)

    return provoked


@contextlib.contextmanager
def element_arguments() -> Iterator[MapFailure]:
    """A field that the command does not have (CHECK_ATTR() of kernel/bpf/syscall.c)."""
    with a_map("HASH") as fd:
        result = syscall.attempt(uapi.BPF_MAP_FREEZE, struct.pack("=II", fd, 1))
        yield refused(uapi.BPF_MAP_FREEZE, result, fd=fd)


@contextlib.contextmanager
def frozen() -> Iterator[MapFailure]:
    need("BPF_MAP_FREEZE")
    with a_map("HASH") as fd:
        assert freeze(fd) == 0
        yield element("UPDATE_ELEM", fd, FIRST, FIRST)


@contextlib.contextmanager
def closed() -> Iterator[MapFailure]:
    with a_map("HASH") as fd:
        copy = os.dup(fd)
        os.close(copy)
        yield element("LOOKUP_ELEM", copy, FIRST)


@contextlib.contextmanager
def not_a_map() -> Iterator[MapFailure]:
    with open(os.devnull) as file:
        yield element("LOOKUP_ELEM", file.fileno(), FIRST)


@contextlib.contextmanager
def small_batch() -> Iterator[MapFailure]:
    """Keys are tried until the first bucket that holds any holds two, which a batch of one cannot take."""
    need("BPF_MAP_LOOKUP_BATCH")
    with a_map("HASH", entries=2) as fd:
        for number in range(0, 128, 2):
            pair = U32(number), U32(number + 1)
            for key in pair:
                put(fd, key, FIRST)
            with contextlib.suppress(Did):
                yield batch("LOOKUP_BATCH", fd, 1)
                return
            for key in pair:
                assert call(uapi.BPF_MAP_DELETE_ELEM, fd, key) == 0


@contextlib.contextmanager
def cpu_number() -> Iterator[MapFailure]:
    need("BPF_F_CPU")
    with a_map("PERCPU_ARRAY") as fd:
        yield element("LOOKUP_ELEM", fd, FIRST, flags=uapi.BPF_F_CPU | 4000 << 32)


PROVOKED: dict[str, Provocation] = {
    "empty": on("QUEUE", "LOOKUP_ELEM", b""),
    "not_in_filter": on("BLOOM_FILTER", "LOOKUP_ELEM", b"", U32(7)),
    "no_owner": on("CGROUP_STORAGE", "LOOKUP_ELEM", bytes(16)),
    "end_of_map": on("HASH", "GET_NEXT_KEY"),
    "empty_slot": on("PROG_ARRAY", "LOOKUP_ELEM"),
    "missing_key": on("HASH", "LOOKUP_ELEM"),
    "exists_always": on("ARRAY", "UPDATE_ELEM", flags=NOEXIST),
    "exists": on("HASH", "UPDATE_ELEM", flags=NOEXIST, before=(FIRST, FIRST)),
    "beyond_the_array": on("ARRAY", "UPDATE_ELEM", U32(9)),
    "no_such_stack": on("STACK_TRACE", "DELETE_ELEM", U32(9)),
    "full_queue": on("STACK", "UPDATE_ELEM", b"", before=(b"", FIRST)),
    "full": on("HASH", "UPDATE_ELEM", SECOND, before=(FIRST, FIRST)),
    "full_trie": on("LPM_TRIE", "UPDATE_ELEM", U32(32) + b"\1\1\1\1", before=(U32(32) + b"\2\2\2\2", FIRST)),
    "small_batch": small_batch,
    "cookies": on("SOCKMAP", "LOOKUP_ELEM"),
    "frozen": frozen,
    "read_only": on("HASH", "UPDATE_ELEM", map_flags=uapi.BPF_F_RDONLY),
    "write_only": on("HASH", "LOOKUP_ELEM", map_flags=uapi.BPF_F_WRONLY),
    "array_delete": on("ARRAY", "DELETE_ELEM"),
    "queue_keys": on("QUEUE", "GET_NEXT_KEY", b""),
    "key_for_keyless": on("QUEUE", "LOOKUP_ELEM", FIRST),
    "arena_elements": on("ARENA", "LOOKUP_ELEM", b""),
    "stack_update": on("STACK_TRACE", "UPDATE_ELEM", FIRST, U64),
    "cgroup_delete": on("CGROUP_STORAGE", "DELETE_ELEM", bytes(16)),
    "delete_beyond": on("DEVMAP", "DELETE_ELEM", U32(9)),
    "empty_socket": on("SOCKMAP", "DELETE_ELEM"),
    "prefix_length": on("LPM_TRIE", "UPDATE_ELEM", U32(40) + bytes(4)),
    "lock_without_field": on("HASH", "UPDATE_ELEM", flags=LOCK),
    "update_flags": on("HASH", "UPDATE_ELEM", flags=3),
    "flags_of_fds": on("PROG_ARRAY", "UPDATE_ELEM", flags=NOEXIST),
    "push_flags": on("QUEUE", "UPDATE_ELEM", b"", flags=NOEXIST),
    "cgroup_flags": on("CGROUP_STORAGE", "UPDATE_ELEM", bytes(16), flags=NOEXIST),
    "lookup_flags": on("HASH", "LOOKUP_ELEM", flags=1),
    "cpu_number": cpu_number,
    "closed": closed,
    "not_a_map": not_a_map,
    "not_for_type": on("RINGBUF", "LOOKUP_ELEM", b""),
    "not_for_type_op": on("BLOOM_FILTER", "GET_NEXT_KEY", b""),
    "element_arguments": element_arguments,
}

NOT_HERE = {
    "busy": "takes a program that is interrupted in the middle of an update of the same bucket",
    "again": "takes two threads in the same few instructions",
    "interrupted": "newer kernels leave out an entry that vanished, instead of giving up (generic_map_lookup_batch())",
    "no_memory_for_element": "would take the memory of the whole machine",
    "command_absent": "tests/ebpf/diagnose/test_maps.py shows it where the kernel lacks the command",
}
