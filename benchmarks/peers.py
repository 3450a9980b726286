"""The other Python libraries, as far as they run here: their maps as callables."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from benchmarks.native import Missing, maps_object

__all__ = ["bcc", "bcc_ring", "bcc_table", "pylibbpf_map"]

_loaded: list[Any] = []


def bcc() -> Any:
    """bcc's module, also Debian's for another Python: it is Python over a C library. Raises `Missing`."""
    try:
        import bcc as found  # type: ignore[import-not-found,unused-ignore]  # not in every environment
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import bcc as found
        except ImportError:
            raise Missing("bcc (Debian's python3-bpfcc)") from None
        finally:
            sys.path.remove("/usr/lib/python3/dist-packages")
    return found


def bcc_table(map_type: str, fd: int, entries: int = 1024) -> Any:
    """bcc's table over a map of u32 -> u64 that is there already: its own BPF() compiles with the kernel's headers."""
    module = bcc()
    cls = module.table.HashTable if map_type == "hash" else module.table.Array
    table = cls.__new__(cls)
    table.map_fd = fd
    table.Key, table.Leaf = ctypes.c_uint32, ctypes.c_uint64
    table.flags, table.max_entries, table._cbs = 0, entries, {}
    return table


def bcc_ring(fd: int, callback: Any) -> Any:
    """What consumes a ring buffer as ``BPF.ring_buffer_consume()`` does, calling back as bcc's tables do."""
    module = bcc()
    table = module.table.RingBuf.__new__(module.table.RingBuf)
    table.map_fd, table._cbs = fd, {}
    bpf = module.BPF.__new__(module.BPF)
    bpf._ringbuf_manager = None
    table.bpf = bpf
    bpf.cleanup = lambda: None  # it was made without what that takes apart
    table.open_ring_buffer(callback)
    return table


def pylibbpf_map(name: str) -> Any:
    """A map of pylibbpf's, loaded from an object file. Raises `Missing`."""
    try:
        import pylibbpf  # type: ignore[import-not-found,unused-ignore]  # not in every environment
    except ImportError:
        raise Missing("pylibbpf") from None
    loaded = pylibbpf.BpfObject(maps_object())
    loaded.load()
    _loaded.append(loaded)  # its maps are closed with it
    return loaded[name]
