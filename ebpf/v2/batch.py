"""Many elements of a map at a time, as lists or as arrays of numpy."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core import batch
from ebpf.errors import ArgumentError
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from ebpf.core.codec import Codec
    from ebpf.core.map import MapCore

__all__ = ["Batch"]


@beta
class Batch:
    """The batch operations of a map, ``m.batch``. Linux 5.6 has them for hash and array maps.

    Where the kernel lacks them, the same is done with one call for each element, and ``m.adaptations`` says so.
    """

    __slots__ = ("_core", "_key", "_value")

    def __init__(self, core: MapCore, key: Codec, value: Codec) -> None:
        self._core = core
        self._key = key
        self._value = value

    def lookup(self) -> tuple[list[Any], list[Any]]:
        """All keys and, in the same order, all values: one ``BPF_MAP_LOOKUP_BATCH`` where memory allows."""
        return self._lists(delete=False)

    def lookup_and_delete(self) -> tuple[list[Any], list[Any]]:
        """The same, and take them out of the map: ``BPF_MAP_LOOKUP_AND_DELETE_BATCH``."""
        return self._lists(delete=True)

    def dict(self) -> dict[Any, Any]:
        """All elements in a dictionary: faster than ``dict(m.items())``, which takes them over one by one."""
        return batch.as_dict(self._core, self._key, self._value)

    def arrays(self, *, delete: bool = False) -> tuple[Any, Any]:
        """All keys and all values as two arrays of numpy, over the memory that the kernel wrote.

        Parameters:
            delete: take them out of the map.

        A per-CPU value is a row with one column for each possible CPU.
        """
        keys, values, count = batch.read(self._core, delete=delete)
        return self._key.array(keys, count), self._value.array(values, count)

    def update(self, keys: Iterable[Any], values: Iterable[Any], flags: int = uapi.BPF_ANY) -> int:
        """Write many elements: one ``BPF_MAP_UPDATE_BATCH``. How many they were.

        Parameters:
            keys, values: as many of each; arrays of numpy with the right dtypes are taken as they are.
            flags: ``BPF_NOEXIST``, ``BPF_EXIST`` (one call for each element), ``BPF_F_LOCK``.

        Raises what the first element that cannot be written deserves; those before it are written.
        """
        coded_keys, coded_values = self._key.encode_many(keys), self._value.encode_many(values)
        count, rest = divmod(len(coded_keys), self._key.size)
        if rest or len(coded_values) != count * self._value.size:
            raise ArgumentError(
                f"{count} keys and {len(coded_values) // self._value.size} values were given: there must be as many"
            )
        batch.write(self._core, coded_keys, coded_values, count, flags)
        return count

    def delete(self, keys: Collection[Any]) -> int:
        """Delete those of the keys that are there, with ``BPF_MAP_DELETE_BATCH``: how many those were."""
        coded = self._key.encode_many(keys)
        return batch.remove(self._core, coded, len(coded) // self._key.size)

    def _lists(self, delete: bool) -> tuple[list[Any], list[Any]]:
        keys, values, count = batch.read(self._core, delete=delete)
        return self._key.decode_many(keys, count), self._value.decode_many(values, count)
