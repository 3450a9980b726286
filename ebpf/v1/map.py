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
from ebpf.core import access
from ebpf.core.codec import codec
from ebpf.core.map import MapCore
from ebpf.stability import stable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ebpf.core.codec import Codec
    from ebpf.v1.hashes import LpmTrie, LruHashMap, LruPerCpuHashMap, PerCpuArrayMap, PerCpuHashMap, RHashMap
    from ebpf.v1.keyless import BloomFilter, KeylessMap, Queue, RingBuffer, Stack, UserRingBuffer
    from ebpf.v1.network import CpuMap, DevMap, DevMapHash, ReuseportSockArray, SockHash, SockMap, XskMap
    from ebpf.v1.references import (
        ArrayOfMaps,
        CgroupArray,
        HashOfMaps,
        InsnArray,
        PerfEventArray,
        ProgramArray,
        StackTraceMap,
    )
    from ebpf.v1.storage import CgroupStorage, CgrpStorage, InodeStorage, PerCpuCgroupStorage, SkStorage, TaskStorage

__all__ = [
    "ArrayMap",
    "ArrayOfMaps",
    "BloomFilter",
    "CgroupArray",
    "CgroupStorage",
    "CgrpStorage",
    "CpuMap",
    "DeletableEntries",
    "DevMap",
    "DevMapHash",
    "HashMap",
    "HashOfMaps",
    "InodeStorage",
    "InsnArray",
    "KeylessMap",
    "LpmTrie",
    "LruHashMap",
    "LruPerCpuHashMap",
    "Map",
    "PerCpuArrayMap",
    "PerCpuCgroupStorage",
    "PerCpuHashMap",
    "PerfEventArray",
    "ProgramArray",
    "Queue",
    "RHashMap",
    "ReuseportSockArray",
    "RingBuffer",
    "SkStorage",
    "SockHash",
    "SockMap",
    "Stack",
    "StackTraceMap",
    "TaskStorage",
    "UserRingBuffer",
    "WritableMap",
    "WriteOption",
    "XskMap",
]

# The modules with the classes beyond the first two, loaded when one of them is asked for.
_MODULES = ("hashes", "keyless", "network", "references", "storage")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found: object = getattr(getattr(__import__(f"ebpf.v1.{module}").v1, module), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module 'ebpf.v1.map' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


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
    _get: Callable[[Any], Any]
    _set: Callable[..., None]

    def _make(self, map_type: int, key: Codec, value: Codec, max_entries: int, flags: int = 0, **fields: Any) -> None:
        """Create the map: one ``BPF_MAP_CREATE``. Parameters as for `MapCore`."""
        each = getattr(value, "each", value)  # of a per-CPU value the kernel is told the size of one
        self._take_over(MapCore(map_type, key.size, each.size, max_entries, flags, **fields), key, value)

    def _take_over(self, core: MapCore, key: Codec, value: Codec) -> None:
        """Be the map behind `core`, with these types."""
        self._core = core
        self._key = key
        self._value = value
        made = access.access(core, key, value)
        self._get, self._set = made.get, made.set
        core.show_key = key.decode

    def get(self, key: Any) -> Any:
        """The value under `key`: one ``BPF_MAP_LOOKUP_ELEM``.

        Raises `ebpf.errors.KeyMissingError` (a `KeyError`) when there is none, `ebpf.errors.ArgumentError` when `key`
        does not fit the map's key type.
        """
        return self._get(key)

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

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        self._core.refuse_pickling(self)

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
        self._set(key, value, option)


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
        self._make(uapi.BPF_MAP_TYPE_HASH, codec(key, "key"), codec(value, "value"), max_entries)


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
        self._make(uapi.BPF_MAP_TYPE_ARRAY, codec("u32", "index"), codec(value, "value"), max_entries)

    def __len__(self) -> int:
        """The array's length, ``max_entries``."""
        return self._core.max_entries
