"""BPF_MAP_TYPE_PERF_EVENT_ARRAY: reading what programs put into the rings of the CPUs."""

from __future__ import annotations

import errno
import struct
import time

from ebpf import uapi
from ebpf.core.events.perf_event import PerfEvent
from ebpf.errors import ArgumentError, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.map import MapCore

__all__ = ["PerfReader", "online"]

_ONLINE = "/sys/devices/system/cpu/online"
_U32 = struct.Struct("=I")


def online() -> list[int]:
    """The numbers of the CPUs that are online."""
    from ebpf.host.files import Files

    cpus: list[int] = []
    for part in (Files().text(_ONLINE) or "0").strip().split(","):
        first, _, last = part.partition("-")
        cpus += range(int(first), int(last or first) + 1)
    return cpus


class PerfReader:
    """The consumer's side of a perf event array: a ring for each CPU that is online.

    CPUs that go offline take their ring with them once it is read; those that come online get one. Not safe for two
    threads at once: `ebpf.core.events.consumer.Consumer` sees to that.

    Parameters:
        core: the map. Its elements are the CPUs, and are written here.
        pages: of each ring, a power of two.
        wakeup: after how many events of a CPU who waits is woken.
        timestamps: whether the kernel notes CLOCK_MONOTONIC with each event.

    Attributes: ``cpu`` and ``time`` (in ns, 0 without timestamps) are those of the event being delivered.
    """

    every = 1.0
    """Seconds: how often CPUs that came or went are looked for."""

    __slots__ = ("_core", "_epoll", "_events", "_gone", "_looked", "_pages", "_timestamps", "_wakeup", "cpu", "time")

    def __init__(self, core: MapCore, pages: int, *, wakeup: int = 1, timestamps: bool = False) -> None:
        if core.map_type != uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY:
            from ebpf.core import rules

            raise ArgumentError(f"a perf event array is wanted, this map is a {rules.map_type_name(core.map_type)}")
        if pages < 1 or pages & (pages - 1):
            raise ArgumentError(f"pages is {pages}: the ring of a CPU has a power of two of pages (1, 2, 4 …)")
        if not 0 < wakeup < 2**32:
            raise ArgumentError(f"wakeup is {wakeup}: give the number of events to wake up after, 1 or more")
        self._core = core
        self._pages = pages
        self._wakeup = wakeup
        self._timestamps = timestamps
        self._events: dict[int, PerfEvent] = {}
        self._epoll: select.epoll | None = None
        self._gone = 0
        self.cpu = self.time = 0
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    @property
    def cpus(self) -> list[int]:
        """The CPUs that have a ring."""
        return sorted(self._events)

    @property
    def lost(self) -> int:
        """How many events the kernel had no room for, as far as it has told: it does with the next event that fits."""
        return self._gone + sum(event.lost for event in self._events.values())

    @property
    def lost_by_cpu(self) -> dict[int, int]:
        """The same for each CPU that has a ring."""
        return {cpu: event.lost for cpu, event in sorted(self._events.items())}

    def _look(self) -> None:
        """Open a ring for each CPU that is online and has none."""
        self._looked = time.monotonic()
        for cpu in online():
            if cpu not in self._events and cpu < self._core.max_entries:
                self._open(cpu)

    def _open(self, cpu: int) -> None:
        try:
            event = PerfEvent(cpu, self._pages, self._wakeup, self._timestamps)
        except SyscallError as error:
            if error.errno == errno.ENODEV:
                return  # it went offline just now
            raise
        try:
            self._core.update(_U32.pack(cpu), _U32.pack(event.fd))
            if self._epoll is not None:
                self._epoll.register(event.fd, 1)
        except BaseException:
            event.close()
            raise
        self._events[cpu] = event

    def _drop(self, event: PerfEvent) -> None:
        """Forget the ring of a CPU that is not online any more."""
        del self._events[event.cpu]
        self._gone += event.lost
        event.close()  # epoll and the map forget it with its last descriptor

    def watch(self, epoll: select.epoll) -> None:
        """Readable when a CPU's ring has `wakeup` events."""
        self._epoll = epoll
        for event in self._events.values():
            epoll.register(event.fd, 1)  # EPOLLIN

    def drain(self, deliver: Callable[[memoryview], object], most: int) -> int:
        """Give up to `most` events to `deliver`, each as a view that ends with the call. Returns how many.

        Raises `CorruptBufferError`.
        """

        def given(view: memoryview, when: int) -> None:
            self.time = when
            deliver(view)

        count = 0
        for event in tuple(self._events.values()):
            self.cpu = event.cpu
            count += event.drain(given, most - count)
            if count == most:
                return count
        if time.monotonic() - self._looked > self.every:
            self._hotplug()
        return count

    def _hotplug(self) -> None:
        present = set(online())
        for event in tuple(self._events.values()):
            if event.cpu not in present:
                self._drop(event)
        self._look()

    def take(self, most: int, decode: Callable[[Any], Any], into: Callable[[Any], object]) -> int:
        """Give up to `most` events to `into`, each as `decode` makes it of its bytes."""
        return self.drain(lambda view: into(decode(view)), most)

    def close(self) -> None:
        """Close the rings. Programs that send to them are told (ENOENT)."""
        for event in tuple(self._events.values()):
            event.close()
        self._gone += sum(event.lost for event in self._events.values())
        self._events.clear()
