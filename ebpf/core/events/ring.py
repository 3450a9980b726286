"""BPF_MAP_TYPE_RINGBUF: reading what programs put into a ring buffer."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.events.memory import POSITION_MASK, barrier, corrupt, release
from ebpf.core.events.ring_memory import BUSY, DISCARD, HEADER, LENGTH, RingMemory
from ebpf.twin import extension

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.map import MapCore

__all__ = ["RingReader", "twin"]

twin = extension
"""What reads records in C; `None` where it was not built."""


class RingReader:
    """The consumer's side of a ring buffer.

    Not safe for two threads at once: `ebpf.core.events.consumer.Consumer` sees to that.

    Parameters:
        core: the map; it must stay open as long as there is anything to wait for.
    """

    __slots__ = ("memory", "overwrite")

    every: float | None = None
    lost: int | None = None
    """The kernel does not count what finds no room: the program is told (bpf_ringbuf_output() returns -EAGAIN)."""

    def __init__(self, core: MapCore) -> None:
        self.memory = RingMemory(core, "BPF_MAP_TYPE_RINGBUF")
        self.overwrite = bool(core.flags & uapi.BPF_F_RB_OVERWRITE)

    @property
    def available(self) -> int:
        """Bytes that are waiting to be read, headers included."""
        consumer, producer = self.memory.consumer, self.memory.producer
        start = max(consumer[0], producer[2]) if self.overwrite else consumer[0]
        return int(producer[0] - start) & POSITION_MASK

    def watch(self, epoll: select.epoll) -> None:
        """Readable when there are records (kernel/bpf/ringbuf.c, ringbuf_map_poll_kern())."""
        epoll.register(self.memory.core.fd, 1)  # EPOLLIN

    def take(self, most: int, decode: Callable[[Any], Any], into: Callable[[Any], object]) -> int:
        """Give up to `most` records to `into`, each as `decode` makes it of its bytes.

        `decode` may say in an attribute ``number`` that it makes an unsigned number of so many bytes.
        """
        if twin is not None and not self.overwrite:
            memory = self.memory
            size = getattr(decode, "number", 0)
            made_of = None if decode is bytes else decode
            ring = memory.consumer, memory.producer, memory.data
            taken: int = twin.ring_take(*ring, most, size, made_of, into)
            if taken >= 0:
                return taken
            most = 1  # the memory makes no sense: found again and said below
        return self.drain(lambda view: into(decode(view)), most)

    def drain(self, deliver: Callable[[memoryview], object], most: int) -> int:
        """Give up to `most` records to `deliver`, each as a view of the shared memory that ends with the call.

        A record counts as read even when `deliver` raises. Returns how many were delivered. Raises
        `CorruptBufferError`.
        """
        if self.overwrite:
            return self._drain_overwritten(deliver, most)
        memory = self.memory
        data, headers, mask, consumer = memory.data, memory.headers, memory.mask, memory.consumer
        position, count = consumer[0], 0
        end, _ = memory.used()
        barrier()
        while count < most:
            if position == end:
                end, used = memory.used()
                if not used:
                    break
            header = headers[(position & mask) >> 2]
            if header & BUSY:
                break  # a program is writing it; what is behind it waits, so that the order is kept
            barrier()
            length = header & LENGTH
            start = (position & mask) + HEADER
            position = self._after(position, length, end)
            if header & DISCARD:
                consumer[0] = position
                continue
            count += 1
            view = data[start : start + length]
            try:
                deliver(view)
            finally:
                barrier()
                consumer[0] = position
                release(view)
        return count

    def _after(self, position: int, length: int, end: int) -> int:
        """Where the next record is behind this one, which must lie within what was produced."""
        step = (length + HEADER + 7) & ~7
        if step > (end - position) & POSITION_MASK:
            raise corrupt(self.memory.what, position, f"a record of {length} bytes does not fit before {end}")
        return (position + step) & POSITION_MASK

    def _drain_overwritten(self, deliver: Callable[[memoryview], object], most: int) -> int:
        """The same where the kernel overwrites the oldest records (BPF_F_RB_OVERWRITE).

        It moves overwrite_pos past a record before it reuses the record's memory: what was copied counts only when
        overwrite_pos is not past it afterwards.
        """
        memory = self.memory
        data, headers, mask = memory.data, memory.headers, memory.mask
        consumer, producer = memory.consumer, memory.producer
        count = 0
        while count < most:
            end = producer[0]
            barrier()
            position = max(consumer[0], producer[2])
            if position >= end:
                break
            header = headers[(position & mask) >> 2]
            length = header & LENGTH
            start = (position & mask) + HEADER
            record = bytes(data[start : start + min(length, mask + 1)])
            barrier()
            if producer[2] > position:
                continue  # overwritten meanwhile: what was read is of no use
            if header & BUSY:
                break
            consumer[0] = self._after(position, length, end)
            if not header & DISCARD:
                count += 1
                deliver(memoryview(record))
        return count

    def close(self) -> None:
        """Unmap the memory."""
        self.memory.close()
