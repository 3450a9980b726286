"""What every kernel demands of a map's arguments, in words: asked only after a call has failed.

Source: the alloc_check functions of kernel/bpf/arraymap.c and kernel/bpf/hashtab.c. These demands have been the same
since the map types came; what differs between releases is in the feature database.
"""

from __future__ import annotations

import featuredb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.verdict import Verdict

__all__ = [
    "attach_type_name",
    "broken",
    "command_name",
    "is_array",
    "map_type_name",
    "program_type_name",
    "unsupported_flag",
]

_ARRAYS = frozenset(
    (
        "BPF_MAP_TYPE_ARRAY",
        "BPF_MAP_TYPE_PERCPU_ARRAY",
        "BPF_MAP_TYPE_PROG_ARRAY",
        "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
        "BPF_MAP_TYPE_CGROUP_ARRAY",
        "BPF_MAP_TYPE_ARRAY_OF_MAPS",
    )
)
_HASHES = frozenset(
    (
        "BPF_MAP_TYPE_HASH",
        "BPF_MAP_TYPE_PERCPU_HASH",
        "BPF_MAP_TYPE_LRU_HASH",
        "BPF_MAP_TYPE_LRU_PERCPU_HASH",
        "BPF_MAP_TYPE_HASH_OF_MAPS",
    )
)
_INDEX_SIZE = 4
_MAX_KEY_SIZE = 512  # MAX_BPF_STACK, include/linux/filter.h: keys live on a program's stack
_PAGE_ORDER_LIMIT = 4 * 2**20  # KMALLOC_MAX_SIZE with 4 KiB pages: an element is one allocation


def map_type_name(map_type: int) -> str:
    """``BPF_MAP_TYPE_HASH`` for 1; ``map type 99`` for a number without a name."""
    return _named("map_type", map_type) or f"map type {map_type}"


def program_type_name(program_type: int) -> str:
    """``BPF_PROG_TYPE_XDP`` for 6; ``program type 99`` for a number without a name."""
    return _named("program_type", program_type) or f"program type {program_type}"


def attach_type_name(attach_type: int) -> str:
    """``BPF_CGROUP_INET_INGRESS`` for 0; ``attach type 999`` for a number without a name."""
    return _named("attach_type", attach_type) or f"attach type {attach_type}"


def command_name(command: int) -> str:
    """``BPF_MAP_LOOKUP_ELEM`` for 1; ``bpf() command 99`` for a number without a name."""
    return _named("command", command) or f"bpf() command {command}"


def _named(kind: str, value: int) -> str:
    for record in featuredb.features(kind):
        if record.value == value:
            return record.name
    return ""


def is_array(name: str) -> bool:
    """Whether a map type's keys are the indices of an array."""
    return name in _ARRAYS


def broken(name: str, key_size: int, value_size: int, max_entries: int) -> str:
    """Which of the kernel's demands the arguments break, with what to do; empty when none that is known here."""
    if max_entries == 0 and name in _ARRAYS | _HASHES:
        return "max_entries is 0, it must be 1 or more"
    if name in _ARRAYS and key_size != _INDEX_SIZE:
        return f"key_size is {key_size}, an array's keys are indices of {_INDEX_SIZE} bytes (u32)"
    if key_size == 0 and name in _HASHES:
        return "key_size is 0, a key must have 1 byte or more"
    if value_size == 0 and name in _ARRAYS | _HASHES:
        return "value_size is 0, a value must have 1 byte or more"
    if key_size > _MAX_KEY_SIZE and name in _HASHES:
        return f"key_size is {key_size}, a key has {_MAX_KEY_SIZE} bytes at most"
    if name in _HASHES and key_size + value_size >= _PAGE_ORDER_LIMIT - 128:
        return f"value_size is {value_size}, key and value together must stay under {_PAGE_ORDER_LIMIT >> 20} MiB"
    if name in _ARRAYS and value_size > 2**31 - 1:
        return f"value_size is {value_size}, a value has {2**31 - 1} bytes at most"
    return ""


def unsupported_flag(flags: int) -> Verdict | None:
    """The verdict on the first flag of ``BPF_MAP_CREATE`` among `flags` that this kernel lacks, if there is one."""
    from ebpf.kernel import running

    for record in featuredb.features("flag"):
        if record.group == "BPF_MAP_CREATE" and record.value and flags & record.value:
            verdict = running().check(record.name)
            if not verdict:
                return verdict
    return None
