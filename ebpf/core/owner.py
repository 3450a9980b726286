"""Who owns a map's descriptor, and calls the commands on its elements.

Many threads may use one map, and one of them may close it. No lock is held around a system call: each call has memory
of its own for key, value and attribute. The descriptor is closed when the last call on it has returned, so that no call
meets another file which got the same number.

`Owner` is the implementation over ctypes; ``ebpf._twin.Map`` (ebpf/twin/elements.c) is the same in C.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.twin import extension as twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from ebpf.core.owner_typed import Typed

    Buffer = Union[bytes, bytearray, memoryview]

__all__ = ["Owner", "own"]

# union bpf_attr, include/uapi/linux/bpf.h. The zeros of `flags` are fine with the kernels that do not know it.
_ELEMENT = struct.Struct("=IxxxxQQQ")  # map_fd, key, value or next_key, flags
_DELETE = struct.Struct("=IxxxxQ")  # map_fd, key: BPF_MAP_DELETE_ELEM takes nothing behind them

_LOOKUP, _UPDATE, _DELETION = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM, uapi.BPF_MAP_DELETE_ELEM
_KEEP = 1 << 16  # bytes: larger buffers are not kept for the next call
_CLOSED = -errno.EBADF


def own(fd: int, key_size: int, room: int) -> Any:
    """The owner of a map's descriptor, in C where there is the twin. Parameters as for `Owner`."""
    return Owner(fd, key_size, room) if twin is None else twin.Map(fd, key_size, room)


class _Keeper:
    """Keeps a descriptor open: for its owner, and for each call that is under way."""

    __slots__ = ("_close", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._close = os.close  # modules may be gone when the interpreter ends

    def __del__(self) -> None:
        if self.fd >= 0:
            self._close(self.fd)


class _Call:
    """Memory for one call at a time on bytes: key, value and the attributes that point to them."""

    __slots__ = ("delete", "element", "flags", "keeper", "key", "value")

    def __init__(self, keeper: _Keeper, key_size: int, room: int) -> None:
        self.keeper = keeper
        self.key = ctypes.create_string_buffer(max(key_size, 1))
        self.value = ctypes.create_string_buffer(max(room, 1))
        # Maps without keys (queue, stack, bloom filter) insist on NULL.
        key = ctypes.addressof(self.key) if key_size else 0
        attr = _ELEMENT.pack(keeper.fd, key, ctypes.addressof(self.value), 0)
        self.element = ctypes.create_string_buffer(attr, _ELEMENT.size)
        self.flags = 0
        self.delete = ctypes.create_string_buffer(_DELETE.pack(keeper.fd, key), _DELETE.size)


class Owner:
    """A map's descriptor over ctypes.

    Results are as the kernel's: 0 or more, or a negated errno; ``-EBADF`` once it is closed.

    Parameters:
        fd: the descriptor, owned from now on.
        key_size: in bytes.
        room: the bytes of a value as user space reads and writes it.
    """

    __slots__ = ("_free", "_keeper", "_pools", "key_size", "room")

    def __init__(self, fd: int, key_size: int, room: int) -> None:
        self._keeper: _Keeper | None = _Keeper(fd)
        self.key_size = key_size
        self.room = room
        self._free: list[_Call] = []
        self._pools: list[list[Any]] = [self._free]

    def close(self) -> None:
        """Close it, now or when the last call that is under way has returned."""
        self._keeper = None
        for pool in self._pools:
            pool.clear()

    def hand_over(self) -> None:
        """Close it for this object, and leave the descriptor itself open."""
        if self._keeper is not None:
            self._keeper.fd = -1
        self.close()

    def attempt(self, command: int, attr: Any) -> int:
        """Any command whose attribute names this map."""
        keeper = self._keeper
        result = _CLOSED if keeper is None else syscall.attempt(command, attr)
        del keeper  # only now it may be closed
        return result

    def read(self, command: int, key: Buffer, flags: int) -> bytes | int:
        """``BPF_MAP_LOOKUP_ELEM`` or ``…_LOOKUP_AND_DELETE_ELEM``: the value, or -errno."""
        call = self._call()
        if call is None:
            return _CLOSED
        call.key.raw = key  # type: ignore[assignment]  # any buffer
        result = self._element(call, command, flags)
        found = call.value.raw[: self.room] if result >= 0 else result
        self._done(call)
        return found

    def write(self, command: int, key: Buffer, value: Buffer, flags: int) -> int:
        """``BPF_MAP_UPDATE_ELEM``, or a lookup of a value (bloom filter)."""
        call = self._call()
        if call is None:
            return _CLOSED
        call.key.raw = key  # type: ignore[assignment]  # any buffer
        call.value.raw = value  # type: ignore[assignment]  # any buffer
        result = self._element(call, command, flags)
        self._done(call)
        return result

    def delete(self, key: Buffer) -> int:
        """``BPF_MAP_DELETE_ELEM``."""
        call = self._call()
        if call is None:
            return _CLOSED
        call.key.raw = key  # type: ignore[assignment]  # any buffer
        result = syscall.attempt(_DELETION, call.delete)
        self._done(call)
        return result

    def _call(self) -> _Call | None:
        try:
            return self._free.pop()
        except IndexError:
            keeper = self._keeper
            return None if keeper is None else _Call(keeper, self.key_size, self.room)

    def _element(self, call: _Call, command: int, flags: int) -> int:
        if call.flags != flags:
            struct.pack_into("=Q", call.element, _ELEMENT.size - 8, flags)
            call.flags = flags
        return syscall.attempt(command, call.element)

    def _done(self, call: _Call) -> None:
        """Keep the memory of a call for the next one."""
        if self.room <= _KEEP:
            self._free.append(call)
            if self._keeper is None:  # closed meanwhile: this was perhaps the last call
                self._free.clear()

    def typed(self, key: str, value: str, slow_get: Callable[[Any, int], Any], slow_set: Callable[..., None]) -> Typed:
        """``get(key)`` and ``set(key, value, flags=0)`` for single numbers, given by their codes in `struct`.

        Whatever does not go the straight way is left to the other two: ``slow_get(key, error)`` and
        ``slow_set(key, value, flags, error)`` are called with 0 for what is no such number, or with the errno.
        """
        from ebpf.core import owner_typed

        pool: list[Any] = []
        self._pools.append(pool)
        return owner_typed.make(self, pool, key, value, slow_get, slow_set)

    @property
    def keeper(self) -> Any:
        """What keeps the descriptor open, with its number as ``fd``; `None` once it is closed."""
        return self._keeper
