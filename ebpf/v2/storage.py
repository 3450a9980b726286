"""Storage that lives with a socket, task, inode or cgroup, and goes with it."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.core.codec import Codec, codec
from ebpf.core.reference import opened
from ebpf.stability import beta
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.map import Map
from ebpf.v2.percpu import PerCpuValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = [
    "CgroupStorage",
    "CgrpStorage",
    "InodeStorage",
    "LocalStorage",
    "PerCpuCgroupStorage",
    "SkStorage",
    "TaskStorage",
]

_FD = struct.Struct("=i")


def _decode_fd(data: bytes) -> int:
    number: int = _FD.unpack(data)[0]
    return number


_KEY = Codec("fd", _FD.size, _FD.pack, _decode_fd)


@beta
class LocalStorage(Map):
    """One value for each object that has one; the object is named by a file descriptor. It cannot be walked over.

    Parameters:
        value: the type of the values, as for `KeyedMap`.
        name, flags, pin, adapt: as for `KeyedMap`.

    Creating one loads the BTF that the kernel insists on first: ``BPF_BTF_LOAD``.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        value: Kind,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        from ebpf.core import map_btf

        content = codec(value, "value")
        with map_btf.storage_btf(content) as btf:
            self._create(
                _KEY,
                content,
                0,
                flags | uapi.BPF_F_NO_PREALLOC,
                name=name,
                btf_fd=btf.fd,
                btf_key_type_id=map_btf.KEY_TYPE,
                btf_value_type_id=map_btf.VALUE_TYPE,
                pin=pin,
                adapt=adapt,
            )

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return _KEY, codec(core.value_size if value is None else value, "value")

    def __getitem__(self, thing: Any) -> Any:
        """The object's value: one ``BPF_MAP_LOOKUP_ELEM``. Raises `KeyMissingError`, a `KeyError`, without one.

        `thing` is an open object, a file descriptor, or a path, which is opened for the call.
        """
        with opened(thing) as fd:
            return self.value_type.decode(self.core.lookup(_FD.pack(fd)))

    def get(self, thing: Any, default: Any = None) -> Any:
        """The object's value, or `default`."""
        with opened(thing) as fd:
            data = self.core.find(_FD.pack(fd))
        return default if data is None else self.value_type.decode(data)

    def __contains__(self, thing: object) -> bool:
        with opened(thing) as fd:
            return self.core.find(_FD.pack(fd)) is not None

    def __setitem__(self, thing: Any, value: Any) -> None:
        """Give the object a value: one ``BPF_MAP_UPDATE_ELEM``."""
        self.set(thing, value)

    def set(self, thing: Any, value: Any, flags: int = uapi.BPF_ANY) -> None:
        """The same with flags: ``BPF_NOEXIST``, ``BPF_EXIST``."""
        with opened(thing) as fd:
            self.core.update(_FD.pack(fd), self.value_type.encode(value), flags)

    def __delitem__(self, thing: Any) -> None:
        """Take the object's value away: one ``BPF_MAP_DELETE_ELEM``."""
        with opened(thing) as fd:
            self.core.delete(_FD.pack(fd))


@beta
class SkStorage(LocalStorage):
    """A value for a socket, ``BPF_MAP_TYPE_SK_STORAGE``. Needs Linux 5.2. ``m[socket] = value``."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_SK_STORAGE"


@beta
class TaskStorage(LocalStorage):
    """A value for a task, ``BPF_MAP_TYPE_TASK_STORAGE``. Needs Linux 5.11.

    The task is named by a descriptor of pidfd_open(2): ``m[os.pidfd_open(pid)] = value``.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_TASK_STORAGE"


@beta
class InodeStorage(LocalStorage):
    """A value for an inode, ``BPF_MAP_TYPE_INODE_STORAGE``. Needs Linux 5.10 and the BPF LSM.

    ``m[file] = value``, or ``m["/path"] = value``. It goes with the inode, when the kernel drops that from memory.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_INODE_STORAGE"


@beta
class CgrpStorage(LocalStorage):
    """A value for a cgroup (version 2), ``BPF_MAP_TYPE_CGRP_STORAGE``. Needs Linux 6.2.

    ``m["/sys/fs/cgroup/name"] = value``, or a descriptor of the directory.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_CGRP_STORAGE"


class _AttachStorage(KeyedMap):
    __slots__ = ()

    def __init__(
        self,
        *,
        value: Kind,
        shared: bool = False,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        # struct bpf_cgroup_storage_key, or the cgroup's inode number alone.
        key = codec("u64" if shared else "=QI4x", "key")
        self._create(key, self._value_codec(value), 0, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt)

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        if key is None:
            key = "u64" if core.key_size == 8 else "=QI4x"
        return super()._codecs(core, key, value)


@beta
class CgroupStorage(_AttachStorage):
    """A value for each attachment of a program to a cgroup, ``BPF_MAP_TYPE_CGROUP_STORAGE``. Needs Linux 4.19.

    The kernel makes an entry when a program that uses the map is attached; user space reads and overwrites it. Keys are
    pairs of the cgroup's id (the inode number of its directory) and the attach type.

    Parameters:
        value: the type of the values, as for `KeyedMap`.
        shared: one entry for each cgroup, whatever the attach type; keys are the cgroups' ids. Needs Linux 5.9.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_CGROUP_STORAGE"


@beta
class PerCpuCgroupStorage(PerCpuValues, _AttachStorage):
    """`CgroupStorage` with one value for each CPU, ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE``. Needs Linux 4.20."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE"

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        if key is None:
            key = "u64" if core.key_size == 8 else "=QI4x"
        return super()._codecs(core, key, value)
