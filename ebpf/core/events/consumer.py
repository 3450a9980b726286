"""Consuming events, whatever they come from: waiting, iterating, calling back, asyncio."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque

from ebpf.core.events.waiter import Waiter
from ebpf.errors import ArgumentError, ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType
    from typing import Any, Protocol

    from typing_extensions import Self

    from ebpf.core.codec import Codec

    class Source(Protocol):
        """What a consumer reads from."""

        @property
        def every(self) -> float | None:
            """After how many seconds it wants to be read even though there is nothing."""

        def watch(self, epoll: select.epoll) -> None:
            """Register what becomes readable with events."""

        def take(self, most: int, decode: Callable[[Any], Any], into: Callable[[Any], object]) -> int:
            """Give up to `most` records, decoded, to `into`; how many there were."""

        def drain(self, deliver: Callable[[memoryview], object], most: int) -> int:
            """Give up to `most` records to `deliver`, each as a view that ends with the call; how many there were."""

        def close(self) -> None:
            """Let go of the memory."""


__all__ = ["Consumer", "decoder"]

_AT_ONCE = 256  # records that an iteration takes out of the buffer at a time
_NUMBERS = ("=I", "=Q")
_BUSY_WAIT = 0.0001  # seconds: a program is still writing the record that comes next


def decoder(codec: Codec | None) -> Callable[[Any], Any]:
    """From a view of a record to the event: its bytes, or what a codec makes of its first bytes.

    What it returns raises `ArgumentError` for a record that is too short.
    """
    if codec is None:
        return bytes
    size, decode = codec.size, codec.decode

    def decoded(view: Any) -> Any:
        if len(view) < size:
            raise ArgumentError(f"an event of {len(view)} bytes came, the type {codec.name} has {size}")
        return decode(bytes(view[:size]))

    # What the C twin does by itself.
    decoded.number = size if codec.packer is not None and codec.packer.format in _NUMBERS else 0  # type: ignore[attr-defined]
    return decoded


class Consumer:
    """Events of one buffer.

    Several threads may consume at once, each event goes to one of them. `close` ends every wait and iteration.

    Parameters:
        source: where the records are.
        decode: from a view of a record to an event.

    Attributes: ``when_closed`` holds what is called when the buffer is closed, in the thread that closes it.
    """

    __slots__ = ("__weakref__", "_decode", "_lock", "_owner", "_pending", "_waiter", "source", "when_closed")

    def __init__(self, source: Source, decode: Callable[[Any], Any] = bytes) -> None:
        self.source = source
        self._decode = decode
        self._pending: deque[Any] = deque()
        self._waiter = Waiter(source.watch)
        self.when_closed: set[Callable[[], object]] = set()
        self._lock = threading.RLock()  # again, for a signal handler that closes the buffer
        self._owner = 0

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._waiter.closed

    def fileno(self) -> int:
        """A descriptor that is readable when there are events: for `select`, `selectors` and other event loops."""
        self._open()
        return self._waiter.epoll.fileno()

    # One at a time in the shared memory

    def _open(self) -> None:
        if self._waiter.after_fork():  # nobody else lives in the child: a lock that was held will never be released
            self._lock = threading.RLock()
            self._owner = 0
        if self._waiter.closed:
            raise ClosedError("the event buffer is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reading(self, work: Callable[[], int]) -> int:
        self._open()
        me = threading.get_ident()
        if self._owner == me:
            raise ArgumentError("events are being consumed: do not consume the same buffer from within its callback")
        with self._lock:
            if self._waiter.closed:
                raise ClosedError("the event buffer is closed")
            self._owner = me
            try:
                return work()
            finally:
                self._owner = 0
                if self._waiter.closed:  # by the callback
                    self.source.close()

    def close(self) -> None:
        """Let go of the memory; whoever waits or iterates stops. Closing twice is fine."""
        if self._waiter.closed:
            return
        if self._waiter.after_fork():
            self._lock = threading.RLock()
            self._owner = 0
        self._waiter.close()
        self._pending.clear()
        for call in tuple(self.when_closed):
            call()
        if self._owner == threading.get_ident():
            return  # within a callback: _reading() does it when that returns
        with self._lock:
            self.source.close()

    # Consuming

    def _take(self, most: int, into: Callable[[Any], object]) -> int:
        return self._reading(lambda: self.source.take(most, self._decode, into))

    def _fill(self) -> int:
        return self._take(_AT_ONCE, self._pending.append)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is something to consume.

        Parameters:
            timeout: seconds, ``None`` for ever.

        Returns whether there is; not so when the time is over, or the buffer is closed meanwhile.
        """
        self._open()
        return bool(self._pending) or bool(self._waiter.wait(timeout))

    def poll(self, timeout: float | None = None, most: int = 2**31 - 1) -> list[Any]:
        """The events that are there, at least one unless the time is over: waits for it.

        Parameters:
            timeout: seconds to wait, 0 not to wait, ``None`` for ever.
            most: how many to return at most; the others stay where they are.

        Raises `ClosedError`, and `CorruptBufferError` when the memory makes no sense.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if most < 1:
            raise ArgumentError(f"most is {most}: give 1 or more events")
        while True:
            events = self._out(most)
            if len(events) < most:
                try:
                    self._take(most - len(events), events.append)
                except BaseException:
                    self._pending.extendleft(reversed(events))
                    raise
            if events or timeout == 0:
                return events
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not self._pause(left):
                return events

    def _out(self, most: int) -> list[Any]:
        events: list[Any] = []
        try:
            while len(events) < most:
                events.append(self._pending.popleft())
        except IndexError:  # that was the last one
            pass
        return events

    def _pause(self, timeout: float | None) -> bool:
        """Wait. Whether it is worth to look again."""
        every = self.source.every
        longest = timeout if every is None or (timeout is not None and timeout < every) else every
        started = time.monotonic()
        ready = self._waiter.wait(longest)
        if ready and time.monotonic() - started < _BUSY_WAIT:
            time.sleep(_BUSY_WAIT)
        return not self.closed and (bool(ready) or longest != timeout)

    def consume(self, callback: Callable[[Any], object], most: int = 2**31 - 1, *, view: bool = False) -> int:
        """Call back for each event that is there, without waiting.

        Parameters:
            callback: called with each event. What it raises ends the call; the event counts as consumed.
            most: how many at most.
            view: give the callback a `memoryview` of the shared memory, without a copy and not decoded, that ends with
                the call. A buffer that programs may overwrite is copied all the same.

        Returns how many. Raises `ClosedError`, and `CorruptBufferError` when the memory makes no sense.
        """
        self._open()
        if view:
            return self._reading(lambda: self.source.drain(callback, most))
        count = 0
        while self._pending and count < most:  # left over from an iteration
            for event in self._out(1):
                count += 1
                callback(event)
        return count + self._take(most - count, callback)

    def __iter__(self) -> Iterator[Any]:
        """Events as they come, for ever; it ends when the buffer is closed. What is not asked for stays there."""
        self._open()
        following = self._pending.popleft
        while not self.closed:
            try:
                while True:
                    event = following()
                    yield event
            except IndexError:
                pass
            try:
                if not self._fill():
                    self._pause(None)
            except ClosedError:
                return

    async def __aiter__(self) -> AsyncIterator[Any]:
        """The same with asyncio: other tasks run while there is nothing."""
        import asyncio

        self._open()
        loop = asyncio.get_running_loop()
        # One descriptor for each iteration: a loop keeps one callback for each.
        descriptor = os.dup(self._waiter.epoll.fileno())
        try:
            while not self.closed:
                if self._pending:
                    yield self._pending.popleft()
                elif not self._fill():
                    ready = loop.create_future()

                    def closing(loop: Any = loop, ready: Any = ready) -> None:
                        with contextlib.suppress(RuntimeError):  # the loop is closed
                            loop.call_soon_threadsafe(_settle, ready)

                    self.when_closed.add(closing)
                    loop.add_reader(descriptor, _settle, ready)
                    every = self.source.every
                    timer = None if every is None else loop.call_later(every, _settle, ready)
                    try:
                        if not self.closed:  # by another thread, just now
                            await ready
                    finally:
                        loop.remove_reader(descriptor)
                        if timer is not None:
                            timer.cancel()
                        self.when_closed.discard(closing)
                    if not self.closed and not self._fill():
                        await asyncio.sleep(_BUSY_WAIT)
        except ClosedError:
            pass
        finally:
            os.close(descriptor)

    def __del__(self) -> None:
        if hasattr(self, "_owner"):
            self.close()


def _settle(future: Any) -> None:
    if not future.done():
        future.set_result(None)
