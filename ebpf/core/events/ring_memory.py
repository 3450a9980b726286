"""The memory of a ring buffer, whoever writes to it.

The layout (kernel/bpf/ringbuf.c, struct bpf_ringbuf; include/uapi/linux/bpf.h, BPF_RINGBUF_*): a page with the
consumer's position; a page with the producer's; then the data twice in a row, so that no record wraps. Each side may
write its own part only. A record is a header of 8 bytes (length with a busy and a discard bit, an offset) and its
bytes, padded to 8. Positions only grow; modulo the size they are places in the data.
"""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.events.memory import PAGE, POSITION_MASK, corrupt, positions, shared, unmap
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore

__all__ = ["BUSY", "DISCARD", "HEADER", "LENGTH", "RingMemory"]

BUSY = uapi.BPF_RINGBUF_BUSY_BIT
DISCARD = uapi.BPF_RINGBUF_DISCARD_BIT
LENGTH = ~(BUSY | DISCARD) & 0xFFFFFFFF
HEADER = uapi.BPF_RINGBUF_HDR_SZ


class RingMemory:
    """Positions, data and headers of a ring buffer, mapped.

    Parameters:
        core: the map.
        wanted: its type, ``BPF_MAP_TYPE_RINGBUF`` or ``BPF_MAP_TYPE_USER_RINGBUF``.

    Attributes: ``consumer[0]`` and ``producer[0]`` are the positions, behind the producer's pending_pos and
    overwrite_pos; ``data`` the bytes, twice; ``headers`` the same as numbers of 32 bits; ``mask`` makes a position a
    place in the data.
    """

    __slots__ = ("_maps", "consumer", "core", "data", "headers", "mask", "producer", "what")

    def __init__(self, core: MapCore, wanted: str) -> None:
        from ebpf.core import rules

        self.what = "the ring buffer" if wanted == "BPF_MAP_TYPE_RINGBUF" else "the user ring buffer"
        if rules.map_type_name(core.map_type) != wanted:
            raise ArgumentError(f"a {wanted} is wanted, this map is a {rules.map_type_name(core.map_type)}")
        size = core.max_entries
        reading = wanted == "BPF_MAP_TYPE_RINGBUF"
        consumer = shared(core.fd, PAGE, 0, writable=reading, what=self.what)
        try:
            producer = shared(core.fd, PAGE + 2 * size, PAGE, writable=not reading, what=self.what)
        except BaseException:
            consumer.close()
            raise
        self.core = core
        self.mask = size - 1
        self._maps = (consumer, producer)
        self.consumer = positions(consumer, 1)
        self.producer = positions(producer, 3)
        self.data = memoryview(producer)[PAGE:]
        self.headers = self.data.cast("I")

    @property
    def size(self) -> int:
        """Bytes of the data."""
        return self.mask + 1

    def used(self) -> tuple[int, int]:
        """The producer's position, and how many bytes lie between the consumer's and that.

        Raises `CorruptBufferError` when the two do not go together.
        """
        position, end = self.consumer[0], self.producer[0]
        used = (end - position) & POSITION_MASK
        if (position | end) & 7 or used > self.mask + 1:
            raise corrupt(self.what, position, f"the producer is at {end}")
        return end, used

    def close(self) -> None:
        """Unmap it; views of it that are still in use keep their part until they are released."""
        for view in (self.consumer, self.producer, self.headers, self.data):
            view.release()
        for memory in self._maps:
            unmap(memory)
