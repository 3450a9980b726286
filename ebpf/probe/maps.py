"""Trials of map types: the smallest map that each insists on, or a mistake that only a known type notices."""

from __future__ import annotations

import errno
import os

from ebpf import uapi
from ebpf.probe import calls, context
from ebpf.probe.calls import BAD_FD, ENOTSUPP
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLE", "MapTrial", "trial"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


class MapTrial:
    """One map type's trial.

    `known`: the errno by which a kernel that knows the type refuses what was asked for. `btf`: key and value are
    described by BTF, both as the one integer type of `context.INT_BTF`.
    """

    __slots__ = ("btf", "entries", "fields", "flags", "key", "known", "number", "value")

    def __init__(
        self,
        number: int,
        key: int = 4,
        value: int = 4,
        entries: int = 1,
        flags: int = 0,
        *,
        known: int | None = None,
        btf: bool = False,
        **fields: int,
    ) -> None:
        self.number = number
        self.key = key
        self.value = value
        self.entries = entries
        self.flags = flags
        self.known = known
        self.btf = btf
        self.fields: Mapping[str, int] = fields

    def create(self, flags: int = 0, **fields: int | bytes) -> int:
        """BPF_MAP_CREATE of it, with more flags or fields if asked: an fd or -errno."""
        fields = {**self.fields, **fields}
        if not self.btf:
            return calls.create_map(self.number, self.key, self.value, self.entries, self.flags | flags, **fields)
        # Without BTF the map is asked for all the same: its errno says more than that of BPF_BTF_LOAD.
        btf_fd = calls.load_btf(context.INT_BTF)
        fields.update(btf_fd=btf_fd if btf_fd >= 0 else BAD_FD, btf_key_type_id=1, btf_value_type_id=1)
        try:
            return calls.create_map(self.number, self.key, self.value, self.entries, self.flags | flags, **fields)
        finally:
            calls.closing(btf_fd)


def _storage(number: int) -> MapTrial:
    # Local storages insist on BTF for key and value (kernel/bpf/bpf_local_storage.c,
    # bpf_local_storage_map_alloc_check()). A bad descriptor instead (EBADF) would do too, but then the map made so far
    # is torn down at once, waiting 20 ms for RCU; a map that is closed is freed in the background.
    return MapTrial(number, entries=0, flags=uapi.BPF_F_NO_PREALLOC, known=errno.EBADF, btf=True)


TABLE: dict[str, MapTrial] = {
    "BPF_MAP_TYPE_HASH": MapTrial(uapi.BPF_MAP_TYPE_HASH),
    "BPF_MAP_TYPE_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_ARRAY),
    "BPF_MAP_TYPE_PROG_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_PROG_ARRAY),
    "BPF_MAP_TYPE_PERF_EVENT_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY),
    "BPF_MAP_TYPE_PERCPU_HASH": MapTrial(uapi.BPF_MAP_TYPE_PERCPU_HASH),
    "BPF_MAP_TYPE_PERCPU_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_PERCPU_ARRAY),
    "BPF_MAP_TYPE_STACK_TRACE": MapTrial(uapi.BPF_MAP_TYPE_STACK_TRACE, value=8),  # values are arrays of u64 addresses
    "BPF_MAP_TYPE_CGROUP_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_CGROUP_ARRAY),
    "BPF_MAP_TYPE_LRU_HASH": MapTrial(uapi.BPF_MAP_TYPE_LRU_HASH),
    "BPF_MAP_TYPE_LRU_PERCPU_HASH": MapTrial(uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH),
    "BPF_MAP_TYPE_LPM_TRIE": MapTrial(
        uapi.BPF_MAP_TYPE_LPM_TRIE, key=8, flags=uapi.BPF_F_NO_PREALLOC
    ),  # the key starts with a u32 prefix length
    # The inner map is looked up while the outer one is made: EBADF.
    "BPF_MAP_TYPE_ARRAY_OF_MAPS": MapTrial(uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, known=errno.EBADF, inner_map_fd=BAD_FD),
    "BPF_MAP_TYPE_HASH_OF_MAPS": MapTrial(uapi.BPF_MAP_TYPE_HASH_OF_MAPS, known=errno.EBADF, inner_map_fd=BAD_FD),
    "BPF_MAP_TYPE_DEVMAP": MapTrial(uapi.BPF_MAP_TYPE_DEVMAP),
    "BPF_MAP_TYPE_SOCKMAP": MapTrial(uapi.BPF_MAP_TYPE_SOCKMAP),
    "BPF_MAP_TYPE_CPUMAP": MapTrial(uapi.BPF_MAP_TYPE_CPUMAP),
    "BPF_MAP_TYPE_XSKMAP": MapTrial(uapi.BPF_MAP_TYPE_XSKMAP),
    "BPF_MAP_TYPE_SOCKHASH": MapTrial(uapi.BPF_MAP_TYPE_SOCKHASH),
    # The key is struct bpf_cgroup_storage_key; there is one element for each cgroup, so no max_entries.
    "BPF_MAP_TYPE_CGROUP_STORAGE": MapTrial(uapi.BPF_MAP_TYPE_CGROUP_STORAGE, key=16, entries=0),
    "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED": MapTrial(uapi.BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED, key=16, entries=0),
    "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY": MapTrial(
        uapi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, value=8
    ),  # the value is a socket's cookie
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE": MapTrial(uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, key=16, entries=0),
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED": MapTrial(
        uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED, key=16, entries=0
    ),
    "BPF_MAP_TYPE_QUEUE": MapTrial(uapi.BPF_MAP_TYPE_QUEUE, key=0),
    "BPF_MAP_TYPE_STACK": MapTrial(uapi.BPF_MAP_TYPE_STACK, key=0),
    "BPF_MAP_TYPE_SK_STORAGE": _storage(uapi.BPF_MAP_TYPE_SK_STORAGE),
    "BPF_MAP_TYPE_DEVMAP_HASH": MapTrial(uapi.BPF_MAP_TYPE_DEVMAP_HASH),
    # ENOTSUPP: type 1 of vmlinux is no struct_ops (kernel/bpf/bpf_struct_ops.c, bpf_struct_ops_map_alloc()). A kernel
    # older than the field btf_vmlinux_value_type_id (5.6, with the type) answers E2BIG.
    "BPF_MAP_TYPE_STRUCT_OPS": MapTrial(uapi.BPF_MAP_TYPE_STRUCT_OPS, known=ENOTSUPP, btf_vmlinux_value_type_id=1),
    "BPF_MAP_TYPE_RINGBUF": MapTrial(
        uapi.BPF_MAP_TYPE_RINGBUF, key=0, value=0, entries=_PAGE
    ),  # a power of two, whole pages
    "BPF_MAP_TYPE_INODE_STORAGE": _storage(uapi.BPF_MAP_TYPE_INODE_STORAGE),
    "BPF_MAP_TYPE_TASK_STORAGE": _storage(uapi.BPF_MAP_TYPE_TASK_STORAGE),
    "BPF_MAP_TYPE_BLOOM_FILTER": MapTrial(uapi.BPF_MAP_TYPE_BLOOM_FILTER, key=0),
    "BPF_MAP_TYPE_USER_RINGBUF": MapTrial(uapi.BPF_MAP_TYPE_USER_RINGBUF, key=0, value=0, entries=_PAGE),
    "BPF_MAP_TYPE_CGRP_STORAGE": _storage(uapi.BPF_MAP_TYPE_CGRP_STORAGE),
    "BPF_MAP_TYPE_ARENA": MapTrial(
        uapi.BPF_MAP_TYPE_ARENA, key=0, value=0, flags=uapi.BPF_F_MMAPABLE
    ),  # max_entries counts pages
    "BPF_MAP_TYPE_INSN_ARRAY": MapTrial(uapi.BPF_MAP_TYPE_INSN_ARRAY, value=16),  # struct bpf_insn_array_value
    "BPF_MAP_TYPE_RHASH": MapTrial(uapi.BPF_MAP_TYPE_RHASH, flags=uapi.BPF_F_NO_PREALLOC),
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether a map of this type can be made; `None` for a name not in the table."""
    row = TABLE.get(name)
    if row is None:
        return None
    result = row.create()
    call = f"BPF_MAP_CREATE of {name}"
    if result == -errno.EOPNOTSUPP:
        # The arena alone: the type is known, this architecture's JIT does not do arenas (kernel/bpf/arena.c).
        return Outcome(ABSENT, f"{call} answered EOPNOTSUPP: this architecture's JIT lacks it", errno.EOPNOTSUPP)
    known = (row.known,) if row.known else ()
    return judge(result, call, context.can_create_map, known=known, absent=(errno.EINVAL, errno.E2BIG))
