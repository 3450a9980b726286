"""A file descriptor of a bpf(2) object, and who closes it."""

from __future__ import annotations

import os

from ebpf.errors import ClosedError, UnpicklableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ebpf.core.adaptation import Adaptation

__all__ = ["Descriptor"]


class Descriptor:
    """Owns one file descriptor: maps, programs, links and BTF of this process are made of it.

    It is closed by `close()`, at the end of a ``with`` block, or when it is garbage collected. The kernel opens every
    descriptor of bpf(2) with ``O_CLOEXEC``: a program started by exec(2) does not inherit it. After fork(2) parent and
    child have a descriptor each of the same object; closing one does not touch the other.

    Parameters:
        fd: the descriptor, owned from now on; -1 for one that is still to come (set ``_fd`` then).
        adapt: whether the object may stand in for what the kernel lacks; see `ebpf.core.adaptation`.
    """

    __slots__ = ("__weakref__", "_fd", "adapt", "adaptations")

    noun = "object"
    """What messages call it: ``map``, ``program``, ``link``."""

    def __init__(self, fd: int = -1, *, adapt: bool = True) -> None:
        self._fd = fd
        self.adapt = adapt
        self.adaptations: tuple[Adaptation, ...] = ()

    @property
    def fd(self) -> int:
        """The file descriptor. Raises `ClosedError` once it is closed."""
        if self._fd < 0:
            raise ClosedError(f"the {self.noun} is closed")
        return self._fd

    def fileno(self) -> int:
        """The same, so that whatever takes a file takes this object."""
        return self.fd

    @property
    def closed(self) -> bool:
        """Whether this process has closed it."""
        return self._fd < 0

    def close(self) -> None:
        """Close the file descriptor; the kernel frees the object when nothing else holds it. Closing twice is fine."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def hand_over(self) -> int:
        """Hand the file descriptor over to the caller, who closes it; this object is closed for good."""
        fd, self._fd = self.fd, -1
        return fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # __init__ may have failed before the fd was there.
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        self.refuse_pickling(self)

    def refuse_pickling(self, thing: object) -> NoReturn:
        """Raise `UnpicklableError` about this object, or about `thing`, which is made of it."""
        raise UnpicklableError(
            f"a {type(thing).__name__} cannot be pickled or copied: it owns a file descriptor, which means nothing in"
            f" another process. Pin the {self.noun} and open it there by its path, or send the descriptor over a Unix"
            " socket (socket.send_fds())."
        )
