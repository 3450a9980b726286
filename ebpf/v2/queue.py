"""Maps without keys: queue, stack, bloom filter."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import Codec, codec
from ebpf.stability import beta
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["BloomFilter", "Queue", "Stack"]

_MISSING: Any = object()
_NO_KEY = Codec("no key", 0, bytes, bytes)


class _Keyless(Map):
    __slots__ = ()

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return _NO_KEY, codec(core.value_size if value is None else value, "value")

    def _types(self) -> str:
        return self.value_type.name


class _Pile(_Keyless):
    __slots__ = ()

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
            _NO_KEY,
            codec(value, "value"),
            max_entries,
            flags,
            name=name,
            numa_node=numa_node,
            pin=pin,
            adapt=adapt,
        )

    def push(self, value: Any, *, overwrite: bool = False) -> None:
        """Put a value in: one ``BPF_MAP_UPDATE_ELEM``.

        Parameters:
            overwrite: drop the oldest when there is no room (``BPF_EXIST``).

        Raises `MapFullError`.
        """
        self.core.update(b"", self.value_type.encode(value), uapi.BPF_EXIST if overwrite else uapi.BPF_ANY)

    def extend(self, values: Iterable[Any]) -> None:
        """Push one after the other."""
        for value in values:
            self.push(value)

    def peek(self, default: Any = _MISSING) -> Any:
        """The value that `pop` would take, left where it is: one ``BPF_MAP_LOOKUP_ELEM``. Raises as `pop`."""
        data = self.core.find(b"")
        return self._empty(default) if data is None else self.value_type.decode(data)

    def pop(self, default: Any = _MISSING) -> Any:
        """Take a value out: one ``BPF_MAP_LOOKUP_AND_DELETE_ELEM``.

        Raises `IndexMissingError`, an `IndexError`, when it is empty and there is no `default`.
        """
        data = self.core.find(b"", delete=True)
        return self._empty(default) if data is None else self.value_type.decode(data)

    def drain(self) -> Iterator[Any]:
        """Take the values out one by one until none is left."""
        while (data := self.core.find(b"", delete=True)) is not None:
            yield self.value_type.decode(data)

    def _empty(self, default: Any) -> Any:
        if default is not _MISSING:
            return default
        import errno

        from ebpf.errors import IndexMissingError

        raise IndexMissingError(errno.ENOENT, f"{self.TYPE} is empty")


@beta
class Queue(_Pile):
    """First in, first out, ``BPF_MAP_TYPE_QUEUE``. Needs Linux 4.20.

    Parameters:
        value: the type of what is in it, as for `KeyedMap`.
        max_entries: how many values it may hold.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_QUEUE"


@beta
class Stack(_Pile):
    """Last in, first out, ``BPF_MAP_TYPE_STACK``. Needs Linux 4.20. Parameters as for `Queue`."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_STACK"


@beta
class BloomFilter(_Keyless):
    """A set that says of a value *surely not* or *maybe*, ``BPF_MAP_TYPE_BLOOM_FILTER``. Needs Linux 5.16.

    Parameters:
        value: the type of what is put in.
        max_entries: how many values it is made for; more can be put in, and make it say *maybe* more often.
        hashes: how many hash functions, 1 to 15; the kernel takes 5 for 0.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_BLOOM_FILTER"

    def __init__(
        self,
        *,
        value: Kind,
        max_entries: int,
        hashes: int = 0,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        if hashes not in range(16):
            from ebpf.errors import ArgumentError

            raise ArgumentError(f"hashes is {hashes!r}: give a number from 1 to 15, or 0 for the kernel's choice")
        self._create(
            _NO_KEY,
            codec(value, "value"),
            max_entries,
            flags,
            name=name,
            numa_node=numa_node,
            map_extra=hashes,
            pin=pin,
            adapt=adapt,
        )

    def add(self, value: Any) -> None:
        """Put a value in: one ``BPF_MAP_UPDATE_ELEM``. It cannot be taken out."""
        self.core.update(b"", self.value_type.encode(value))

    def update(self, values: Iterable[Any]) -> None:
        """Put values in, one call each."""
        for value in values:
            self.add(value)

    def __contains__(self, value: object) -> bool:
        """Whether the value may have been put in: false is sure. One ``BPF_MAP_LOOKUP_ELEM``."""
        return self.core.holds(self.value_type.encode(value))
