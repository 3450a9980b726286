"""BPF_MAP_TYPE_USER_RINGBUF: putting records into a ring buffer that programs read with bpf_user_ringbuf_drain()."""

from __future__ import annotations

import os
import threading

from ebpf.core.events.memory import POSITION_MASK, barrier
from ebpf.core.events.ring_memory import BUSY, DISCARD, HEADER, RingMemory
from ebpf.errors import ArgumentError, ClosedError, MapFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from types import TracebackType

    from ebpf.core.map import MapCore

__all__ = ["Reservation", "RingWriter"]


class Reservation:
    """Room for one record: write to ``view``, then `submit` or `discard` it; a ``with`` block submits what went well.

    Programs read the records in the order in which they were reserved, and wait for one that is not submitted.
    """

    __slots__ = ("_index", "_length", "_writer", "view")

    def __init__(self, writer: RingWriter, view: memoryview, index: int, length: int) -> None:
        self._writer: RingWriter | None = writer
        self.view = view
        self._index = index
        self._length = length

    def submit(self) -> None:
        """Let programs read it. Raises `ClosedError` when it was submitted or discarded, or the buffer was closed."""
        self._end(self._length)

    def discard(self) -> None:
        """Have programs skip it. Raises as `submit`."""
        self._end(self._length | DISCARD)

    def _end(self, header: int) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            raise ClosedError("the reservation was submitted or discarded already")
        self.view.release()
        writer.publish(self._index, header)

    def __enter__(self) -> memoryview:
        return self.view

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            if kind is None:
                self.submit()
            else:
                self.discard()


class RingWriter:
    """The producer's side of a user ring buffer. Safe for threads.

    Parameters:
        core: the map.
    """

    __slots__ = ("_lock", "_pid", "closed", "memory")

    def __init__(self, core: MapCore) -> None:
        self.memory = RingMemory(core, "BPF_MAP_TYPE_USER_RINGBUF")
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self.closed = False

    def _alone(self) -> threading.Lock:
        if self._pid != os.getpid():  # a forked child: a thread that held the lock stayed in the parent
            self._lock, self._pid = threading.Lock(), os.getpid()
        return self._lock

    def watch(self, epoll: select.epoll) -> None:
        """Writable when there is any room (kernel/bpf/ringbuf.c, ringbuf_map_poll_user())."""
        epoll.register(self.memory.core.fd, 4)  # EPOLLOUT

    def reserve(self, size: int) -> Reservation | None:
        """Room for a record of `size` bytes, ``None`` when there is not enough at the moment.

        Raises `ArgumentError` when there never will be, `CorruptBufferError`, `ClosedError`.
        """
        memory = self.memory
        total = (size + HEADER + 7) & ~7
        if size < 0 or total > memory.size:
            raise ArgumentError(
                f"a record of {size} bytes does not fit: this ring buffer has {memory.size} bytes, {HEADER} of them go"
                " to each record's header"
            )
        with self._alone():
            if self.closed:
                raise ClosedError("the user ring buffer is closed")
            end, used = memory.used()
            if total > memory.size - used:
                return None
            barrier()
            start = end & memory.mask
            memory.headers[start >> 2] = size | BUSY
            memory.headers[(start >> 2) + 1] = 0
            barrier()
            memory.producer[0] = (end + total) & POSITION_MASK
            return Reservation(self, memory.data[start + HEADER : start + HEADER + size], start >> 2, size)

    def publish(self, index: int, header: int) -> None:
        """Write the header of a record that is complete."""
        with self._alone():
            if self.closed:
                raise ClosedError("the user ring buffer was closed before the record was submitted")
            barrier()
            self.memory.headers[index] = header

    def full(self, size: int) -> MapFullError:
        """The error when nothing was read for too long."""
        import errno

        return MapFullError(
            errno.ENOSPC,
            f"the user ring buffer has no room for {size} bytes: its {self.memory.size} bytes wait to be read by a"
            " program (bpf_user_ringbuf_drain)",
            "reserve",
        )

    def close(self) -> None:
        """Unmap the memory. Room that was reserved and not submitted can be neither any more."""
        with self._alone():
            if self.closed:
                return
            self.closed = True
            self.memory.close()
