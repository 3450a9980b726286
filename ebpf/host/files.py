"""Reading small files below a root directory, telling missing from unreadable."""

from __future__ import annotations

import errno
import os

__all__ = ["MISSING", "READ", "UNREADABLE", "Files", "status_of"]

READ = "read"
MISSING = "missing"
UNREADABLE = "unreadable"

_CHUNK = 1 << 18
_LIMIT = 64 << 20  # nothing read here is near that big; a wrong file must not fill the memory


class Files:
    """Files below `root`; ``live`` says whether that is the running system."""

    __slots__ = ("live", "root")

    def __init__(self, root: str = "/") -> None:
        self.root = root.rstrip("/")
        self.live = not self.root

    def path(self, name: str) -> str:
        """Where the file that the system calls `name` is."""
        return self.root + name

    def read(self, name: str, limit: int = _LIMIT) -> bytes:
        """The first `limit` bytes of a file. Raises `OSError`."""
        # O_NONBLOCK: a FIFO in the place of a configuration file must not hang the caller.
        descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            chunks = []
            while limit > 0:
                chunk = os.read(descriptor, min(_CHUNK, limit))
                if not chunk:
                    break
                chunks.append(chunk)
                limit -= len(chunk)
            return b"".join(chunks)
        finally:
            os.close(descriptor)

    def text(self, name: str) -> str | None:
        """A file's text without surrounding white space; ``None`` when it is missing or unreadable."""
        try:
            return self.read(name).decode("utf-8", "replace").strip()
        except OSError:
            return None


def status_of(error: OSError) -> str:
    """Whether an error of opening or reading a file means that it is missing or that it is unreadable."""
    return MISSING if error.errno in (errno.ENOENT, errno.ENOTDIR) else UNREADABLE
