"""Waiting for descriptors in a way that another thread can end: epoll, and a pipe that wakes whoever waits."""

from __future__ import annotations

import contextlib
import os
import select
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Waiter"]


class Waiter:
    """An epoll set with any number of threads that wait for it, which `close` sends home before it closes anything.

    Nothing is opened before somebody waits. A forked child gets a set of its own, for epoll's is shared with the
    parent.

    Parameters:
        fill: registers what is waited for with a new epoll set.
    """

    __slots__ = ("_epoll", "_fill", "_gone", "_pid", "_pipe", "_waiting", "closed")

    def __init__(self, fill: Callable[[select.epoll], None]) -> None:
        self._fill = fill
        self.closed = False
        self._fresh()

    def _fresh(self) -> None:
        self._epoll: select.epoll | None = None
        self._pipe = (-1, -1)
        self._waiting: set[int] = set()  # threads
        self._gone = threading.Condition()  # over a lock that a signal handler of the same thread may take again
        self._pid = os.getpid()

    def after_fork(self) -> bool:
        """In a forked child: forget the parent's descriptors and locks. Returns whether this is one."""
        if self._pid == os.getpid():
            return False
        epoll, pipe = self._epoll, self._pipe
        self._fresh()
        if epoll is not None:
            epoll.close()  # the child's copy of the descriptor; the parent's set is not touched
            for fd in pipe:
                os.close(fd)
        return True

    @property
    def epoll(self) -> select.epoll:
        """The set; made when it is first asked for."""
        with self._gone:
            if self._epoll is None:
                self._epoll, self._pipe = self._open()
            return self._epoll

    def _open(self) -> tuple[select.epoll, tuple[int, int]]:
        epoll = select.epoll()  # close-on-exec
        try:
            pipe = os.pipe()
            os.set_blocking(pipe[0], False)
        except BaseException:
            epoll.close()
            raise
        try:
            epoll.register(pipe[0], select.EPOLLIN)
            self._fill(epoll)
        except BaseException:
            epoll.close()
            for fd in pipe:
                os.close(fd)
            raise
        return epoll, pipe

    def wait(self, timeout: float | None) -> list[int]:
        """The descriptors that are ready after `timeout` seconds at most; ``None`` waits for ever.

        Returns nothing when the time is over, or when the waiter is closed meanwhile.
        """
        epoll = self.epoll
        with self._gone:
            if self.closed:
                return []
            self._waiting.add(threading.get_ident())
        try:
            ready = epoll.poll(timeout)
        finally:
            with self._gone:
                self._waiting.discard(threading.get_ident())
                self._gone.notify_all()
                if self.closed:
                    self._release()
        if self.closed:
            return []
        found = [fd for fd, _ in ready]
        if self._pipe[0] in found:
            found.remove(self._pipe[0])
            with self._gone:
                if not self.closed:
                    with contextlib.suppress(BlockingIOError):  # another thread was woken as well
                        os.read(self._pipe[0], 1)
        return found

    def wake(self) -> None:
        """Let a thread that waits look again at what it waits for."""
        with self._gone:
            if self._epoll is not None and not self.closed:
                os.write(self._pipe[1], b"x")

    def close(self) -> None:
        """Wake who waits, see them leave, close the set."""
        if self.closed:
            return
        self.closed = True
        self.after_fork()
        with self._gone:
            if self._epoll is None:
                return
            os.write(self._pipe[1], b"x")
            # A signal handler may run within the wait of its own thread, which closes the set when it leaves.
            while self._waiting - {threading.get_ident()}:
                self._gone.wait()
            self._release()

    def _release(self) -> None:
        """Close the set once nobody waits any more."""
        if self._epoll is not None and not self._waiting:
            self._epoll.close()
            for fd in self._pipe:
                os.close(fd)
            self._epoll = None
