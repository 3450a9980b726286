"""Trials of map types: the smallest map that each insists on, or a mistake that only a known type notices."""

from __future__ import annotations

import errno
import os

from ebpf.probe import calls, context
from ebpf.probe.calls import BAD_FD, ENOTSUPP
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLE", "MapTrial", "trial"]

NO_PREALLOC = 1 << 0
MMAPABLE = 1 << 10

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
    return MapTrial(number, entries=0, flags=NO_PREALLOC, known=errno.EBADF, btf=True)


TABLE: dict[str, MapTrial] = {
    "BPF_MAP_TYPE_HASH": MapTrial(1),
    "BPF_MAP_TYPE_ARRAY": MapTrial(2),
    "BPF_MAP_TYPE_PROG_ARRAY": MapTrial(3),
    "BPF_MAP_TYPE_PERF_EVENT_ARRAY": MapTrial(4),
    "BPF_MAP_TYPE_PERCPU_HASH": MapTrial(5),
    "BPF_MAP_TYPE_PERCPU_ARRAY": MapTrial(6),
    "BPF_MAP_TYPE_STACK_TRACE": MapTrial(7, value=8),  # values are arrays of u64 addresses
    "BPF_MAP_TYPE_CGROUP_ARRAY": MapTrial(8),
    "BPF_MAP_TYPE_LRU_HASH": MapTrial(9),
    "BPF_MAP_TYPE_LRU_PERCPU_HASH": MapTrial(10),
    "BPF_MAP_TYPE_LPM_TRIE": MapTrial(11, key=8, flags=NO_PREALLOC),  # the key starts with a u32 prefix length
    # The inner map is looked up while the outer one is made: EBADF.
    "BPF_MAP_TYPE_ARRAY_OF_MAPS": MapTrial(12, known=errno.EBADF, inner_map_fd=BAD_FD),
    "BPF_MAP_TYPE_HASH_OF_MAPS": MapTrial(13, known=errno.EBADF, inner_map_fd=BAD_FD),
    "BPF_MAP_TYPE_DEVMAP": MapTrial(14),
    "BPF_MAP_TYPE_SOCKMAP": MapTrial(15),
    "BPF_MAP_TYPE_CPUMAP": MapTrial(16),
    "BPF_MAP_TYPE_XSKMAP": MapTrial(17),
    "BPF_MAP_TYPE_SOCKHASH": MapTrial(18),
    # The key is struct bpf_cgroup_storage_key; there is one element for each cgroup, so no max_entries.
    "BPF_MAP_TYPE_CGROUP_STORAGE": MapTrial(19, key=16, entries=0),
    "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED": MapTrial(19, key=16, entries=0),
    "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY": MapTrial(20, value=8),  # the value is a socket's cookie
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE": MapTrial(21, key=16, entries=0),
    "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED": MapTrial(21, key=16, entries=0),
    "BPF_MAP_TYPE_QUEUE": MapTrial(22, key=0),
    "BPF_MAP_TYPE_STACK": MapTrial(23, key=0),
    "BPF_MAP_TYPE_SK_STORAGE": _storage(24),
    "BPF_MAP_TYPE_DEVMAP_HASH": MapTrial(25),
    # ENOTSUPP: type 1 of vmlinux is no struct_ops (kernel/bpf/bpf_struct_ops.c, bpf_struct_ops_map_alloc()). A kernel
    # older than the field btf_vmlinux_value_type_id (5.6, with the type) answers E2BIG.
    "BPF_MAP_TYPE_STRUCT_OPS": MapTrial(26, known=ENOTSUPP, btf_vmlinux_value_type_id=1),
    "BPF_MAP_TYPE_RINGBUF": MapTrial(27, key=0, value=0, entries=_PAGE),  # a power of two, whole pages
    "BPF_MAP_TYPE_INODE_STORAGE": _storage(28),
    "BPF_MAP_TYPE_TASK_STORAGE": _storage(29),
    "BPF_MAP_TYPE_BLOOM_FILTER": MapTrial(30, key=0),
    "BPF_MAP_TYPE_USER_RINGBUF": MapTrial(31, key=0, value=0, entries=_PAGE),
    "BPF_MAP_TYPE_CGRP_STORAGE": _storage(32),
    "BPF_MAP_TYPE_ARENA": MapTrial(33, key=0, value=0, flags=MMAPABLE),  # max_entries counts pages
    "BPF_MAP_TYPE_INSN_ARRAY": MapTrial(34, value=16),  # struct bpf_insn_array_value
    "BPF_MAP_TYPE_RHASH": MapTrial(35, flags=NO_PREALLOC),
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
