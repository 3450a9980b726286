"""Maps in the first version's style.

::

    from ebpf.v1.map import HashMap, WriteOption

    numbers = HashMap(512)
    numbers.set(1, 101, WriteOption.CREATE_ENTRY)
    numbers.get(1)      # 101

Each method is one bpf(2) call, visible in ``strace -e trace=bpf``. Needs Linux 3.19.
"""

from __future__ import annotations

import abc
import enum

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.map import MapCore
from ebpf.stability import stable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

__all__ = ["ArrayMap", "DeletableEntries", "HashMap", "Map", "WritableMap", "WriteOption"]


@stable
class WriteOption(enum.IntEnum):
    """What a write does about an entry that is, or is not, there already."""

    CREATE_OR_UPDATE_ENTRY = uapi.BPF_ANY
    """Write in any case."""
    CREATE_ENTRY = uapi.BPF_NOEXIST
    """Write only a new entry; `ebpf.errors.KeyExistsError` when the key is there."""
    UPDATE_ENTRY = uapi.BPF_EXIST
    """Write only over an entry; `ebpf.errors.KeyMissingError` when the key is not there."""


@stable
class Map(abc.ABC):
    """What every map can do: read, walk, count, close.

    A map closes with `close()`, at the end of a ``with`` block, or when it is garbage collected.
    """

    _core: MapCore
    _key: Any
    _value: Any

    def get(self, key: Any) -> Any:
        """The value under `key`: one ``BPF_MAP_LOOKUP_ELEM``.

        Raises `ebpf.errors.KeyMissingError` (a `KeyError`) when there is none, `ebpf.errors.ArgumentError` when `key`
        does not fit the map's key type.
        """
        return self._value.decode(self._core.lookup(self._key.encode(key)))

    def __iter__(self) -> Iterator[Any]:
        """Walk over the keys, one ``BPF_MAP_GET_NEXT_KEY`` each. Entries may be deleted on the way."""
        decode = self._key.decode
        return (decode(key) for key in self._core.walk())

    def __len__(self) -> int:
        """How many entries there are, by walking over the keys: the kernel keeps no count."""
        return sum(1 for _ in self._core.walk())

    def __bool__(self) -> bool:
        """True: a map is a map also when it is empty."""
        return True

    def close(self) -> None:
        """Close the map. The kernel frees it when nothing else holds it. Closing twice is fine."""
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether the map is closed."""
        return self._core.closed

    def fileno(self) -> int:
        """The map's file descriptor. Raises `ebpf.errors.ClosedError` when the map is closed."""
        return self._core.fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"fd {self._core.fd}"
        types = f"{self._key.name} -> {self._value.name}"
        return f"<{type(self).__name__} {types}, max_entries {self._core.max_entries}, {state}>"


@stable
class WritableMap(Map):
    """A map whose entries userspace may write."""

    def set(self, key: Any, value: Any, option: WriteOption = WriteOption.CREATE_OR_UPDATE_ENTRY) -> None:
        """Write `value` under `key`: one ``BPF_MAP_UPDATE_ELEM``.

        Raises `ebpf.errors.KeyExistsError` or `ebpf.errors.KeyMissingError` as `option` says,
        `ebpf.errors.MapFullError` when there is no room, `ebpf.errors.ArgumentError` when `key` or `value` does not
        fit the map's types.
        """
        self._core.update(self._key.encode(key), self._value.encode(value), int(option))


@stable
class DeletableEntries(Map):
    """A map whose entries can be deleted."""

    def delete(self, key: Any) -> None:
        """Remove the entry under `key`:

        one ``BPF_MAP_DELETE_ELEM``. Raises `ebpf.errors.KeyMissingError` without one.
        """
        self._core.delete(self._key.encode(key))


@stable
class HashMap(WritableMap, DeletableEntries):
    """A hash table, ``BPF_MAP_TYPE_HASH``. Needs Linux 3.19.

    Parameters:
        max_entries: how many entries it may hold, 1 or more; room for all is made at once.
        key, value: their types: ``"u8"`` … ``"u64"``, ``"s8"`` … ``"s64"``, or a number of bytes for raw `bytes`.

    Raises `ebpf.errors.UnsupportedFeatureError` where the kernel has no such maps, `ebpf.errors.PermissionDeniedError`
    where this process may not make them, `ebpf.errors.ArgumentError` for arguments that no kernel accepts.
    """

    def __init__(self, max_entries: int, key: str | int = "u32", value: str | int = "u32") -> None:
        self._key = codec(key, "key")
        self._value = codec(value, "value")
        self._core = MapCore(uapi.BPF_MAP_TYPE_HASH, self._key.size, self._value.size, max_entries)
        self._core.show_key = self._key.decode


@stable
class ArrayMap(WritableMap):
    """An array, ``BPF_MAP_TYPE_ARRAY``: the keys are 0 to ``max_entries - 1``, all there from the start. Needs Linux
    3.19.

    Parameters:
        max_entries: its length, 1 or more.
        value: the type of its elements, as for `HashMap`.

    Raises as `HashMap` does.
    """

    def __init__(self, max_entries: int, value: str | int = "u32") -> None:
        self._key = codec("u32", "index")
        self._value = codec(value, "value")
        self._core = MapCore(uapi.BPF_MAP_TYPE_ARRAY, self._key.size, self._value.size, max_entries)
        self._core.show_key = self._key.decode

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries
