"""Why an operation on one element of a map fails, or a batch of them.

Source: map_lookup_elem(), map_update_elem(), map_delete_elem(), map_get_next_key(), map_lookup_and_delete_elem() and
bpf_map_do_batch() of kernel/bpf/syscall.c, and the functions of each map type that they call.
"""

from __future__ import annotations

import os

from ebpf import uapi
from ebpf.diagnose import groups
from ebpf.diagnose.failure import MapFailure, element_row
from ebpf.errors import (
    KeyExistsError,
    KeyMissingError,
    MapFullError,
    PermissionDeniedError,
)

__all__ = ["ROWS"]

_LOOKUP, _UPDATE, _DELETE, _NEXT, _POP = groups.ELEMENTS
_LOOKUPS = (_LOOKUP, "BPF_MAP_LOOKUP_BATCH")
_UPDATES = (_UPDATE, "BPF_MAP_UPDATE_BATCH")
_DELETES = (_DELETE, "BPF_MAP_DELETE_BATCH")
_POPS = (_POP, "BPF_MAP_LOOKUP_AND_DELETE_BATCH")
_READS = (*_LOOKUPS, _NEXT, *_POPS)
_WRITES = (*_UPDATES, *_DELETES, *_POPS, "BPF_MAP_FREEZE")
_WITH_FLAGS = (*_LOOKUPS, *_POPS)


def _flag(f: MapFailure) -> int:
    """What is to happen with the entry: BPF_ANY, BPF_NOEXIST or BPF_EXIST."""
    return f.flags & ~uapi.BPF_F_LOCK


def _prefix(f: MapFailure) -> bool:
    return f.index > 8 * (f.key_size - 4)


def _beyond(f: MapFailure) -> bool:
    return f.index >= f.max_entries


ROWS = (
    # The key is not there, or is there.
    element_row(
        "empty",
        "ENOENT",
        (_LOOKUP, _POP),
        groups.QUEUES,
        "the queue or stack is empty",
        "{f.map} is empty",
        KeyMissingError,
    ),
    element_row(
        "not_in_filter",
        "ENOENT",
        (_LOOKUP,),
        ("BLOOM_FILTER",),
        "the bloom filter has never been given the value",
        "{f.map} has never been given this value",
        KeyMissingError,
    ),
    element_row(
        "no_owner",
        "ENOENT",
        (*_LOOKUPS, *_UPDATES, *_DELETES),
        groups.CGROUP_STORAGES,
        "no program with the storage is attached to the cgroup",
        "{f.map} has no storage for cgroup key {f.shown!r}: a program that uses it must be attached there first",
        KeyMissingError,
    ),
    element_row(
        "end_of_map",
        "ENOENT",
        (_NEXT, "BPF_MAP_LOOKUP_BATCH", "BPF_MAP_LOOKUP_AND_DELETE_BATCH"),
        (),
        "there is no key after this one",
        "{f.map} has no key after {f.shown!r}",
        KeyMissingError,
    ),
    element_row(
        "empty_slot",
        "ENOENT",
        (_LOOKUP, *_DELETES),
        groups.INDEXED,
        "nothing is stored under the index, or the index is beyond the array",
        "{f.map} has no entry under key {f.shown!r}: its keys are 0 to {f.last_index}",
        KeyMissingError,
    ),
    element_row(
        "missing_key",
        "ENOENT",
        (*groups.ELEMENTS, *groups.BATCHES),
        (),
        "the map has no such key (an update with BPF_EXIST wants one)",
        "{f.map} has no entry under key {f.shown!r}",
        KeyMissingError,
    ),
    element_row(
        "exists_always",
        "EEXIST",
        _UPDATES,
        (*groups.ARRAYS, "CPUMAP", "DEVMAP"),
        "BPF_NOEXIST for an array, whose elements always exist",
        "{f.map} has an entry under key {f.shown!r} already: all elements of an array exist, use BPF_ANY or BPF_EXIST",
        KeyExistsError,
    ),
    element_row(
        "exists",
        "EEXIST",
        _UPDATES,
        (),
        "BPF_NOEXIST, and the map has the key",
        "{f.map} has an entry under key {f.shown!r} already",
        KeyExistsError,
    ),
    # No room.
    element_row(
        "beyond_the_array",
        "E2BIG",
        (*_UPDATES, *_DELETES),
        groups.INDEXED,
        "the index is max_entries or more",
        "index {f.shown!r} is beyond the array: it has 0 to {f.last_index}",
        KeyMissingError,
    ),
    element_row(
        "no_such_stack",
        "E2BIG",
        _DELETES,
        ("STACK_TRACE",),
        "the number is higher than that of any stack trace",
        "{f.map} has no stack trace {f.shown!r}: their numbers are below max_entries, {f.max_entries}",
        KeyMissingError,
    ),
    element_row(
        "struct_ops_key",
        "E2BIG",
        (_UPDATE,),
        ("STRUCT_OPS",),
        "the key of a struct_ops map is not 0",
        "key is {f.shown!r}: a struct_ops map holds one structure, under key 0",
    ),
    element_row(
        "full_queue",
        "E2BIG",
        (_UPDATE,),
        groups.QUEUES,
        "the queue or stack is full",
        "{f.map} is full: it was made for max_entries = {f.max_entries}. Pop first, push with BPF_EXIST to drop the"
        " oldest, or make it larger.",
        MapFullError,
    ),
    element_row(
        "full",
        "E2BIG",
        _UPDATES,
        (),
        "the map holds max_entries elements",
        "{f.map} is full: it was made for max_entries = {f.max_entries}. Delete entries or make it larger.",
        MapFullError,
    ),
    element_row(
        "full_trie",
        "ENOSPC",
        _UPDATES,
        ("LPM_TRIE",),
        "the trie holds max_entries prefixes",
        "{f.map} is full: it was made for max_entries = {f.max_entries}. Delete entries or make it larger.",
        MapFullError,
    ),
    element_row(
        "small_batch",
        "ENOSPC",
        ("BPF_MAP_LOOKUP_BATCH", "BPF_MAP_LOOKUP_AND_DELETE_BATCH"),
        (),
        "count is less than what one bucket of the hash table holds",
        "count is {f.count}, less than the entries of one bucket of the hash table: make it larger",
    ),
    element_row(
        "cookies",
        "ENOSPC",
        (_LOOKUP,),
        groups.SOCKETS,
        "sockets are read from a map whose values have 4 bytes; cookies have 8",
        "sockets are read back as cookies of 8 bytes, this map has value_size {f.value_size}: create it with 8",
    ),
    # Permissions of the map.
    element_row(
        "frozen",
        "EPERM",
        _WRITES,
        (),
        "the map is frozen",
        "the map is frozen: only programs may still write to it. Write before BPF_MAP_FREEZE, or make another map.",
        PermissionDeniedError,
        lambda f: f.frozen,
    ),
    element_row(
        "read_only",
        "EPERM",
        _WRITES,
        (),
        "the descriptor is read-only (BPF_F_RDONLY)",
        "the map is read-only for user space through this descriptor: it was created or opened with BPF_F_RDONLY",
        PermissionDeniedError,
        lambda f: f.mode == os.O_RDONLY,
    ),
    element_row(
        "write_only",
        "EPERM",
        _READS,
        (),
        "the descriptor is write-only (BPF_F_WRONLY)",
        "the map is write-only for user space through this descriptor: it was created or opened with BPF_F_WRONLY",
        PermissionDeniedError,
        lambda f: f.mode == os.O_WRONLY,
    ),
    # What the type does not do.
    element_row(
        "array_delete",
        "EINVAL",
        _DELETES,
        ("ARRAY", "PERCPU_ARRAY", "INSN_ARRAY"),
        "the elements of an array cannot be deleted",
        "the elements of an array cannot be deleted; write a zero instead",
    ),
    element_row(
        "queue_keys",
        "EINVAL",
        (_DELETE, _NEXT),
        groups.QUEUES,
        "queues and stacks have no keys",
        "queues and stacks have no keys: push (BPF_MAP_UPDATE_ELEM), peek (BPF_MAP_LOOKUP_ELEM) and pop"
        " (BPF_MAP_LOOKUP_AND_DELETE_ELEM) their elements",
    ),
    element_row(
        "key_for_keyless",
        "EINVAL",
        groups.ELEMENTS,
        groups.KEYLESS,
        "a key is given to a map without keys",
        "a key was given ({f.shown!r}), but maps of this type have none: leave it out",
        when=lambda f: f.key,
    ),
    element_row(
        "arena_elements",
        "EINVAL",
        (_LOOKUP,),
        ("ARENA",),
        "an arena is memory, not elements",
        "an arena has no elements: map it into memory (mmap) and read there",
    ),
    element_row(
        "stack_update",
        "EINVAL",
        _UPDATES,
        ("STACK_TRACE",),
        "only programs write stack traces",
        "stack traces are written by programs only (bpf_get_stackid), user space reads and deletes them",
    ),
    element_row(
        "cgroup_delete",
        "EINVAL",
        _DELETES,
        groups.CGROUP_STORAGES,
        "a cgroup storage lives as long as its program is attached",
        "a cgroup storage cannot be deleted: it goes when its program is detached",
    ),
    # Arguments.
    element_row(
        "delete_beyond",
        "EINVAL",
        _DELETES,
        ("DEVMAP", "CPUMAP", "XSKMAP", "SOCKMAP"),
        "the index is max_entries or more",
        "index {f.shown!r} is beyond the map: it has 0 to {f.last_index}",
        KeyMissingError,
        _beyond,
    ),
    element_row(
        "empty_socket",
        "EINVAL",
        _DELETES,
        ("SOCKMAP",),
        "no socket is stored under the index",
        "{f.map} has no socket under index {f.shown!r}",
        KeyMissingError,
    ),
    element_row(
        "prefix_length",
        "EINVAL",
        (*_UPDATES, *_DELETES, *_LOOKUPS),
        ("LPM_TRIE",),
        "the prefix length is more than the bits of the key's data",
        "the key's prefix length is {f.index}: its data has {f.prefix_bits} bits",
        when=_prefix,
    ),
    element_row(
        "lock_without_field",
        "EINVAL",
        (*_LOOKUPS, *_UPDATES, *_DELETES, *_POPS),
        (),
        "BPF_F_LOCK, and the map's values have no bpf_spin_lock",
        "flags {f.flags:#x} hold BPF_F_LOCK, but the values of this map have no struct bpf_spin_lock: leave it out",
        when=lambda f: f.flags & uapi.BPF_F_LOCK,
    ),
    element_row(
        "update_flags",
        "EINVAL",
        _UPDATES,
        (),
        "flags other than BPF_ANY, BPF_NOEXIST or BPF_EXIST",
        "flags {f.flags:#x} are not for this operation on this kernel: give BPF_ANY (0), BPF_NOEXIST (1) or BPF_EXIST"
        " (2)",
        when=lambda f: _flag(f) > uapi.BPF_EXIST,
    ),
    element_row(
        "flags_of_fds",
        "EINVAL",
        _UPDATES,
        groups.FD_ARRAYS,
        "flags for an array of file descriptors",
        "flags {f.flags:#x} are not for this type: give BPF_ANY (0), what is there is replaced",
        when=lambda f: f.flags,
    ),
    element_row(
        "push_flags",
        "EINVAL",
        (_UPDATE,),
        (*groups.QUEUES, "BLOOM_FILTER"),
        "BPF_NOEXIST for a queue or stack, or BPF_EXIST or BPF_NOEXIST for a bloom filter",
        "flags {f.flags:#x} are not for this type: give BPF_ANY (0); queues and stacks take BPF_EXIST (2) to drop the"
        " oldest element when full",
        when=lambda f: f.flags,
    ),
    element_row(
        "cgroup_flags",
        "EINVAL",
        _UPDATES,
        groups.CGROUP_STORAGES,
        "BPF_NOEXIST for a cgroup storage",
        "flags {f.flags:#x} are not for this type: a cgroup storage is made by attaching its program, give BPF_ANY (0)"
        " or BPF_EXIST (2)",
        when=lambda f: _flag(f) == uapi.BPF_NOEXIST,
    ),
    element_row(
        "lookup_flags",
        "EINVAL",
        (*_WITH_FLAGS, *_DELETES),
        (),
        "flags that the operation does not have",
        "flags {f.flags:#x} are not for this operation on this kernel: give 0",
        when=lambda f: f.flags,
    ),
    element_row(
        "cpu_number",
        "ERANGE",
        (*_LOOKUPS, *_UPDATES),
        groups.PERCPU,
        "BPF_F_CPU with a number that no CPU has",
        "flags {f.flags:#x} name CPU {f.cpu}, which this machine does not have",
    ),
)
