"""Maps that are mappings: ``m[k]``, ``m[k] = v``, ``in``, ``del``, ``items()``, ``update()``."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, MutableMapping, ValuesView

from ebpf import uapi
from ebpf.core import access, batch
from ebpf.core.codec import codec
from ebpf.stability import beta
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any

    from ebpf.core.codec import Codec, Kind
    from ebpf.core.map import MapCore
    from ebpf.v2.batch import Batch

__all__ = ["KeyedMap"]

_MISSING: Any = object()


@beta
@access.subscripted
class KeyedMap(Map, access.Subscript, MutableMapping):  # type: ignore[type-arg]  # its types are those given at run time
    """A map of keys to values as a Python mapping.

    Parameters:
        key, value: their types: ``"u32"``, a `struct` format, a ctypes or dataclass type, a numpy dtype, an address
            type of `ipaddress`, a number of bytes; see `ebpf.core.codec.codec`.
        max_entries: how many entries it may hold, 1 or more.
        name: up to 15 letters, digits, ``_`` and ``.``, as bpftool shows it.
        flags: ``BPF_F_…`` of ``BPF_MAP_CREATE``.
        numa_node: the NUMA node of its memory. Needs Linux 4.14.
        pin: a path in a bpf file system. What is pinned there is opened, if it is such a map; else it is created and
            pinned there.
        adapt: whether to do without what the kernel lacks (see docs/adaptations.md), or to raise.

    Raises `UnsupportedFeatureError` where the kernel has no such maps, `PermissionDeniedError` where this process may
    not make them, `ArgumentError` for arguments that no kernel accepts.
    """

    __slots__ = ("_get", "_set", "_typed")

    FLAGS = 0
    """Flags that the type insists on."""

    _get: Callable[[Any], Any]
    _set: Callable[..., None]
    _typed: Any

    def __init__(
        self,
        *,
        key: Kind,
        value: Kind,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._create(
            codec(key, "key"),
            self._value_codec(value),
            max_entries,
            flags | self.FLAGS,
            name=name,
            numa_node=numa_node,
            pin=pin,
            adapt=adapt,
        )

    @classmethod
    def _value_codec(cls, value: Kind) -> Codec:
        return codec(value, "value")

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        made = access.access(core, key, value)
        self._get, self._set, self._typed = made.get, made.set, made.typed

    # One entry: each is one call

    def __getitem__(self, key: Any) -> Any:
        """The value: one ``BPF_MAP_LOOKUP_ELEM``. Raises `KeyMissingError`, a `KeyError`."""
        return self._get(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write: one ``BPF_MAP_UPDATE_ELEM``. Raises `MapFullError`."""
        self._set(key, value)

    def __delitem__(self, key: Any) -> None:
        """Remove: one ``BPF_MAP_DELETE_ELEM``. Raises `KeyMissingError`, a `KeyError`."""
        self.core.delete(self.key_type.encode(key))

    def __contains__(self, key: object) -> bool:
        """Whether the key is there: one ``BPF_MAP_LOOKUP_ELEM``."""
        return self.core.find(self.key_type.encode(key)) is not None

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default`: one ``BPF_MAP_LOOKUP_ELEM``."""
        data = self.core.find(self.key_type.encode(key))
        return default if data is None else self.value_type.decode(data)

    def set(self, key: Any, value: Any, flags: int = uapi.BPF_ANY) -> None:
        """Write with flags: one ``BPF_MAP_UPDATE_ELEM``.

        Parameters:
            flags: ``BPF_NOEXIST`` (only a new entry; else `KeyExistsError`), ``BPF_EXIST`` (only over an entry; else
                `KeyMissingError`), with ``BPF_F_LOCK`` where the value has a spin lock.
        """
        self._set(key, value, flags)

    def setdefault(self, key: Any, default: Any = _MISSING) -> Any:
        """The value, after writing `default` where there is none: nobody else's value is overwritten."""
        from ebpf.errors import ArgumentError, KeyExistsError, KeyMissingError

        while True:
            try:
                return self._get(key)
            except KeyMissingError:
                if default is _MISSING:
                    raise ArgumentError("setdefault() needs a default: a map cannot hold None") from None
            try:
                self.set(key, default, uapi.BPF_NOEXIST)
            except KeyExistsError:
                continue  # somebody was quicker: theirs counts
            return default

    def lookup_and_delete(self, key: Any) -> Any:
        """Take an entry out: one ``BPF_MAP_LOOKUP_AND_DELETE_ELEM`` (Linux 5.14 for hash maps).

        Where the kernel cannot, the entry is looked up and then deleted: who deletes it has taken it; what others write
        to it between the two calls is lost. Raises `KeyMissingError`, a `KeyError`.
        """
        from ebpf.core.take import take

        return self.value_type.decode(take(self.core, self.key_type.encode(key)))

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """`lookup_and_delete`, with a default for a key that is not there."""
        from ebpf.errors import KeyMissingError

        try:
            return self.lookup_and_delete(key)
        except KeyMissingError:
            if default is _MISSING:
                raise
            return default

    def popitem(self) -> tuple[Any, Any]:
        """Take out some entry. Raises `KeyError` when the map is empty."""
        from ebpf.errors import KeyMissingError

        for key in self.core.walk():
            thing = self.key_type.decode(key)
            try:
                return thing, self.lookup_and_delete(thing)
            except KeyMissingError:
                continue  # somebody else took it
        raise KeyError("the map is empty")

    # All entries

    def __iter__(self) -> Iterator[Any]:
        """The keys, each once, also while the map changes; entries may be deleted on the way."""
        decode = self.key_type.decode_many
        for keys, _, count in batch.chunks(self.core):
            yield from decode(keys, count)

    def __len__(self) -> int:
        """How many entries there are, by reading them: the kernel keeps no count."""
        return sum(count for _, _, count in batch.chunks(self.core))

    def keys(self) -> KeysView[Any]:
        """The keys, as a view."""
        return KeysView(self)

    def items(self) -> ItemsView[Any, Any]:
        """The entries, as a view: read many at a time, each key once, also while the map changes."""
        return _Items(self)

    def to_dict(self) -> dict[Any, Any]:
        """All entries: what ``dict(m.items())`` is, made the fastest way."""
        found: dict[Any, Any] = {}
        keys, values = self.key_type.decode_many, self.value_type.decode_many
        for chunk in batch.chunks(self.core):
            found.update(zip(keys(chunk[0], chunk[2]), values(chunk[1], chunk[2])))
        return found

    def values(self) -> ValuesView[Any]:
        """The values, as a view."""
        return _Values(self)

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Write many entries, with one ``BPF_MAP_UPDATE_BATCH`` (Linux 5.6) or one call each.

        Parameters:
            other: a mapping, or pairs of key and value.

        Raises what the first entry that cannot be written deserves; those before it are written.
        """
        pairs = dict(other, **more) if more else dict(other)
        self.batch.update(pairs.keys(), pairs.values())

    def clear(self) -> None:
        """Delete all entries, many at a time (Linux 5.6) or one by one."""
        for _ in batch.chunks(self.core, delete=True):
            pass

    @property
    def batch(self) -> Batch:
        """Many entries at a time, as lists or as arrays of numpy."""
        from ebpf.v2.batch import Batch

        return Batch(self.core, self.key_type, self.value_type)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, (KeyedMap, dict)):
            return NotImplemented
        return self.to_dict() == (other.to_dict() if isinstance(other, KeyedMap) else other)

    __hash__ = None  # type: ignore[assignment]  # it changes, as a dict does


class _Items(ItemsView):  # type: ignore[type-arg]  # of what the map holds
    __slots__ = ()
    _mapping: KeyedMap

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        from itertools import chain

        source = self._mapping
        keys, values = source.key_type.iterate, source.value_type.iterate
        found = batch.chunks(source.core)
        return chain.from_iterable(zip(keys(chunk[0], chunk[2]), values(chunk[1], chunk[2])) for chunk in found)


class _Values(ValuesView):  # type: ignore[type-arg]  # of what the map holds
    __slots__ = ()
    _mapping: KeyedMap

    def __iter__(self) -> Iterator[Any]:
        decode = self._mapping.value_type.decode_many
        for _, values, count in batch.chunks(self._mapping.core):
            yield from decode(values, count)

    def __contains__(self, value: object) -> bool:
        return any(value == each for each in self)
