"""Maps that are sequences: arrays, with one value or one for each CPU at each index."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf import uapi
from ebpf.core import access, batch
from ebpf.core.codec import codec
from ebpf.stability import beta
from ebpf.v2.map import Map
from ebpf.v2.percpu import PerCpuValues

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any

    from ebpf.core.codec import Codec, Kind
    from ebpf.core.map import MapCore
    from ebpf.core.memory import Memory
    from ebpf.v2.batch import Batch

__all__ = ["ArrayMap", "IndexedMap", "PerCpuArrayMap"]


@beta
@access.subscripted
class IndexedMap(Map, access.Subscript, Sequence):  # type: ignore[type-arg]  # its type is the one given at run time
    """An array as a Python sequence of fixed length: indices from either end, slices, iteration.

    Parameters:
        value: the type of its elements, as for `KeyedMap`.
        max_entries: its length, 1 or more.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.

    Raises as `KeyedMap` does.
    """

    __slots__ = ("_get", "_set", "_typed")

    _get: Callable[[Any], Any]
    _set: Callable[..., None]
    _typed: Any

    def __init__(
        self,
        *,
        value: Kind,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._create(
            codec("u32", "index"),
            self._value_codec(value),
            max_entries,
            flags,
            name=name,
            numa_node=numa_node,
            pin=pin,
            adapt=adapt,
        )

    @classmethod
    def _value_codec(cls, value: Kind) -> Codec:
        return codec(value, "value")

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return codec("u32", "index"), super()._codecs(core, None, value)[1]

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        size = core.max_entries
        made = access.access(core, key, value, lambda index: _index(index, size))
        self._get, self._set, self._typed = made.get, made.set, made.typed

    def __len__(self) -> int:
        return self.core.max_entries

    def __getitem__(self, index: Any) -> Any:
        """The element at an index, one ``BPF_MAP_LOOKUP_ELEM``; for a slice the list of its elements.

        Raises `IndexMissingError`, an `IndexError`.
        """
        if index.__class__ is slice:
            return self._slice(index)
        return self._get(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write an element, one ``BPF_MAP_UPDATE_ELEM``; to a slice, a sequence of as many."""
        if index.__class__ is slice:
            self._set_slice(index, value)
        else:
            self._set(index, value)

    def __iter__(self) -> Iterator[Any]:
        """The elements, read many at a time."""
        decode = self.value_type.decode_many
        for _, values, count in batch.chunks(self.core):
            yield from decode(values, count)

    def set(self, index: int, value: Any, flags: int = uapi.BPF_ANY) -> None:
        """Write with flags, such as ``BPF_F_LOCK``: one ``BPF_MAP_UPDATE_ELEM``."""
        self._set(index, value, flags)

    @property
    def batch(self) -> Batch:
        """Many elements at a time, as lists or as arrays of numpy."""
        from ebpf.v2.batch import Batch

        return Batch(self.core, self.key_type, self.value_type)

    def _slice(self, wanted: slice) -> list[Any]:
        indices = range(*wanted.indices(len(self)))
        if len(indices) * 2 > len(self):  # most of it: many at a time
            return list(self)[wanted]
        return [self._get(index) for index in indices]

    def _set_slice(self, wanted: slice, values: Any) -> None:
        from ebpf.errors import ArgumentError

        indices = range(*wanted.indices(len(self)))
        try:
            given = len(values)
        except TypeError:
            values = list(values)
            given = len(values)
        if given != len(indices):
            raise ArgumentError(f"{given} values were given for {len(indices)} elements: an array keeps its length")
        self.batch.update(indices, values)

    def _types(self) -> str:
        return self.value_type.name


@beta
class ArrayMap(IndexedMap):
    """An array, ``BPF_MAP_TYPE_ARRAY``: all elements are there from the start, and zero. Needs Linux 3.19.

    Parameters:
        mmap: make it so that `memory` can map it (``BPF_F_MMAPABLE``, Linux 5.5).

    The others as for `IndexedMap`.
    """

    __slots__ = ("_memory",)
    TYPE = "BPF_MAP_TYPE_ARRAY"

    _memory: Memory | None

    def __init__(
        self,
        *,
        value: Kind,
        max_entries: int,
        mmap: bool = False,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        if mmap:
            flags |= uapi.BPF_F_MMAPABLE
        super().__init__(
            value=value, max_entries=max_entries, name=name, flags=flags, numa_node=numa_node, pin=pin, adapt=adapt
        )

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        self._memory = None

    @property
    def memory(self) -> Memory:
        """The array mapped into this process: reading and writing without a call. Needs ``mmap=True`` and Linux 5.5.

        Raises `UnsupportedFeatureError` where the kernel cannot, `ArgumentError` for an array made without ``mmap``.
        It is unmapped when the map is closed and nobody uses the views any more.
        """
        if self._memory is None or self._memory.closed:
            from ebpf.core.memory import Memory

            self._memory = Memory(self.core, self.value_type)
        return self._memory

    def close(self) -> None:
        super().close()
        if self._memory is not None:
            self._memory.close()


@beta
class PerCpuArrayMap(PerCpuValues, IndexedMap):
    """An array with one value for each CPU at each index, ``BPF_MAP_TYPE_PERCPU_ARRAY``. Needs Linux 4.6.

    Values as for `PerCpuHashMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_PERCPU_ARRAY"

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return codec("u32", "index"), cls._value_codec(core.value_size if value is None else value)


def _index(index: Any, size: int) -> int:
    """The index as the kernel takes it: from the front. Raises `IndexMissingError`, `ArgumentError`."""
    try:
        number: int = index.__index__()
    except AttributeError:
        from ebpf.errors import ArgumentError

        raise ArgumentError(f"index {index!r} is not an integer, nor a slice") from None
    if -size <= number < size:
        return number if number >= 0 else number + size
    import errno

    from ebpf.errors import IndexMissingError

    raise IndexMissingError(
        errno.E2BIG, f"index {number} is beyond the array: it has 0 to {size - 1}, and -{size} to -1"
    )
