"""Many elements of a map: by batch commands where there are any, with one call for each element where not."""

from __future__ import annotations

import ctypes
import errno

from ebpf import uapi
from ebpf.core.adaptation import adapt
from ebpf.core.elements import NOT_FOR_BATCH
from ebpf.core.walk import walk
from ebpf.twin import extension as twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ebpf.core.codec import Codec
    from ebpf.core.map import MapCore

    Memory = ctypes.Array[ctypes.c_char]
    Chunk = tuple[Memory, Memory, int]

__all__ = ["as_dict", "chunks", "read", "remove", "write"]

_CHUNK = 1 << 14  # elements
_MEMORY = 1 << 26  # bytes
_NEVER_LOST = 16  # times that a batch finds nothing because elements vanish, before they are read one by one
_TYPES = frozenset(
    getattr(uapi, "BPF_MAP_TYPE_" + name)
    for name in (
        "HASH",
        "PERCPU_HASH",
        "LRU_HASH",
        "LRU_PERCPU_HASH",
        "HASH_OF_MAPS",
        "ARRAY",
        "PERCPU_ARRAY",
        "ARRAY_OF_MAPS",
        "LPM_TRIE",
        "RHASH",
    )
)
"""Map types with batch commands on some kernel; doing without for another type is no adaptation."""

# Their batches go from key to key (kernel/bpf/syscall.c, generic_map_lookup_batch()): the one of a trie loses its way
# when a key is deleted, the one of an array of maps stops at an empty place.
_WALKED = frozenset((uapi.BPF_MAP_TYPE_LPM_TRIE, uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS))
# The kernel goes over these bucket by bucket, or index by index: nothing comes twice, whatever others do meanwhile.
_ONCE = frozenset(
    getattr(uapi, "BPF_MAP_TYPE_" + name)
    for name in ("HASH", "PERCPU_HASH", "LRU_HASH", "LRU_PERCPU_HASH", "HASH_OF_MAPS", "ARRAY", "PERCPU_ARRAY")
)
# Maps in which an entry changes its place when it is overwritten.
_MOVING = frozenset(
    getattr(uapi, "BPF_MAP_TYPE_" + name)
    for name in (
        "HASH",
        "PERCPU_HASH",
        "LRU_HASH",
        "LRU_PERCPU_HASH",
        "HASH_OF_MAPS",
        "SOCKHASH",
        "DEVMAP_HASH",
        "RHASH",
    )
)


def _memory(size: int) -> Memory:
    return (ctypes.c_char * max(size, 1))()


def chunks(core: MapCore, *, delete: bool = False, size: int = 0) -> Iterator[Chunk]:
    """The elements of a map: memory with keys, memory with values, how many there are in it, again and again.

    Each element that is there all the time comes once; what others insert or delete meanwhile may be missed.

    Parameters:
        delete: take them out of the map.
        size: how many elements to ask for with each call.
    """
    if core.map_type in _WALKED:
        return _one_by_one(core, delete)
    found = _batches(core, delete, size or _reasonable(core))
    return found if core.map_type in _ONCE or delete else _without_repetition(core, found)


def _reasonable(core: MapCore) -> int:
    """A number of elements that take not more than 64 MiB."""
    return max(min(core.max_entries, _CHUNK, _MEMORY // (core.key_size + core.room)), 1)


def _batches(core: MapCore, delete: bool, size: int) -> Iterator[Chunk]:
    command = uapi.BPF_MAP_LOOKUP_AND_DELETE_BATCH if delete else uapi.BPF_MAP_LOOKUP_BATCH
    before: Memory | None = None
    lost = 0
    while True:
        keys, values = _memory(size * core.key_size), _memory(size * core.room)
        after = _memory(max(core.key_size, 8))
        result, count = core.batch(command, keys, values, size, token=(before, after))
        if before is None and -result in NOT_FOR_BATCH:
            _without(core)
            yield from _one_by_one(core, delete)
            return
        if result == -errno.ENOSPC:  # a bucket of the hash table holds more than that
            size *= 2
            continue
        if result < 0 and result not in (-errno.ENOENT, -errno.EINTR):
            raise core.failed(command, None, 0, -result)
        if count:
            yield keys, values, count
            before = after
        elif result == -errno.EINTR:
            lost += 1
            if lost == _NEVER_LOST:
                yield from _one_by_one(core, delete)
                return
        # ENOENT: that was the end. EINTR: elements vanished while they were copied (kernel/bpf/syscall.c,
        # generic_map_lookup_batch()).
        if result == -errno.ENOENT or (not count and result == 0):
            return


def _without(core: MapCore) -> None:
    if core.map_type in _TYPES:
        adapt(core, "batch")


def _one_by_one(core: MapCore, delete: bool) -> Iterator[Chunk]:
    for key in walk(core, again=core.map_type in _MOVING):
        value = core.find(key)
        if value is None or (delete and not core.discard(key)):
            continue  # somebody else was quicker
        yield _filled(key), _filled(value), 1


def _filled(data: bytes) -> Memory:
    return ctypes.create_string_buffer(data, max(len(data), 1))


def _without_repetition(core: MapCore, found: Iterator[Chunk]) -> Iterator[Chunk]:
    seen: set[bytes] = set()
    size = core.key_size
    for keys, values, count in found:
        raw, contents = keys.raw, values.raw
        for index in range(count):
            key = raw[index * size : (index + 1) * size]
            if key not in seen:
                seen.add(key)
                yield _filled(key), _filled(contents[index * core.room : (index + 1) * core.room]), 1


def read(core: MapCore, *, delete: bool = False) -> tuple[Any, Any, int]:
    """All elements: memory with the keys, memory with the values, how many; one call where memory allows."""
    size = core.max_entries
    if size * (core.key_size + core.room) > _MEMORY or not size:
        size = _reasonable(core)
    every = list(chunks(core, delete=delete, size=size))
    if len(every) == 1:
        return every[0]
    keys = bytearray().join([memoryview(chunk[0])[: chunk[2] * core.key_size] for chunk in every])
    values = bytearray().join([memoryview(chunk[1])[: chunk[2] * core.room] for chunk in every])
    return keys, values, sum(chunk[2] for chunk in every)


def as_dict(core: MapCore, key: Codec, value: Codec) -> dict[Any, Any]:
    """All elements in a dictionary."""
    keys, values, count = read(core)
    if twin is not None and key.packer is not None and value.packer is not None:
        made: dict[Any, Any] = twin.dict_of(keys, values, count, key.packer.format[-1], value.packer.format[-1])
        return made
    return dict(zip(key.iterate(keys, count), value.iterate(values, count)))


def write(core: MapCore, keys: bytes, values: bytes, count: int, flags: int = 0) -> None:
    """Write `count` elements. Raises what the first one that cannot be written deserves; those before it stay.

    Parameters:
        keys, values: one after the other.
        flags: ``BPF_ANY``, ``BPF_NOEXIST`` or ``BPF_EXIST``; the batch command takes only 0 and ``BPF_F_LOCK``.
    """
    if not count:
        return
    size, room = core.key_size, core.room
    if flags & ~uapi.BPF_F_LOCK == 0:
        result, done = core.batch(uapi.BPF_MAP_UPDATE_BATCH, _filled(keys), _filled(values), count, flags=flags)
        if result >= 0:
            return
        if done or -result not in NOT_FOR_BATCH:
            raise core.failed(uapi.BPF_MAP_UPDATE_BATCH, keys[done * size : (done + 1) * size], flags, -result)
        _without(core)
    for index in range(count):
        core.update(keys[index * size : (index + 1) * size], values[index * room : (index + 1) * room], flags)


def remove(core: MapCore, keys: bytes, count: int) -> int:
    """Delete `count` keys, those that are there: how many those were."""
    held, size, start, removed = _filled(keys), core.key_size, 0, 0
    while start < count:
        result, done = core.batch(uapi.BPF_MAP_DELETE_BATCH, held, None, count - start, start=start)
        if result < 0 and -result in NOT_FOR_BATCH and not start:
            _without(core)
            return sum(core.discard(keys[index * size : (index + 1) * size]) for index in range(count))
        removed += done
        if result >= 0:
            break
        start += done
        if result != -errno.ENOENT:
            raise core.failed(uapi.BPF_MAP_DELETE_BATCH, keys[start * size : (start + 1) * size], 0, -result)
        start += 1  # this one was not there: go on behind it
    return removed
