"""v1's storage that lives with a socket, task, inode or cgroup."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.codec_percpu import PerCpuCodec
from ebpf.core.reference import reference
from ebpf.stability import stable
from ebpf.v1.map import DeletableEntries, WritableMap

__all__ = ["CgroupStorage", "CgrpStorage", "InodeStorage", "PerCpuCgroupStorage", "SkStorage", "TaskStorage"]

_CGROUP_KEY = "=QI4x"  # struct bpf_cgroup_storage_key: the cgroup's inode number and the attach type


class _LocalStorage(WritableMap, DeletableEntries):
    def _store(self, map_type: int, value: str | int) -> None:
        from ebpf.core import map_btf

        content = codec(value, "value")
        with map_btf.storage_btf(content) as btf:
            self._make(
                map_type,
                reference(4, "key"),
                content,
                0,
                uapi.BPF_F_NO_PREALLOC,
                btf_fd=btf.fd,
                btf_key_type_id=map_btf.KEY_TYPE,
                btf_value_type_id=map_btf.VALUE_TYPE,
            )


@stable
class SkStorage(_LocalStorage):
    """A value for a socket, ``BPF_MAP_TYPE_SK_STORAGE``. Needs Linux 5.2. Keys are sockets or their descriptors.

    Parameters:
        value: the type of the values, as for `HashMap`.

    Creating one loads the BTF that the kernel insists on first: ``BPF_BTF_LOAD``. It cannot be walked over.
    """

    def __init__(self, value: str | int = "u32") -> None:
        self._store(uapi.BPF_MAP_TYPE_SK_STORAGE, value)


@stable
class TaskStorage(_LocalStorage):
    """A value for a task, ``BPF_MAP_TYPE_TASK_STORAGE``. Needs Linux 5.11. Keys are descriptors of pidfd_open(2)."""

    def __init__(self, value: str | int = "u32") -> None:
        self._store(uapi.BPF_MAP_TYPE_TASK_STORAGE, value)


@stable
class InodeStorage(_LocalStorage):
    """A value for an inode, ``BPF_MAP_TYPE_INODE_STORAGE``. Needs Linux 5.10. Keys are files or their descriptors."""

    def __init__(self, value: str | int = "u32") -> None:
        self._store(uapi.BPF_MAP_TYPE_INODE_STORAGE, value)


@stable
class CgrpStorage(_LocalStorage):
    """A value for a cgroup, ``BPF_MAP_TYPE_CGRP_STORAGE``. Needs Linux 6.2. Keys are descriptors of its directory."""

    def __init__(self, value: str | int = "u32") -> None:
        self._store(uapi.BPF_MAP_TYPE_CGRP_STORAGE, value)


@stable
class CgroupStorage(WritableMap):
    """A value for each attachment of a program to a cgroup, ``BPF_MAP_TYPE_CGROUP_STORAGE``. Needs Linux 4.19.

    Keys are pairs of the cgroup's id and the attach type; the kernel makes the entries.

    Parameters:
        value: the type of the values, as for `HashMap`.
    """

    def __init__(self, value: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_CGROUP_STORAGE, codec(_CGROUP_KEY, "key"), codec(value, "value"), 0)


@stable
class PerCpuCgroupStorage(WritableMap):
    """`CgroupStorage` with one value for each CPU, ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE``. Needs Linux 4.20."""

    def __init__(self, value: str | int = "u32") -> None:
        number = uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        self._make(number, codec(_CGROUP_KEY, "key"), PerCpuCodec(codec(value, "value")), 0)
