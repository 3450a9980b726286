"""A BPF file system of the tests' own: mounted in a mount namespace that is left when they are done."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


@contextmanager
def bpffs() -> Iterator[Path]:
    """An empty directory in a BPF file system; unmounted at the end, which unpins what is left."""
    with tempfile.TemporaryDirectory() as parent:
        _check(_libc.mount(b"bpf", parent.encode(), b"bpf", 0, None), "mounting a BPF file system")
        try:
            yield Path(parent)
        finally:
            _check(_libc.umount2(parent.encode(), 2), "unmounting it")
