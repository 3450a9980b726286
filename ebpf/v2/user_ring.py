"""Records from user space to programs: the user ring buffer."""

from __future__ import annotations

import time

from ebpf.core.codec import codec
from ebpf.core.events.user_ring import Reservation, RingWriter
from ebpf.core.events.waiter import Waiter
from ebpf.errors import ArgumentError
from ebpf.stability import beta
from ebpf.v2.events import NOTHING
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from typing_extensions import Self

    from ebpf.core.codec import Codec, Kind
    from ebpf.core.map import MapCore

__all__ = ["UserRingBuffer"]

_AGAIN = 0.001  # seconds: there is room, but not enough of it


@beta
class UserRingBuffer(Map):
    """A ring buffer from user space to programs, ``BPF_MAP_TYPE_USER_RINGBUF``. Needs Linux 6.1.

    Programs read it with ``bpf_user_ringbuf_drain``. Any thread may send.

    ::

        with v2.UserRingBuffer(4096, value="u64") as commands:
            commands.send(7)
            with commands.reserve(16) as room:      # a memoryview; sent when the block is left, not after an exception
                room[:4] = b"data"

    Parameters:
        size: in bytes, a power of two, whole pages; each record takes 8 bytes besides its own, and is padded to 8.
        value: the type of a record; without it, bytes.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ("_waiter", "_writer", "event_type")
    TYPE = "BPF_MAP_TYPE_USER_RINGBUF"

    def __init__(
        self,
        size: int,
        value: Kind | None = None,
        *,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self.event_type = None if value is None else codec(value, "record")
        self._create(NOTHING, NOTHING, size, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt)

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        self._writer: RingWriter | None = None
        self._waiter: Waiter | None = None

    @classmethod
    def _from_core(cls, core: MapCore, key: Kind | None, value: Kind | None) -> Self:
        made = super()._from_core(core, None, None)
        made.event_type = None if value is None else codec(value, "record")
        return made

    @property
    def writer(self) -> RingWriter:
        """What writes the records; it maps the memory when it is first asked for. Raises `ClosedError`."""
        if self._writer is None:
            _ = self.core.fd  # raises when it is closed
            self._writer = RingWriter(self.core)
            self._waiter = Waiter(self._writer.watch)
        return self._writer

    def reserve(self, size: int, timeout: float | None = 0) -> Reservation:
        """Room for a record of `size` bytes, to be written to and submitted.

        Parameters:
            size: in bytes.
            timeout: seconds to wait for a program to make room; 0 not to wait, ``None`` for ever.

        Raises `MapFullError` when there is no room in time, `ArgumentError` when the buffer is too small,
        `ClosedError`, `CorruptBufferError`.
        """
        writer = self.writer
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            room = writer.reserve(size)
            if room is not None:
                return room
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or self._waiter is None:
                raise writer.full(size)
            self._waiter.after_fork()
            if self._waiter.wait(left):
                time.sleep(_AGAIN)

    def send(self, value: Any, timeout: float | None = 0) -> None:
        """Send one record.

        Parameters:
            value: of the buffer's type; bytes without one.
            timeout: as for `reserve`, which says what is raised.
        """
        data = value if self.event_type is None else self.event_type.encode(value)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise ArgumentError(f"{data!r} is not bytes: give the buffer a type (value=…) to send other things")
        with self.reserve(len(data), timeout) as room:
            room[:] = data

    def close(self) -> None:
        """Close it. Room that was reserved and not submitted is given up. Closing twice is fine."""
        if getattr(self, "_writer", None) is not None:
            if self._waiter is not None:
                self._waiter.close()
            self.writer.close()
        super().close()

    def _types(self) -> str:
        return "bytes" if self.event_type is None else self.event_type.name
