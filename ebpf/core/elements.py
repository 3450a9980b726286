"""Elements of a map, one or many with each bpf(2) call, as bytes: the hot path.

Nothing here knows types; `ebpf.core.access` puts codecs over it.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import uapi
from ebpf.core.fd import Descriptor
from ebpf.errors import ArgumentError, ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from ebpf.errors import EbpfError

    Buffer = Union[bytes, bytearray, memoryview]

__all__ = ["NOT_FOR_BATCH", "Elements", "check_flags"]

# union bpf_attr, include/uapi/linux/bpf.h. The zeros of `flags` are fine with the kernels that do not know it.
_ELEMENT = struct.Struct("=IxxxxQQQ")  # map_fd, key, value or next_key, flags
_BATCH = struct.Struct("=QQQQIIQQ")  # in_batch, out_batch, keys, values, count, map_fd, elem_flags, flags
_COUNT = struct.Struct("=I")
_COUNT_OFFSET = 32

_LOOKUP, _UPDATE, _TAKE = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM, uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM
_WRITING = (uapi.BPF_MAP_UPDATE_BATCH, uapi.BPF_MAP_DELETE_BATCH)

NOT_FOR_BATCH = frozenset((errno.EINVAL, 524, errno.EOPNOTSUPP))
"""Errnos of a batch command that the kernel does not have (EINVAL), or not for this map type (ENOTSUPP)."""


def check_flags(flags: int) -> int:
    """The flags. Raises `ArgumentError` when they are no number of 64 bits."""
    if not isinstance(flags, int) or not 0 <= flags < 1 << 64:
        raise ArgumentError(f"flags {flags!r} are not a number from 0 to {2**64 - 1}")
    return flags


class Elements(Descriptor):
    """The element and batch commands of a map, on bytes.

    Attributes: ``map_type`` (a number), ``key_size`` and ``value_size`` in bytes, ``room`` (the bytes of a value as
    user space reads and writes it: for per-CPU maps one for each possible CPU), ``max_entries``, ``flags``,
    ``show_key`` (how messages name a key), ``owner`` (of the descriptor, which calls the commands: `ebpf.core.owner`).
    """

    __slots__ = ("flags", "key_size", "map_type", "max_entries", "owner", "room", "show_key", "value_size")

    noun = "map"

    map_type: int
    key_size: int
    value_size: int
    room: int
    max_entries: int
    flags: int
    owner: Any
    show_key: Callable[[bytes], object]

    def close(self) -> None:
        """Close the map, and its descriptor as soon as no other thread's call uses it. Closing twice is fine."""
        owner = getattr(self, "owner", None)
        if owner is None:
            super().close()
        elif self._fd >= 0:
            self._fd = -1
            owner.close()

    def hand_over(self) -> int:
        """Give the descriptor away: the caller closes it. Calls of other threads that are under way must be over."""
        fd = super().hand_over()
        if self.owner is not None:
            self.owner.hand_over()
        return fd

    def failed(
        self, command: int, key: Buffer | None, flags: int, error: int, value: Buffer | None = None
    ) -> EbpfError:
        """The exception for a command on this map that failed with errno `error`."""
        from ebpf import diagnose

        if self._fd < 0:  # perhaps by another thread, while this one was about to call
            return ClosedError("the map is closed")
        return diagnose.map_failure(
            command,
            error,
            fd=self._fd,
            map_type=self.map_type,
            key_size=self.key_size,
            value_size=self.value_size,
            max_entries=self.max_entries,
            key=None if key is None else bytes(key),
            shown=None if key is None else self.show_key(bytes(key)),
            value=None if value is None else bytes(value),
            flags=flags,
        )

    def check_key(self, key: Buffer) -> Any:
        """The key. Raises `ArgumentError` when its length is not the map's: the kernel would read past its end."""
        if len(key) != self.key_size:
            raise ArgumentError(f"key {bytes(key)!r} has {len(key)} bytes, this map's keys have {self.key_size}")
        return key

    def check_value(self, value: Buffer) -> Any:
        """The value. Raises `ArgumentError` when its length is not ``room``."""
        if len(value) != self.room:
            raise ArgumentError(f"a value of {len(value)} bytes was given, this map's values have {self.room}")
        return value

    # One element

    def find(self, key: Buffer, flags: int = 0, *, delete: bool = False) -> bytes | None:
        """The value under `key` or ``None``: one ``BPF_MAP_LOOKUP_ELEM``, or ``…_LOOKUP_AND_DELETE_ELEM``."""
        command = _TAKE if delete else _LOOKUP
        result = self.owner.read(command, self.check_key(key), flags and check_flags(flags))
        if isinstance(result, bytes):
            return result
        if result == -errno.ENOENT:
            return None
        raise self.failed(command, key, flags, -result)

    def lookup(self, key: Buffer, flags: int = 0) -> bytes:
        """The value under `key`: one ``BPF_MAP_LOOKUP_ELEM``."""
        value = self.find(key, flags)
        if value is None:
            raise self.failed(_LOOKUP, key, flags, errno.ENOENT)
        return value

    def holds(self, value: Buffer) -> bool:
        """Whether a bloom filter may hold the value: one ``BPF_MAP_LOOKUP_ELEM``.

        The value is what is looked up (kernel/bpf/bloom_filter.c, bloom_map_peek_elem()).
        """
        result: int = self.owner.write(_LOOKUP, b"", self.check_value(value), 0)
        if result < 0 and result != -errno.ENOENT:
            raise self.failed(_LOOKUP, None, 0, -result)
        return result >= 0

    def lookup_and_delete(self, key: Buffer = b"", flags: int = 0) -> bytes:
        """Take an element out: one ``BPF_MAP_LOOKUP_AND_DELETE_ELEM``. Needs Linux 4.20 (queue, stack), 5.14 (hash)."""
        value = self.find(key, flags, delete=True)
        if value is None:
            raise self.failed(_TAKE, key, flags, errno.ENOENT)
        return value

    def update(self, key: Buffer, value: Buffer, flags: int = 0) -> None:
        """Write an element: one ``BPF_MAP_UPDATE_ELEM``.

        `flags` are ``BPF_ANY``, ``BPF_NOEXIST`` or ``BPF_EXIST``, with ``BPF_F_LOCK`` … where the map has it.
        """
        result = self.owner.write(_UPDATE, self.check_key(key), self.check_value(value), flags and check_flags(flags))
        if result < 0:
            raise self.failed(_UPDATE, key, flags, -result, value)

    def delete(self, key: Buffer) -> None:
        """Remove an element: one ``BPF_MAP_DELETE_ELEM``."""
        if not self.discard(key):
            raise self.failed(uapi.BPF_MAP_DELETE_ELEM, key, 0, errno.ENOENT)

    def discard(self, key: Buffer) -> bool:
        """Remove an element and say whether it was there: one ``BPF_MAP_DELETE_ELEM``."""
        result: int = self.owner.delete(self.check_key(key))
        if result < 0 and result != -errno.ENOENT:
            raise self.failed(uapi.BPF_MAP_DELETE_ELEM, key, 0, -result)
        return result >= 0

    def next_key(self, key: Buffer | None) -> tuple[int, bytes]:
        """``BPF_MAP_GET_NEXT_KEY``: 0 or -errno, and the key that follows `key`, or the first one after ``None``."""
        following = ctypes.create_string_buffer(self.key_size)
        held = None if key is None else ctypes.create_string_buffer(bytes(self.check_key(key)), self.key_size)
        address = 0 if held is None else ctypes.addressof(held)
        attr = _ELEMENT.pack(self.fd, address, ctypes.addressof(following), 0)
        return self.owner.attempt(uapi.BPF_MAP_GET_NEXT_KEY, attr), following.raw

    # Many elements

    def batch(
        self,
        command: int,
        keys: ctypes.Array[ctypes.c_char],
        values: ctypes.Array[ctypes.c_char] | None,
        count: int,
        *,
        start: int = 0,
        token: tuple[ctypes.Array[ctypes.c_char] | None, ctypes.Array[ctypes.c_char] | None] = (None, None),
        flags: int = 0,
    ) -> tuple[int, int]:
        """One batch command on the memory from element `start` on: 0 or -errno, and for how many elements it worked.

        Parameters:
            keys, values: memory for ``start + count`` elements; ``values`` is ``None`` for a deletion.
            token: where a lookup goes on from (``None``: the beginning), and where the kernel writes how to go on.
            flags: of each element.

        Needs Linux 5.6; hash and array maps came first, the others up to 5.13.
        """
        before, after = token
        attr = bytearray(
            _BATCH.pack(
                ctypes.addressof(before) if before is not None else 0,
                ctypes.addressof(after) if after is not None else 0,
                ctypes.addressof(keys) + start * self.key_size,
                ctypes.addressof(values) + start * self.room if values is not None else 0,
                count,
                self.fd,
                flags,
                0,
            )
        )
        result: int = self.owner.attempt(command, attr)
        done: int = _COUNT.unpack_from(attr, _COUNT_OFFSET)[0]
        if done == count and result < 0 and command in _WRITING:
            done = 0  # refused before the kernel wrote how far it came
        return result, done
