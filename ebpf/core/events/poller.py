"""Waiting for several event buffers at once."""

from __future__ import annotations

import select

from ebpf.core.events.waiter import Waiter
from ebpf.errors import ArgumentError, ClosedError
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ebpf.core.events.consumer import Consumer

__all__ = ["Poller"]


@beta
class Poller:
    """Calls back for the events of several buffers, ring or perf, from one thread.

    ::

        with v2.Poller() as poller:
            poller.add(connections, print)
            poller.add(exits, print)
            while True:
                poller.poll(1.0)

    A buffer that is closed is forgotten; the poller closes none.
    """

    __slots__ = ("__weakref__", "_buffers", "_waiter")

    def __init__(self) -> None:
        self._buffers: dict[int, tuple[Consumer, Callable[[Any], object]]] = {}
        self._waiter = Waiter(self._watch)

    def _watch(self, epoll: select.epoll) -> None:
        for fd in self._buffers:
            epoll.register(fd, select.EPOLLIN)

    def add(self, buffer: Any, callback: Callable[[Any], object]) -> None:
        """Call `callback` with each event of `buffer` from now on. Raises `ArgumentError` when it is there already."""
        if self._waiter.closed:
            raise ClosedError("the poller is closed")
        buffer = _consumer(buffer)
        if any(there is buffer for there, _ in self._buffers.values()):
            raise ArgumentError("the buffer was added already: remove it first to give it another callback")
        epoll, fd = self._waiter.epoll, buffer.fileno()
        epoll.register(fd, select.EPOLLIN)
        self._buffers[fd] = (buffer, callback)
        buffer.when_closed.add(self._waiter.wake)

    def remove(self, buffer: Any) -> None:
        """Forget a buffer. Raises `ArgumentError` when it is not there."""
        buffer = _consumer(buffer)
        for fd, (there, _) in self._buffers.items():
            if there is buffer:
                self._forget(fd)
                return
        raise ArgumentError("the buffer was not added, or was closed since")

    def _forget(self, fd: int) -> None:
        buffer, _ = self._buffers.pop(fd)
        buffer.when_closed.discard(self._waiter.wake)
        if not buffer.closed:
            self._waiter.epoll.unregister(fd)

    def __len__(self) -> int:
        return len(self._buffers)

    def poll(self, timeout: float | None = None) -> int:
        """Wait until a buffer has events and call back for all that are there.

        Parameters:
            timeout: seconds to wait at most, ``None`` for ever.

        Returns how many events there were: 0 when the time is over, the poller is closed, or no buffer is left. What a
        callback raises ends the call. Raises `ClosedError`.
        """
        if self._waiter.closed:
            raise ClosedError("the poller is closed")
        self._closed_ones()
        count = 0
        if self._buffers:
            for fd in self._waiter.wait(timeout):
                found = self._buffers.get(fd)
                if found is not None and not found[0].closed:
                    count += found[0].consume(found[1])
            self._closed_ones()
        return count

    def _closed_ones(self) -> None:
        for fd in [fd for fd, (buffer, _) in self._buffers.items() if buffer.closed]:
            self._forget(fd)

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._waiter.closed

    def close(self) -> None:
        """Stop waiting, in whichever thread. The buffers stay open."""
        self._waiter.close()
        for buffer, _ in self._buffers.values():
            buffer.when_closed.discard(self._waiter.wake)
        self._buffers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_waiter"):
            self._waiter.close()


def _consumer(buffer: Any) -> Any:
    """A buffer of `ebpf.v2` has its consumer in an attribute."""
    return getattr(buffer, "consumer", buffer)
