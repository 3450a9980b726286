"""The bpf(2) commands on maps, one function each, over bytes and file descriptors.

Nothing is converted, remembered or adapted: what goes in is what the kernel gets. A refused call raises what
`ebpf.diagnose` makes of it. The kernel reads and writes as many bytes as the map's keys and values have, whatever is
passed here: sizes that are too small make it write over other memory of this process.

::

    from ebpf.v1 import lowlevel

    fd = lowlevel.map_create(BPF_MAP_TYPE_HASH, 4, 8, 512)
    lowlevel.map_update_elem(fd, key, value)
    lowlevel.map_lookup_elem(fd, key, 8)
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.errors import ArgumentError
from ebpf.stability import stable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.errors import EbpfError

__all__ = [
    "map_create",
    "map_delete_batch",
    "map_delete_elem",
    "map_freeze",
    "map_get_fd_by_id",
    "map_get_next_id",
    "map_get_next_key",
    "map_lookup_and_delete_batch",
    "map_lookup_and_delete_elem",
    "map_lookup_batch",
    "map_lookup_elem",
    "map_update_batch",
    "map_update_elem",
    "obj_get",
    "obj_get_info_by_fd",
    "obj_pin",
]

_TOKEN = 512  # bytes: what a batch lookup needs to go on is a key at most, or 4 bytes
_COUNT_OFFSET = 32


def _pack(layout: str, *fields: int) -> bytearray:
    try:
        return bytearray(struct.pack(layout, *fields))
    except struct.error as error:
        raise ArgumentError(f"an argument is no number, or too large for its field: {fields}: {error}") from None


def _buffer(data: bytes | None) -> ctypes.Array[ctypes.c_char] | None:
    return None if data is None else ctypes.create_string_buffer(data, max(len(data), 1))


def _address(buffer: ctypes.Array[ctypes.c_char] | None) -> int:
    return 0 if buffer is None else ctypes.addressof(buffer)


def _failed(
    command: int, result: int, fd: int = -1, key: bytes | None = None, flags: int = 0, value: bytes | None = None
) -> EbpfError:
    from ebpf import diagnose

    return diagnose.map_failure(command, -result, fd=fd, key=key, shown=key, flags=flags, value=value)


def _element(command: int, layout: str, fd: int, key: bytes | None, value: bytes, flags: int) -> bytes:
    """One element command; what the kernel left in the memory of the value."""
    key_buffer, value_buffer = _buffer(key or None), _buffer(value)
    fields = (fd, _address(key_buffer), _address(value_buffer), flags)
    result = syscall.attempt(command, _pack(layout, *fields[: layout.count("Q") + 1]))
    if result < 0:
        raise _failed(command, result, fd, key, flags, value)
    assert value_buffer is not None
    return value_buffer.raw[: len(value)]


@stable
def map_create(
    map_type: int,
    key_size: int,
    value_size: int,
    max_entries: int,
    flags: int = 0,
    *,
    name: str = "",
    inner_map_fd: int = 0,
    btf_fd: int = 0,
    btf_key_type_id: int = 0,
    btf_value_type_id: int = 0,
    map_extra: int = 0,
) -> int:
    """``BPF_MAP_CREATE``: a new map's file descriptor, to be closed with `os.close`. Needs Linux 3.19.

    Parameters:
        map_type: a ``BPF_MAP_TYPE_…`` number.
        key_size, value_size: in bytes.
        max_entries: how many elements it may hold.
        flags: ``BPF_F_…``. Needs Linux 4.6.
        name: up to 15 letters, digits, ``_`` and ``.``. Needs Linux 4.15.
        inner_map_fd: for maps of maps. Needs Linux 4.12.
        btf_fd, btf_key_type_id, btf_value_type_id: types of key and value. Need Linux 4.18.
        map_extra: what some types take besides. Needs Linux 5.16.
    """
    from ebpf.core.map import MapCore

    core = MapCore(
        map_type,
        key_size,
        value_size,
        max_entries,
        flags,
        name=name,
        inner_map_fd=inner_map_fd,
        btf_fd=btf_fd,
        btf_key_type_id=btf_key_type_id,
        btf_value_type_id=btf_value_type_id,
        map_extra=map_extra,
        adapt=False,
    )
    return core.hand_over()


@stable
def map_lookup_elem(fd: int, key: bytes, value_size: int, flags: int = 0) -> bytes:
    """``BPF_MAP_LOOKUP_ELEM``: the value under `key`. Needs Linux 3.19.

    Parameters:
        value_size: the map's; for per-CPU maps rounded up to 8, times the number of possible CPUs.
        flags: ``BPF_F_LOCK``. Needs Linux 5.1.

    Raises `ebpf.errors.KeyMissingError` when there is none.
    """
    return _element(uapi.BPF_MAP_LOOKUP_ELEM, "=IxxxxQQQ", fd, key, bytes(value_size), flags)


@stable
def map_update_elem(fd: int, key: bytes, value: bytes, flags: int = 0) -> None:
    """``BPF_MAP_UPDATE_ELEM``: write a value. Needs Linux 3.19.

    Parameters:
        flags: ``BPF_ANY``, ``BPF_NOEXIST`` or ``BPF_EXIST``, and ``BPF_F_LOCK``.
    """
    _element(uapi.BPF_MAP_UPDATE_ELEM, "=IxxxxQQQ", fd, key, value, flags)


@stable
def map_delete_elem(fd: int, key: bytes) -> None:
    """``BPF_MAP_DELETE_ELEM``: remove an element. Needs Linux 3.19."""
    _element(uapi.BPF_MAP_DELETE_ELEM, "=IxxxxQ", fd, key, b"", 0)


@stable
def map_get_next_key(fd: int, key: bytes | None, key_size: int) -> bytes | None:
    """``BPF_MAP_GET_NEXT_KEY``: the key after `key`, ``None`` at the end. Needs Linux 3.19.

    Parameters:
        key: ``None`` for the first key (Linux 4.12). A key that is not in the map gives the first one too.
    """
    held = _buffer(key)
    following = ctypes.create_string_buffer(max(key_size, 1))
    attr = _pack("=IxxxxQQ", fd, _address(held), ctypes.addressof(following))
    result = syscall.attempt(uapi.BPF_MAP_GET_NEXT_KEY, attr)
    if result == -errno.ENOENT:
        return None
    if result < 0:
        raise _failed(uapi.BPF_MAP_GET_NEXT_KEY, result, fd, key)
    return following.raw[:key_size]


@stable
def map_lookup_and_delete_elem(fd: int, key: bytes, value_size: int, flags: int = 0) -> bytes:
    """``BPF_MAP_LOOKUP_AND_DELETE_ELEM``: take a value out. Needs Linux 4.20 (queue, stack), 5.14 (hash maps).

    Parameters:
        key: empty for a queue or stack.
        value_size, flags: as for `map_lookup_elem`; ``BPF_F_LOCK`` needs Linux 5.14.
    """
    return _element(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, "=IxxxxQQQ", fd, key, bytes(value_size), flags)


@stable
def map_freeze(fd: int) -> None:
    """``BPF_MAP_FREEZE``: keep user space from writing to the map, for good. Needs Linux 5.2."""
    result = syscall.attempt(uapi.BPF_MAP_FREEZE, _pack("=I", fd))
    if result < 0:
        raise _failed(uapi.BPF_MAP_FREEZE, result, fd)


def _batch(
    command: int,
    fd: int,
    keys: ctypes.Array[ctypes.c_char] | None,
    values: ctypes.Array[ctypes.c_char] | None,
    count: int,
    flags: int,
    before: bytes | None = None,
    after: ctypes.Array[ctypes.c_char] | None = None,
) -> tuple[int, int]:
    held = _buffer(before)
    fields = (_address(held), _address(after), _address(keys), _address(values), count, fd, flags, 0)
    attr = _pack("=QQQQIIQQ", *fields)
    result = syscall.attempt(command, attr)
    done: int = struct.unpack_from("=I", attr, _COUNT_OFFSET)[0]
    return result, done


def _lookup_batch(
    command: int, fd: int, count: int, key_size: int, value_size: int, token: bytes | None, flags: int
) -> tuple[bytes, bytes, int, bytes | None]:
    keys = ctypes.create_string_buffer(max(count * key_size, 1))
    values = ctypes.create_string_buffer(max(count * value_size, 1))
    after = ctypes.create_string_buffer(max(_TOKEN, key_size))
    result, done = _batch(command, fd, keys, values, count, flags, token, after)
    if result < 0 and result != -errno.ENOENT:
        raise _failed(command, result, fd, flags=flags)
    following = None if result == -errno.ENOENT else after.raw
    return keys.raw[: done * key_size], values.raw[: done * value_size], done, following


@stable
def map_lookup_batch(
    fd: int, count: int, key_size: int, value_size: int, token: bytes | None = None, flags: int = 0
) -> tuple[bytes, bytes, int, bytes | None]:
    """``BPF_MAP_LOOKUP_BATCH``: up to `count` elements. Needs Linux 5.6.

    Parameters:
        count: for how many there is room; a hash map answers ``ENOSPC`` when that is less than one of its buckets.
        key_size, value_size: as for `map_lookup_elem`.
        token: what the previous call returned, ``None`` for the first.
        flags: of each element, ``BPF_F_LOCK``.

    Returns the keys one after the other, the values, how many there are, and the token for the next call, ``None`` when
    this was the end.
    """
    return _lookup_batch(uapi.BPF_MAP_LOOKUP_BATCH, fd, count, key_size, value_size, token, flags)


@stable
def map_lookup_and_delete_batch(
    fd: int, count: int, key_size: int, value_size: int, token: bytes | None = None, flags: int = 0
) -> tuple[bytes, bytes, int, bytes | None]:
    """``BPF_MAP_LOOKUP_AND_DELETE_BATCH``: the same, and take them out. Needs Linux 5.6."""
    command = uapi.BPF_MAP_LOOKUP_AND_DELETE_BATCH
    return _lookup_batch(command, fd, count, key_size, value_size, token, flags)


@stable
def map_update_batch(fd: int, keys: bytes, values: bytes, count: int, flags: int = 0) -> int:
    """``BPF_MAP_UPDATE_BATCH``: write `count` elements; returns how many were written. Needs Linux 5.6."""
    result, done = _batch(uapi.BPF_MAP_UPDATE_BATCH, fd, _buffer(keys), _buffer(values), count, flags)
    if result < 0:
        raise _failed(uapi.BPF_MAP_UPDATE_BATCH, result, fd, flags=flags)
    return done


@stable
def map_delete_batch(fd: int, keys: bytes, count: int, flags: int = 0) -> int:
    """``BPF_MAP_DELETE_BATCH``: remove `count` elements; returns how many were removed. Needs Linux 5.6.

    It stops at a key that is not there, with `ebpf.errors.KeyMissingError`.
    """
    result, done = _batch(uapi.BPF_MAP_DELETE_BATCH, fd, _buffer(keys), None, count, flags)
    if result < 0:
        raise _failed(uapi.BPF_MAP_DELETE_BATCH, result, fd, flags=flags)
    return done


@stable
def map_get_next_id(start_id: int) -> int | None:
    """``BPF_MAP_GET_NEXT_ID``: the id of a map after `start_id`, ``None`` at the end. Needs Linux 4.13."""
    attr = _pack("=III", start_id, 0, 0)
    result = syscall.attempt(uapi.BPF_MAP_GET_NEXT_ID, attr)
    if result == -errno.ENOENT:
        return None
    if result < 0:
        raise _failed(uapi.BPF_MAP_GET_NEXT_ID, result)
    following: int = struct.unpack_from("=I", attr, 4)[0]
    return following


@stable
def map_get_fd_by_id(map_id: int, flags: int = 0) -> int:
    """``BPF_MAP_GET_FD_BY_ID``: a new file descriptor of the map with an id. Needs Linux 4.13.

    Parameters:
        flags: ``BPF_F_RDONLY``, ``BPF_F_WRONLY``. Need Linux 4.15.
    """
    result = syscall.attempt(uapi.BPF_MAP_GET_FD_BY_ID, _pack("=III", map_id, 0, flags))
    if result < 0:
        raise _failed(uapi.BPF_MAP_GET_FD_BY_ID, result)
    return result


@stable
def obj_pin(path: str | os.PathLike[str], fd: int) -> None:
    """``BPF_OBJ_PIN``: give an object a path in a bpf file system. Needs Linux 4.4."""
    from ebpf.core import objects

    objects.pin(fd, path, "object")


@stable
def obj_get(path: str | os.PathLike[str], flags: int = 0) -> int:
    """``BPF_OBJ_GET``: a new file descriptor of a pinned object. Needs Linux 4.4.

    Parameters:
        flags: ``BPF_F_RDONLY``, ``BPF_F_WRONLY``, of a map. Need Linux 4.15.
    """
    from ebpf.core import objects

    return objects.by_path(path, "object", flags)


@stable
def obj_get_info_by_fd(fd: int, size: int = 128) -> bytes:
    """``BPF_OBJ_GET_INFO_BY_FD``: ``struct bpf_map_info``, as much as the kernel knows of it. Needs Linux 4.13.

    Parameters:
        size: for how many bytes there is room.
    """
    memory = ctypes.create_string_buffer(max(size, 1))
    attr = _pack("=IIQ", fd, size, ctypes.addressof(memory))
    result = syscall.attempt(uapi.BPF_OBJ_GET_INFO_BY_FD, attr)
    if result < 0:
        raise _failed(uapi.BPF_OBJ_GET_INFO_BY_FD, result, fd)
    written: int = struct.unpack_from("=I", attr, 4)[0]
    return memory.raw[:written]
