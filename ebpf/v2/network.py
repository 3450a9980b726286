"""Maps of network devices, CPUs and sockets, into which programs redirect packets and data."""

from __future__ import annotations

from ebpf.core.codec import Codec, codec
from ebpf.core.reference import interface, reference, target
from ebpf.stability import beta
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.references import References, SlotMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["CpuMap", "DevMap", "DevMapHash", "ReuseportSockArray", "SockHash", "SockMap", "XskMap"]


class _Targets(KeyedMap):
    __slots__ = ()
    WHAT = ""

    def __init__(
        self,
        *,
        max_entries: int,
        programs: bool = False,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        value = self._target_codec(8 if programs else 4)
        self._create(codec("u32", "key"), value, max_entries, flags, name=name, pin=pin, adapt=adapt)

    @classmethod
    def _target_codec(cls, size: int) -> Codec:
        return target(size, interface, "device")

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return codec("u32" if key is None else key, "key"), cls._target_codec(core.value_size)


@beta
class DevMap(_Targets):
    """Network devices by an index, ``BPF_MAP_TYPE_DEVMAP``. Needs Linux 4.14, CAP_NET_ADMIN and CAP_BPF.

    ``m[0] = "eth0"``, or the device's index. What is read is the index.

    Parameters:
        max_entries: how many there may be.
        programs: values are pairs of a device and an XDP program that runs behind it (Linux 5.8); read are the index
            and the program's id.
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_DEVMAP"


@beta
class DevMapHash(_Targets):
    """Network devices by any number, ``BPF_MAP_TYPE_DEVMAP_HASH``. Needs Linux 5.4. Otherwise as `DevMap`."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_DEVMAP_HASH"


@beta
class CpuMap(_Targets):
    """Queues of CPUs, ``BPF_MAP_TYPE_CPUMAP``. Needs Linux 4.15.

    ``m[2] = 192`` makes a queue of 192 frames on CPU 2, with a kernel thread that takes them out.

    Parameters:
        max_entries: the number of CPUs, at most as many as are possible.
        programs: values are pairs of a length and an XDP program that runs on that CPU (Linux 5.9).
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_CPUMAP"

    @classmethod
    def _target_codec(cls, size: int) -> Codec:
        return target(size, int, "queue length")


@beta
class XskMap(SlotMap):
    """AF_XDP sockets by an index, mostly that of a receive queue, ``BPF_MAP_TYPE_XSKMAP``. Needs Linux 4.18.

    ``m[0] = socket`` puts a bound socket in; what is there cannot be read.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_XSKMAP"


class _Sockets(References):
    __slots__ = ()

    def __init__(
        self,
        *,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        # 8 bytes, so that the socket's cookie can be read.
        value = reference(8)
        self._create(
            codec("u32", "index"), value, max_entries, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt
        )


@beta
class SockMap(_Sockets):
    """Sockets by an index, ``BPF_MAP_TYPE_SOCKMAP``. Needs Linux 4.14.

    ``m[0] = socket`` puts in a connected TCP socket, or one of UDP, Unix and vsock on newer kernels; ``m[0]`` is its
    cookie. A socket leaves the map when it is closed.

    Parameters:
        max_entries: how many there may be.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_SOCKMAP"


@beta
class SockHash(References):
    """Sockets by a key, ``BPF_MAP_TYPE_SOCKHASH``. Needs Linux 4.18. As `SockMap`, with the type of its keys."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_SOCKHASH"

    def __init__(
        self,
        *,
        key: Kind,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        value = reference(8)
        self._create(codec(key, "key"), value, max_entries, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt)


@beta
class ReuseportSockArray(_Sockets):
    """Sockets of SO_REUSEPORT groups by an index, ``BPF_MAP_TYPE_REUSEPORT_SOCKARRAY``. Needs Linux 4.19.

    ``m[0] = socket`` puts a bound socket with SO_REUSEPORT in; ``m[0]`` is its cookie.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY"
