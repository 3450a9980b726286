"""Maps of network devices, CPUs and sockets, into which programs redirect packets and data."""

from __future__ import annotations

import struct

from ebpf.core.codec import Codec, codec
from ebpf.core.reference import descriptor, reference
from ebpf.errors import ArgumentError
from ebpf.stability import beta
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.references import References, SlotMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["CpuMap", "DevMap", "DevMapHash", "ReuseportSockArray", "SockHash", "SockMap", "XskMap"]

# struct bpf_devmap_val and struct bpf_cpumap_val, include/uapi/linux/bpf.h: a number, then the program's descriptor as
# it is written, its id as it is read.
_WITH_PROGRAM = struct.Struct("=Ii")
_NUMBER = struct.Struct("=I")


def _interface(thing: Any) -> int:
    if not isinstance(thing, str):
        return int(thing)
    import socket

    try:
        return socket.if_nametoindex(thing)
    except OSError:
        raise ArgumentError(f"there is no network device called {thing!r}") from None


def _number(thing: Any) -> int:
    return int(thing)


def _target(size: int, number: Any, what: str) -> Codec:
    """A number, or a pair of it and a program where the value has room for one."""

    def encode(thing: Any) -> bytes:
        target, program = thing if isinstance(thing, tuple) and len(thing) == 2 else (thing, None)
        try:
            if size == _NUMBER.size:
                if program is not None:
                    raise ArgumentError(f"{what} {thing!r} has a program: make the map with programs=True")
                return _NUMBER.pack(number(target))
            return _WITH_PROGRAM.pack(number(target), 0 if program is None else descriptor(program))
        except (struct.error, TypeError, ValueError) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError(f"{what} {thing!r} is not a number, nor a pair of it and a program: {error}") from None

    if size == _NUMBER.size:
        return Codec(what, size, encode, lambda data: _NUMBER.unpack(data)[0], dtype="=u4")
    return Codec(f"{what} and program", size, encode, _WITH_PROGRAM.unpack, dtype="=u4, =i4")


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
        value = self._target_codec(_WITH_PROGRAM.size if programs else _NUMBER.size)
        self._create(codec("u32", "key"), value, max_entries, flags, name=name, pin=pin, adapt=adapt)

    @classmethod
    def _target_codec(cls, size: int) -> Codec:
        return _target(size, _interface, "device")

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
        return _target(size, _number, "queue length")


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
