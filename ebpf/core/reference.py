"""File descriptors as keys and values of maps: what user space writes to name an object of the kernel."""

from __future__ import annotations

import contextlib
import os
import struct

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["descriptor", "interface", "opened", "reference", "target"]

# struct bpf_devmap_val and struct bpf_cpumap_val, include/uapi/linux/bpf.h: a number, then the program's descriptor as
# it is written, its id as it is read.
_WITH_PROGRAM = struct.Struct("=Ii")
_NUMBER = struct.Struct("=I")


def descriptor(thing: Any, what: str = "value") -> int:
    """The file descriptor of anything with ``fileno()``, or a number that is one. Raises `ArgumentError`."""
    if isinstance(thing, int) and not isinstance(thing, bool):
        number = thing
    elif hasattr(thing, "fileno"):
        number = thing.fileno()
    else:
        raise ArgumentError(f"{what} {thing!r} has no file descriptor: give an open object, or the number of one")
    if not 0 <= number < 2**31:
        raise ArgumentError(f"{what} {thing!r} is no file descriptor: it is {number}")
    return number


def reference(size: int, what: str = "value") -> Codec:
    """The codec of values that are written as a file descriptor and read as an id or cookie.

    Parameters:
        size: 4 or 8 bytes.
    """

    def encode(thing: Any) -> bytes:
        import sys

        return descriptor(thing, what).to_bytes(size, sys.byteorder)

    def decode(data: bytes) -> int:
        import sys

        return int.from_bytes(data, sys.byteorder)

    return Codec("fd", size, encode, decode, alignment=size, dtype=f"=u{size}")


def interface(thing: Any) -> int:
    """The index of a network device, of its name or index. Raises `ArgumentError`."""
    if not isinstance(thing, str):
        return int(thing)
    import socket

    try:
        return socket.if_nametoindex(thing)
    except OSError:
        raise ArgumentError(f"there is no network device called {thing!r}") from None


def target(size: int, number: Callable[[Any], int], what: str) -> Codec:
    """The codec of a number, or a pair of it and a program where the value has room for one.

    Parameters:
        size: 4 bytes, or 8 with a program.
        number: makes the number of what is given.
    """

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


@contextlib.contextmanager
def opened(thing: Any) -> Iterator[int]:
    """The file descriptor of an open object; for a path one that is opened, and closed again afterwards."""
    if not isinstance(thing, (str, bytes, os.PathLike)):
        yield descriptor(thing, "key")
        return
    try:
        # A directory of cgroups wants more than O_PATH (kernel/cgroup/cgroup.c, cgroup_v1v2_get_from_fd()).
        fd = os.open(thing, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ArgumentError(f"{os.fsdecode(thing)} cannot be opened: {error.strerror}") from None
    try:
        yield fd
    finally:
        os.close(fd)
