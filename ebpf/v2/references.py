"""Maps whose values are other objects of the kernel: programs, maps, perf events, cgroups."""

from __future__ import annotations

from ebpf.core.codec import Codec, codec
from ebpf.core.reference import reference
from ebpf.errors import ArgumentError
from ebpf.stability import beta
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from typing_extensions import Self

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["ArrayOfMaps", "CgroupArray", "HashOfMaps", "PerfEventArray", "ProgramArray", "References", "SlotMap"]


@beta
class SlotMap(Map):
    """An array into which user space puts objects, without being able to read what is there.

    Parameters:
        max_entries: its length.
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    VALUE_SIZE = 4

    def __init__(
        self,
        *,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        value = reference(self.VALUE_SIZE)
        self._create(codec("u32", "index"), value, max_entries, flags, name=name, pin=pin, adapt=adapt)

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return codec("u32", "index"), reference(core.value_size)

    def __len__(self) -> int:
        return self.core.max_entries

    def __setitem__(self, index: int, thing: Any) -> None:
        """Put an object in: anything with ``fileno()``, or a file descriptor. One ``BPF_MAP_UPDATE_ELEM``."""
        self.core.update(self.key_type.encode(index), self.value_type.encode(thing))

    def __delitem__(self, index: int) -> None:
        """Take the object at an index out: one ``BPF_MAP_DELETE_ELEM``. Raises `KeyMissingError` without one."""
        self.core.delete(self.key_type.encode(index))


@beta
class PerfEventArray(SlotMap):
    """Perf events by their index, mostly that of their CPU, ``BPF_MAP_TYPE_PERF_EVENT_ARRAY``. Needs Linux 4.3.

    ``m[cpu] = event`` takes the descriptor of perf_event_open(2). The kernel takes an event out again when the map is
    closed here, unless ``flags`` has ``BPF_F_PRESERVE_ELEMS`` (Linux 5.10).
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_PERF_EVENT_ARRAY"


@beta
class CgroupArray(SlotMap):
    """Cgroups (version 2) by an index, ``BPF_MAP_TYPE_CGROUP_ARRAY``. Needs Linux 4.8.

    ``m[0] = "/sys/fs/cgroup/name"`` takes a path, or the descriptor of a cgroup's directory.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_CGROUP_ARRAY"

    def __setitem__(self, index: int, thing: Any) -> None:
        from ebpf.core.reference import opened

        with opened(thing) as fd:
            super().__setitem__(index, fd)


class References(KeyedMap):
    """Maps whose values are written as file descriptors and read as ids or cookies."""

    __slots__ = ()

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        if key is None:
            key = "u32" if core.key_size == 4 else core.key_size
        return codec(key, "key"), reference(core.value_size)


@beta
class ProgramArray(References):
    """Programs by an index, for tail calls, ``BPF_MAP_TYPE_PROG_ARRAY``. Needs Linux 4.2.

    ``m[0] = program`` takes a program, or its file descriptor; ``m[0]`` is the program's id (Linux 4.15). The array is
    emptied when no program and no process holds it any more.

    Parameters:
        max_entries: its length.
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_PROG_ARRAY"

    def __init__(
        self,
        *,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._create(codec("u32", "index"), reference(4), max_entries, flags, name=name, pin=pin, adapt=adapt)


class _MapOfMaps(References):
    __slots__ = ("_inner",)

    _inner: tuple[type[Map], Codec, Codec] | None

    def _make(
        self,
        key: Codec,
        inner: Map,
        max_entries: int,
        flags: int,
        name: str,
        numa_node: int | None,
        pin: str | os.PathLike[str] | None,
        adapt: bool,
    ) -> None:
        if not isinstance(inner, Map):
            raise ArgumentError(f"inner is {inner!r}: give a map like those that will be put in")
        self._create(
            key,
            reference(4),
            max_entries,
            flags,
            name=name,
            numa_node=numa_node,
            inner_map_fd=inner.fileno(),
            pin=pin,
            adapt=adapt,
        )
        self._inner = (type(inner), inner.key_type, inner.value_type)

    @classmethod
    def _from_core(cls, core: MapCore, key: Kind | None, value: Kind | None) -> Self:
        made = super()._from_core(core, key, value)
        made._inner = None
        return made

    def __getitem__(self, key: Any) -> Map:
        """The map that is there, opened: to be closed by the caller. Needs CAP_SYS_ADMIN, and Linux 4.13.

        Raises `KeyMissingError`, a `KeyError`.
        """
        return self._opened(self._get(key))

    def get(self, key: Any, default: Any = None) -> Any:
        """The map that is there, opened, or `default`."""
        number = super().get(key)
        return default if number is None else self._opened(number)

    def ids(self) -> dict[Any, int]:
        """The keys, and the ids of the maps under them."""
        return dict(super().items())

    def _opened(self, number: int) -> Map:
        from ebpf.core import objects

        fd = objects.by_id(objects.MAP, number)
        if self._inner is None:
            from ebpf.v2.open import from_fd

            return from_fd(fd)
        kind, key, value = self._inner
        return kind.from_fd(fd, key=key, value=value, adapt=self.core.adapt)


@beta
class ArrayOfMaps(_MapOfMaps):
    """Maps by an index, ``BPF_MAP_TYPE_ARRAY_OF_MAPS``. Needs Linux 4.12.

    ``m[0] = map`` puts one in, ``m[0]`` opens it, ``ids()`` tells the ids, ``items()`` and ``values()`` too.

    Parameters:
        inner: a map like those that will be put in: same type, sizes of key and value, and flags.
        max_entries: its length.
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_ARRAY_OF_MAPS"

    def __init__(
        self,
        *,
        inner: Map,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._make(codec("u32", "index"), inner, max_entries, flags, name, numa_node, pin, adapt)


@beta
class HashOfMaps(_MapOfMaps):
    """Maps by a key, ``BPF_MAP_TYPE_HASH_OF_MAPS``. Needs Linux 4.12. As `ArrayOfMaps`, with the type of its keys."""

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_HASH_OF_MAPS"

    def __init__(
        self,
        *,
        key: Kind,
        inner: Map,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._make(codec(key, "key"), inner, max_entries, flags, name, numa_node, pin, adapt)
