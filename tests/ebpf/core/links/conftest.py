"""The trace file system, mounted for a test where the machine has not done so."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

_PLACE = "/sys/kernel/tracing"


@pytest.fixture
def tracefs() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    if os.path.isdir(f"{_PLACE}/events"):
        yield
        return
    if libc.mount(b"tracefs", _PLACE.encode(), b"tracefs", 0, None) != 0:
        pytest.skip(f"tracefs cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    yield
    libc.umount2(_PLACE.encode(), 2)
