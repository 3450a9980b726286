"""v1's maps of network devices, CPUs and sockets."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.reference import interface, reference, target
from ebpf.stability import stable
from ebpf.v1.map import DeletableEntries, WritableMap

__all__ = ["CpuMap", "DevMap", "DevMapHash", "ReuseportSockArray", "SockHash", "SockMap", "XskMap"]


@stable
class DevMap(WritableMap, DeletableEntries):
    """Network devices by an index, ``BPF_MAP_TYPE_DEVMAP``. Needs Linux 4.14.

    `set` takes a device's name or index, `get` returns its index.

    Parameters:
        max_entries: how many there may be.
    """

    def __init__(self, max_entries: int) -> None:
        value = target(4, interface, "device")
        self._make(uapi.BPF_MAP_TYPE_DEVMAP, codec("u32", "index"), value, max_entries)


@stable
class DevMapHash(WritableMap, DeletableEntries):
    """Network devices by any number, ``BPF_MAP_TYPE_DEVMAP_HASH``. Needs Linux 5.4. Otherwise as `DevMap`."""

    def __init__(self, max_entries: int) -> None:
        value = target(4, interface, "device")
        self._make(uapi.BPF_MAP_TYPE_DEVMAP_HASH, codec("u32", "key"), value, max_entries)


@stable
class CpuMap(WritableMap, DeletableEntries):
    """Queues of CPUs, ``BPF_MAP_TYPE_CPUMAP``. Needs Linux 4.15. Values are lengths of queues.

    Parameters:
        max_entries: the number of CPUs.
    """

    def __init__(self, max_entries: int) -> None:
        value = target(4, int, "queue length")
        self._make(uapi.BPF_MAP_TYPE_CPUMAP, codec("u32", "cpu"), value, max_entries)


@stable
class XskMap(WritableMap, DeletableEntries):
    """AF_XDP sockets by an index, ``BPF_MAP_TYPE_XSKMAP``. Needs Linux 4.18. What is there cannot be read.

    Parameters:
        max_entries: its length.
    """

    def __init__(self, max_entries: int) -> None:
        self._make(uapi.BPF_MAP_TYPE_XSKMAP, codec("u32", "index"), reference(4), max_entries)


@stable
class SockMap(WritableMap, DeletableEntries):
    """Sockets by an index, ``BPF_MAP_TYPE_SOCKMAP``. Needs Linux 4.14.

    `set` takes a connected socket, `get` returns its cookie.

    Parameters:
        max_entries: how many there may be.
    """

    def __init__(self, max_entries: int) -> None:
        self._make(uapi.BPF_MAP_TYPE_SOCKMAP, codec("u32", "index"), reference(8), max_entries)


@stable
class SockHash(WritableMap, DeletableEntries):
    """Sockets by a key, ``BPF_MAP_TYPE_SOCKHASH``. Needs Linux 4.18. As `SockMap`, with the type of its keys."""

    def __init__(self, max_entries: int, key: str | int = "u32") -> None:
        self._make(uapi.BPF_MAP_TYPE_SOCKHASH, codec(key, "key"), reference(8), max_entries)


@stable
class ReuseportSockArray(WritableMap, DeletableEntries):
    """Sockets of SO_REUSEPORT groups by an index, ``BPF_MAP_TYPE_REUSEPORT_SOCKARRAY``. Needs Linux 4.19.

    `set` takes a bound socket, `get` returns its cookie.

    Parameters:
        max_entries: how many there may be.
    """

    def __init__(self, max_entries: int) -> None:
        self._make(uapi.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, codec("u32", "index"), reference(8), max_entries)
