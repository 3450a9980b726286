"""Events from programs, CPU by CPU: the perf buffer, as kernels before ring buffers have it."""

from __future__ import annotations

import os

from ebpf.core.codec import codec
from ebpf.core.events.consumer import Consumer, decoder
from ebpf.core.events.perf import PerfReader
from ebpf.core.map import MapCore
from ebpf.stability import beta
from ebpf.v2.events import EventBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.codec import Kind
    from ebpf.v2.map import Map

__all__ = ["PerfBuffer", "Sample", "cpus"]


def cpus() -> int:
    """How many CPUs a perf buffer has a place for."""
    from ebpf.core.percpu import possible_cpus

    return possible_cpus()


@beta
class Sample:
    """An event of a perf buffer with its circumstances: ``value``, ``cpu``, ``time`` (ns of CLOCK_MONOTONIC)."""

    __slots__ = ("cpu", "time", "value")

    def __init__(self, value: Any, cpu: int, time: int) -> None:
        self.value = value
        self.cpu = cpu
        self.time = time

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sample):
            return NotImplemented
        return (self.value, self.cpu, self.time) == (other.value, other.cpu, other.time)

    __hash__ = None  # type: ignore[assignment]  # its value may be anything

    def __repr__(self) -> str:
        return f"Sample({self.value!r}, cpu={self.cpu}, time={self.time})"


@beta
class PerfBuffer(EventBuffer):
    """A perf event array with a ring for each CPU, ``BPF_MAP_TYPE_PERF_EVENT_ARRAY``. Needs Linux 4.3.

    Programs send with ``bpf_perf_event_output`` and ``BPF_F_CURRENT_CPU``. Events of one CPU keep their order; the
    kernel counts those that find no room. Raw data is padded by the kernel to 4 bytes more than a multiple of 8: events
    without a type are that much longer.

    Parameters:
        value: the type of an event (see `ebpf.core.codec.codec`); without it, bytes.
        pages: of the ring of each CPU, a power of two.
        wakeup: after how many events of a CPU who waits is woken: more of them cost less and come later.
        timestamps: give each event as a `Sample`, with its CPU and time.
        name, pin, adapt: as for `KeyedMap`.

    Raises `PermissionDeniedError` without CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8).
    """

    __slots__ = ("_options",)
    TYPE = "BPF_MAP_TYPE_PERF_EVENT_ARRAY"
    helper = "bpf_perf_event_output"

    def __init__(
        self,
        value: Kind | None = None,
        *,
        pages: int = 16,
        wakeup: int = 1,
        timestamps: bool = False,
        name: str = "",
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self.event_type = None if value is None else codec(value, "event")
        number = codec("u32")
        self._create(number, number, cpus(), 0, name=name, pin=pin, adapt=adapt)
        self._options = (pages, wakeup, timestamps)
        try:
            _ = self.consumer  # nothing can be sent before the rings are there
        except BaseException:
            self.close()
            raise

    @classmethod
    def over(
        cls,
        array: Map | MapCore,
        value: Kind | None = None,
        *,
        pages: int = 16,
        wakeup: int = 1,
        timestamps: bool = False,
    ) -> PerfBuffer:
        """Read what is sent to a perf event array that is there already, that of a loaded object for example.

        Parameters: `array`, which is not closed with the buffer; the others as for the class.
        """
        number = codec("u32")
        made = cls.__new__(cls)
        made._attach(MapCore.from_fd(os.dup(array.fileno())), number, number)
        made.event_type = None if value is None else codec(value, "event")
        made._options = (pages, wakeup, timestamps)
        try:
            _ = made.consumer
        except BaseException:
            made.close()
            raise
        return made

    def _consume(self) -> Consumer:
        pages, wakeup, timestamps = self._options
        reader = PerfReader(self.core, pages, wakeup=wakeup, timestamps=timestamps)
        decode = decoder(self.event_type)
        return Consumer(reader, _sampled(reader, decode) if timestamps else decode)

    @property
    def reader(self) -> PerfReader:
        """The rings."""
        reader: PerfReader = self.consumer.source  # type: ignore[assignment]  # of _consume()
        return reader

    @property
    def lost(self) -> int:
        """How many events found no room, as far as the kernel has told: it does with the next event that fits."""
        return self.reader.lost

    @property
    def lost_by_cpu(self) -> dict[int, int]:
        """The same for each CPU."""
        return self.reader.lost_by_cpu


def _sampled(reader: PerfReader, decode: Callable[[Any], Any]) -> Callable[[Any], Sample]:
    return lambda view: Sample(decode(view), reader.cpu, reader.time)
