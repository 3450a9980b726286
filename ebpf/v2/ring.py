"""The maps behind ring buffers, without what reads and writes them."""

from __future__ import annotations

from ebpf.core.codec import Codec
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

__all__ = ["RingBufferMap", "UserRingBufferMap"]


class RingBufferMap(Map):
    """A ring buffer from programs to user space, ``BPF_MAP_TYPE_RINGBUF``. Needs Linux 5.8.

    Parameters:
        size: in bytes, a power of two, whole pages.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_RINGBUF"

    def __init__(
        self,
        size: int,
        *,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        nothing = Codec("nothing", 0, bytes, bytes)
        self._create(nothing, nothing, size, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt)

    def _types(self) -> str:
        return "bytes"


class UserRingBufferMap(RingBufferMap):
    """A ring buffer from user space to programs, ``BPF_MAP_TYPE_USER_RINGBUF``. Needs Linux 6.1."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_USER_RINGBUF"
