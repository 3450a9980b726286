"""Trials of what the element commands do with a real map: flags of lookup and update, the newer commands' abilities."""

from __future__ import annotations

import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trial = Callable[[str], Outcome]

__all__ = ["element", "lookup_locked", "update", "update_percpu"]

_LOOKUP, _UPDATE = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM
_HASH, _ARRAY, _PERCPU_ARRAY = uapi.BPF_MAP_TYPE_HASH, uapi.BPF_MAP_TYPE_ARRAY, uapi.BPF_MAP_TYPE_PERCPU_ARRAY
_EINVAL, _ENOENT = errno.EINVAL, errno.ENOENT

# struct bpf_spin_lock { u32 val; } and struct { struct bpf_spin_lock lock; u32 value; }: what BPF_F_LOCK locks.
_STRINGS = b"\0int\0bpf_spin_lock\0val\0lock\0value\0holder\0"
_INT, _STRUCT = 1 << 24, 4 << 24
_TYPES = struct.pack(
    "=4I 3I3I 3I6I",
    *(1, _INT, 4, 1 << 24 | 32),
    *(5, _STRUCT | 1, 4),
    *(19, 1, 0),
    *(34, _STRUCT | 2, 8),
    *(23, 2, 0),
    *(28, 1, 32),
)
SPIN_LOCK_BTF = calls.btf(_TYPES, _STRINGS)
"""Type 1 is an integer, type 3 a structure with a lock."""


def element(command: int, map_fd: int, flags: int = 0, *, key: bytes | None = b"\0\0\0\0", size: int = 64) -> int:
    """One element command on a map of u32 keys, with room for a value of `size` bytes: its result or -errno."""
    keys = calls.buffer(key or b"\0")
    values = calls.buffer(bytes(size))
    pointer = calls.address(keys) if key is not None else 0
    return syscall.attempt(command, struct.pack("=IIQQQ", map_fd, 0, pointer, calls.address(values), flags))


def _on_map(create: Callable[[], int], use: Callable[[int], int]) -> int:
    """Make a map, use it, close it: the result of the first call that fails, or of the use."""
    fd = create()
    if fd < 0:
        return fd
    try:
        return min(use(fd), 0)
    finally:
        syscall.close(fd)


def update(flag: int) -> Trial:
    """BPF_MAP_UPDATE_ELEM of an empty hash map with the flag: stored, or ENOENT when the key had to exist."""

    def try_it(name: str) -> Outcome:
        result = _on_map(lambda: calls.create_map(_HASH, 4, 4, 1), lambda fd: element(_UPDATE, fd, flag))
        return judge(
            result, f"BPF_MAP_UPDATE_ELEM with {name}", context.can_create_map, known=(_ENOENT,), makes_fd=False
        )

    return try_it


def lookup_locked(name: str) -> Outcome:
    """BPF_MAP_LOOKUP_ELEM of an array whose value has a spin lock; without one the flag is refused anywhere."""

    def create() -> int:
        btf_fd = calls.load_btf(SPIN_LOCK_BTF)
        if btf_fd < 0:
            return btf_fd
        try:
            return calls.create_map(_ARRAY, 4, 8, 1, btf_fd=btf_fd, btf_key_type_id=1, btf_value_type_id=3)
        finally:
            syscall.close(btf_fd)

    def control() -> Outcome:
        result = _on_map(create, lambda fd: element(_LOOKUP, fd))
        return judge(result, "the same without it", context.can_create_map, makes_fd=False)

    result = _on_map(create, lambda fd: element(_LOOKUP, fd, uapi.BPF_F_LOCK))
    return judge(result, f"BPF_MAP_LOOKUP_ELEM with {name}", control, makes_fd=False)


def update_percpu(flag: int) -> Trial:
    """BPF_MAP_UPDATE_ELEM of a per-CPU array with the flag, for CPU 0 (whose number is in the flags' upper half)."""

    def try_it(name: str) -> Outcome:
        # Without these flags the value is one for each possible CPU.
        size = 8 * max(os.cpu_count() or 1, 8192)

        def use(flags: int) -> int:
            return _on_map(
                lambda: calls.create_map(_PERCPU_ARRAY, 4, 4, 1), lambda fd: element(_UPDATE, fd, flags, size=size)
            )

        def control() -> Outcome:
            return judge(use(0), "the same without it", context.can_create_map, makes_fd=False)

        return judge(use(flag), f"BPF_MAP_UPDATE_ELEM of a per-CPU array with {name}", control, makes_fd=False)

    return try_it
