"""A map over its file descriptor: one bpf(2) call for each operation, on bytes."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.errors import ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["MapCore"]

# union bpf_attr, include/uapi/linux/bpf.h: the part that every kernel since 3.19 knows, so that none answers E2BIG.
_CREATE = struct.Struct("=5I")  # map_type, key_size, value_size, max_entries, map_flags
_ELEMENT = struct.Struct("=IxxxxQQQ")  # map_fd, key, value or next_key, flags


class MapCore:
    """A map of this process, by its file descriptor.

    Creating one is one ``BPF_MAP_CREATE``; nothing is probed in front. A failed call raises what `ebpf.diagnose` makes
    of it.

    Parameters:
        map_type: a ``BPF_MAP_TYPE_…`` number.
        key_size, value_size: in bytes.
        max_entries: how many elements it may hold.
        flags: ``BPF_F_…`` of ``BPF_MAP_CREATE``.
    """

    __slots__ = ("__weakref__", "_fd", "flags", "key_size", "map_type", "max_entries", "show_key", "value_size")

    def __init__(self, map_type: int, key_size: int, value_size: int, max_entries: int, flags: int = 0) -> None:
        self._fd = -1
        self.map_type = map_type
        self.key_size = key_size
        self.value_size = value_size
        self.max_entries = max_entries
        self.flags = flags
        self.show_key: Callable[[bytes], object] = bytes  # how messages name a key
        try:
            attr = _CREATE.pack(map_type, key_size, value_size, max_entries, flags)
        except struct.error:
            from ebpf import diagnose

            raise diagnose.map_arguments(map_type, key_size, value_size, max_entries, flags) from None
        fd = syscall.attempt(uapi.BPF_MAP_CREATE, attr)
        if fd < 0:
            from ebpf import diagnose

            raise diagnose.map_create(map_type, key_size, value_size, max_entries, flags, -fd)
        self._fd = fd

    @property
    def fd(self) -> int:
        """The file descriptor. Raises `ClosedError` once the map is closed."""
        if self._fd < 0:
            raise ClosedError("the map is closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether the map is closed for this process."""
        return self._fd < 0

    def close(self) -> None:
        """Close the file descriptor; the kernel frees the map when nothing else holds it. Closing twice is fine."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

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

    def lookup(self, key: bytes, flags: int = 0) -> bytes:
        """The value under `key`: one ``BPF_MAP_LOOKUP_ELEM``."""
        value = ctypes.create_string_buffer(self.value_size)
        self._element(uapi.BPF_MAP_LOOKUP_ELEM, key, ctypes.addressof(value), flags)
        return value.raw

    def update(self, key: bytes, value: bytes, flags: int = 0) -> None:
        """Write an element:

        one ``BPF_MAP_UPDATE_ELEM`` with ``BPF_ANY``, ``BPF_NOEXIST`` or ``BPF_EXIST`` as `flags`.
        """
        buffer = ctypes.create_string_buffer(value, len(value))
        self._element(uapi.BPF_MAP_UPDATE_ELEM, key, ctypes.addressof(buffer), flags)

    def delete(self, key: bytes) -> None:
        """Remove an element: one ``BPF_MAP_DELETE_ELEM``."""
        self._element(uapi.BPF_MAP_DELETE_ELEM, key, 0, 0)

    def _element(self, command: int, key: bytes, value: int, flags: int) -> None:
        buffer = ctypes.create_string_buffer(key, len(key))
        result = syscall.attempt(command, _ELEMENT.pack(self.fd, ctypes.addressof(buffer), value, flags))
        if result < 0:
            from ebpf import diagnose

            raise diagnose.map_element(command, self.map_type, self.max_entries, self.show_key(key), flags, -result)

    def walk(self) -> Iterator[bytes]:
        """The keys, one ``BPF_MAP_GET_NEXT_KEY`` each.

        The next key is asked for before a key is handed out, so that deleting what was handed out is safe. When
        somebody else deletes the key the walk stands on, a hash map starts over (kernel/bpf/hashtab.c,
        htab_map_get_next_key()); keys seen before are not handed out again, and the walk ends after as many steps as
        twice the map's size.
        """
        seen: set[bytes] = set()
        key = self._first_key()
        for _ in range(2 * self.max_entries + 1):
            if key is None:
                return
            following = self._next_key(key)
            if key not in seen:
                seen.add(key)
                yield key
            key = following

    def _next_key(self, key: bytes | None) -> bytes | None:
        following = ctypes.create_string_buffer(self.key_size)
        address = 0
        if key is not None:
            buffer = ctypes.create_string_buffer(key, len(key))
            address = ctypes.addressof(buffer)
        attr = _ELEMENT.pack(self.fd, address, ctypes.addressof(following), 0)
        result = syscall.attempt(uapi.BPF_MAP_GET_NEXT_KEY, attr)
        if result == -errno.ENOENT:
            return None
        if result < 0:
            if key is None and result == -errno.EFAULT:
                return self._first_key_without_null()
            from ebpf import diagnose

            shown = None if key is None else self.show_key(key)
            raise diagnose.map_element(uapi.BPF_MAP_GET_NEXT_KEY, self.map_type, self.max_entries, shown, 0, -result)
        return following.raw

    def _first_key(self) -> bytes | None:
        return self._next_key(None)

    def _first_key_without_null(self) -> bytes | None:
        """Kernels that cannot take NULL for "the first" answer EFAULT; they give the first key after a key that is not
        there.

        Linux kernel commit 8fe45924387b ("bpf: map_get_next_key to return first key on NULL") (in v4.12).
        """
        for guess in _guesses(self.key_size):
            try:
                self.lookup(guess)
            except KeyError:
                return self._next_key(guess)
        raise ClosedError("no key that is missing from the map was found to start the walk from")


def _guesses(size: int) -> Iterator[bytes]:
    yield b"\xff" * size  # beyond the end of an array
    for _ in range(64):
        yield os.urandom(size)
