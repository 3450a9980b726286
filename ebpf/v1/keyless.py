"""v1's maps without keys: queue, stack, bloom filter, ring buffers."""

from __future__ import annotations

import abc

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.map import MapCore
from ebpf.stability import stable
from ebpf.v1.map import WriteOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ebpf.core.events.consumer import Consumer
    from ebpf.core.events.user_ring import RingWriter

__all__ = ["BloomFilter", "KeylessMap", "Queue", "RingBuffer", "Stack", "UserRingBuffer"]


@stable
class KeylessMap(abc.ABC):
    """What every map without keys can do: close."""

    _core: MapCore

    def close(self) -> None:
        """Close the map. The kernel frees it when nothing else holds it. Closing twice is fine."""
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether the map is closed."""
        return self._core.closed

    def fileno(self) -> int:
        """The map's file descriptor. Raises `ebpf.errors.ClosedError` when the map is closed."""
        return self._core.fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        self._core.refuse_pickling(self)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"fd {self._core.fd}"
        return f"<{type(self).__name__}, max_entries {self._core.max_entries}, {state}>"


class _Pile(KeylessMap):
    def __init__(self, max_entries: int, value: str | int = "u32") -> None:
        self._value = codec(value, "value")
        self._core = MapCore(self._number(), 0, self._value.size, max_entries)

    @staticmethod
    @abc.abstractmethod
    def _number() -> int:
        """The map type."""

    def push(self, value: Any, option: WriteOption = WriteOption.CREATE_OR_UPDATE_ENTRY) -> None:
        """Put a value in: one ``BPF_MAP_UPDATE_ELEM``.

        With ``WriteOption.UPDATE_ENTRY`` the oldest is dropped when there is no room; else
        `ebpf.errors.MapFullError` is raised.
        """
        self._core.update(b"", self._value.encode(value), int(option))

    def peek(self) -> Any:
        """The value that `pop` would take: one ``BPF_MAP_LOOKUP_ELEM``. Raises `ebpf.errors.KeyMissingError`."""
        return self._value.decode(self._core.lookup(b""))

    def pop(self) -> Any:
        """Take a value out: one ``BPF_MAP_LOOKUP_AND_DELETE_ELEM``.

        Raises `ebpf.errors.KeyMissingError` when there is none.
        """
        return self._value.decode(self._core.lookup_and_delete(b""))


@stable
class Queue(_Pile):
    """First in, first out, ``BPF_MAP_TYPE_QUEUE``. Needs Linux 4.20.

    Parameters:
        max_entries: how many values it may hold.
        value: their type, as for `HashMap`.
    """

    @staticmethod
    def _number() -> int:
        return uapi.BPF_MAP_TYPE_QUEUE


@stable
class Stack(_Pile):
    """Last in, first out, ``BPF_MAP_TYPE_STACK``. Needs Linux 4.20. Parameters as for `Queue`."""

    @staticmethod
    def _number() -> int:
        return uapi.BPF_MAP_TYPE_STACK


@stable
class BloomFilter(KeylessMap):
    """A set that says of a value *surely not* or *maybe*, ``BPF_MAP_TYPE_BLOOM_FILTER``. Needs Linux 5.16.

    Parameters:
        max_entries: how many values it is made for.
        value: their type, as for `HashMap`.
        hashes: how many hash functions, 1 to 15; the kernel takes 5 for 0.
    """

    def __init__(self, max_entries: int, value: str | int = "u32", hashes: int = 0) -> None:
        self._value = codec(value, "value")
        number = uapi.BPF_MAP_TYPE_BLOOM_FILTER
        self._core = MapCore(number, 0, self._value.size, max_entries, map_extra=hashes)

    def push(self, value: Any) -> None:
        """Put a value in: one ``BPF_MAP_UPDATE_ELEM``."""
        self._core.update(b"", self._value.encode(value))

    def __contains__(self, value: object) -> bool:
        """Whether the value may have been put in; false is sure. One ``BPF_MAP_LOOKUP_ELEM``."""
        return self._core.holds(self._value.encode(value))


@stable
class RingBuffer(KeylessMap):
    """A ring buffer from programs to user space, ``BPF_MAP_TYPE_RINGBUF``. Needs Linux 5.8.

    Parameters:
        size: in bytes, a power of two, whole pages.

    `ebpf.v2.RingBuffer` has more ways to read one.
    """

    def __init__(self, size: int) -> None:
        self._core = MapCore(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, size)
        self._consumer: Consumer | None = None

    def _events(self) -> Consumer:
        if self._consumer is None:
            from ebpf.core.events.consumer import Consumer
            from ebpf.core.events.ring import RingReader

            self._consumer = Consumer(RingReader(self._core))
        return self._consumer

    def poll(self, timeout: float | None = None) -> list[bytes]:
        """The events that are there, waiting `timeout` seconds for the first: 0 not to wait, ``None`` for ever."""
        return self._events().poll(timeout)

    def consume(self, callback: Callable[[bytes], object]) -> int:
        """Call back with each event that is there, without waiting; returns how many there were."""
        return self._events().consume(callback)

    def close(self) -> None:
        """Close the map; who waits in another thread stops. Closing twice is fine."""
        if self._consumer is not None:
            self._consumer.close()
        super().close()


@stable
class UserRingBuffer(KeylessMap):
    """A ring buffer from user space to programs, ``BPF_MAP_TYPE_USER_RINGBUF``. Needs Linux 6.1.

    Parameters:
        size: in bytes, a power of two, whole pages.

    `ebpf.v2.UserRingBuffer` has more ways to write to one.
    """

    def __init__(self, size: int) -> None:
        self._core = MapCore(uapi.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, size)
        self._writer: RingWriter | None = None

    def send(self, data: bytes) -> None:
        """Send a record, which programs read with ``bpf_user_ringbuf_drain``.

        Raises `ebpf.errors.MapFullError` when there is no room before programs have read.
        """
        if self._writer is None:
            from ebpf.core.events.user_ring import RingWriter

            self._writer = RingWriter(self._core)
        room = self._writer.reserve(len(data))
        if room is None:
            raise self._writer.full(len(data))
        with room as view:
            view[:] = data

    def close(self) -> None:
        """Close the map. Closing twice is fine."""
        if self._writer is not None:
            self._writer.close()
        super().close()
