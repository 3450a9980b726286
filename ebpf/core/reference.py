"""File descriptors as keys and values of maps: what user space writes to name an object of the kernel."""

from __future__ import annotations

import contextlib
import os

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["descriptor", "opened", "reference"]


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
