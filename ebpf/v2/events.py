"""Events from programs: ring buffers, perf buffers, and whichever of them the kernel has."""

from __future__ import annotations

import threading

from ebpf import uapi
from ebpf.core.codec import Codec, codec
from ebpf.core.events.consumer import Consumer, decoder
from ebpf.core.events.memory import PAGE
from ebpf.core.events.poller import Poller
from ebpf.errors import ArgumentError
from ebpf.stability import beta
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from typing_extensions import Self

    from ebpf.core.codec import Kind
    from ebpf.core.events.ring import RingReader
    from ebpf.core.map import MapCore

__all__ = ["NOTHING", "EventBuffer", "Poller", "RingBuffer", "event_buffer"]

NOTHING = Codec("nothing", 0, bytes, bytes)
"""The type of keys and values of maps that have none."""
_ALL = 2**31 - 1
_making = threading.Lock()


@beta
class EventBuffer(Map):
    """What a ring buffer and a perf buffer have in common: events, typed, waited for or not.

    ::

        with v2.RingBuffer(1 << 20, value="u64") as events:
            for event in events:                 # as they come; ends when another thread closes the buffer
                print(event)

            events.poll(1.0)                     # a list of what is there, after a second at most
            events.consume(print)                # calls back for what is there

            async for event in events:           # with asyncio
                print(event)

    Several threads may consume at once, each event goes to one of them. After fork(2) parent and child share the
    events. What a program sends and who reads it must agree on the type; without `value` events are bytes.

    Attributes: ``event_type`` is the `Codec` of an event, ``None`` for bytes; ``helper`` the function by which programs
    send.
    """

    __slots__ = ("_consumer", "event_type")

    helper = ""
    event_type: Codec | None

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        self._consumer: Consumer | None = None

    @classmethod
    def _from_core(cls, core: MapCore, key: Kind | None, value: Kind | None) -> Self:
        made = super()._from_core(core, None, None)
        made.event_type = None if value is None else codec(value, "event")
        return made

    def _consume(self) -> Consumer:
        raise NotImplementedError

    @property
    def consumer(self) -> Consumer:
        """What reads the events; it maps the memory when it is first asked for. Raises `ClosedError`."""
        if self._consumer is None:
            with _making:
                if self._consumer is None:
                    _ = self.core.fd  # raises when it is closed
                    self._consumer = self._consume()
        return self._consumer

    @property
    def lost(self) -> int | None:
        """How many events found no room, as far as the kernel has told; ``None`` where it does not count them."""
        return None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is an event.

        Parameters:
            timeout: seconds, ``None`` for ever.

        Returns whether there is one; not so when the time is over or the buffer is closed meanwhile.
        """
        return self.consumer.wait(timeout)

    def poll(self, timeout: float | None = None, most: int = _ALL) -> list[Any]:
        """The events that are there, waiting for the first.

        Parameters:
            timeout: seconds to wait, 0 not to wait, ``None`` for ever.
            most: how many to return; the others stay.

        Raises `ArgumentError` for an event that is shorter than its type, `CorruptBufferError`, `ClosedError`.
        """
        return self.consumer.poll(timeout, most)

    def consume(self, callback: Callable[[Any], object], most: int = _ALL, *, view: bool = False) -> int:
        """Call back for each event that is there, without waiting; returns how many there were.

        Parameters:
            callback: called with each event. What it raises ends the call; the event counts as consumed.
            most: how many at most.
            view: give it a `memoryview` of the shared memory, not copied and not decoded, that ends with the call.

        Raises as `poll`.
        """
        return self.consumer.consume(callback, most, view=view)

    def __iter__(self) -> Iterator[Any]:
        """Events as they come; ends when the buffer is closed."""
        return iter(self.consumer)

    def __aiter__(self) -> AsyncIterator[Any]:
        """Events as they come, with asyncio; ends when the buffer is closed."""
        return self.consumer.__aiter__()

    def close(self) -> None:
        """Close it; whoever waits or iterates, in whichever thread, stops. Closing twice is fine."""
        if getattr(self, "_consumer", None) is not None:
            self.consumer.close()
        super().close()

    def _types(self) -> str:
        return "bytes" if self.event_type is None else self.event_type.name


@beta
class RingBuffer(EventBuffer):
    """A ring buffer from programs to user space, ``BPF_MAP_TYPE_RINGBUF``. Needs Linux 5.8.

    One buffer for all CPUs, which keeps the order. Programs send with ``bpf_ringbuf_output``, or
    ``bpf_ringbuf_reserve`` and ``bpf_ringbuf_submit``, and are told when there is no room: the kernel counts nothing.

    Parameters:
        size: in bytes, a power of two, whole pages; each event takes 8 bytes besides its own, and is padded to 8.
        value: the type of an event (see `ebpf.core.codec.codec`); without it, bytes.
        overwrite: let new events overwrite the oldest instead of being refused. Needs Linux 6.19.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_RINGBUF"
    helper = "bpf_ringbuf_output"

    def __init__(
        self,
        size: int,
        value: Kind | None = None,
        *,
        overwrite: bool = False,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self.event_type = None if value is None else codec(value, "event")
        flags |= uapi.BPF_F_RB_OVERWRITE if overwrite else 0
        self._create(NOTHING, NOTHING, size, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt)

    def _consume(self) -> Consumer:
        from ebpf.core.events.ring import RingReader

        return Consumer(RingReader(self.core), decoder(self.event_type))

    @property
    def available(self) -> int:
        """Bytes that wait to be read."""
        reader: RingReader = self.consumer.source  # type: ignore[assignment]  # of _consume()
        return reader.available


@beta
def event_buffer(size: int, value: Kind | None = None, *, name: str = "", adapt: bool = True) -> EventBuffer:
    """A `RingBuffer`, or a `PerfBuffer` where the kernel has none (before Linux 5.8); ``.adaptations`` says which.

    Programs must send with what the buffer's ``helper`` names.

    Parameters:
        size: in bytes, a power of two, whole pages; a perf buffer has a part of it for each CPU.
        value: the type of an event; without it, bytes.
        name: of the map.
        adapt: whether a perf buffer will do.

    Raises `UnsupportedFeatureError` with ``adapt=False`` on an older kernel.
    """
    from ebpf.core.adaptation import adapt as adapted
    from ebpf.errors import UnsupportedFeatureError
    from ebpf.v2.perf import PerfBuffer, cpus

    if size < PAGE or size & (size - 1):
        raise ArgumentError(f"size is {size}: give a power of two of bytes, {PAGE} or more")
    try:
        return RingBuffer(size, value, name=name, adapt=adapt)
    except UnsupportedFeatureError:
        if not adapt:
            raise
    share = max(size // cpus() // PAGE, 1)
    buffer = PerfBuffer(value, pages=1 << (share.bit_length() - 1), name=name)
    adapted(buffer.core, "ring_buffer")
    return buffer
