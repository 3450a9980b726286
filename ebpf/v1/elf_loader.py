"""Object files in the first version's style.

::

    from ebpf.v1.elf_loader import ElfLoader

    with ElfLoader("count.bpf.o") as loader:
        loader.attach("count_packets", interface="eth0")
        loader.map("packets", "u32", "u64").get(0)
"""

from __future__ import annotations

from ebpf.core.codec import codec
from ebpf.errors import ArgumentError
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ebpf.v1.map import WritableMap

__all__ = ["ElfLoader"]


@beta
class ElfLoader:
    """An object file that clang or another compiler made, loaded: its maps are created, its programs verified.

    Parameters:
        path: the file.

    Raises `ebpf.errors.ObjectFileError` when it is no BPF object, `ebpf.errors.ObjectLoadError`, which names every
    obstacle at once, when this kernel does not take it. Nothing is left behind then.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from ebpf.v2.object import Object

        self._object = Object.open(path)
        try:
            self._object.load()
        except BaseException:
            self._object.close()
            raise

    @property
    def map_names(self) -> list[str]:
        """The names of its maps."""
        return list(self._object.specs)

    @property
    def program_names(self) -> list[str]:
        """The names of its programs."""
        return list(self._object.programs)

    def map(self, name: str, key: str | int | None = None, value: str | int | None = None) -> WritableMap:
        """One of its hash tables or arrays, as a map of `ebpf.v1.map`.

        Parameters:
            name: as in the source.
            key, value: their types, as for `ebpf.v1.map.HashMap`; bytes when not given.

        Raises `ebpf.errors.ArgumentError` when there is no such map, or it is of another type: `ebpf.v2.Object` has
        every type. The map lives as long as the loader.
        """
        from ebpf import uapi
        from ebpf.core.map import MapCore
        from ebpf.v1 import map as maps

        if name not in self._object.specs:
            raise ArgumentError(f"there is no map {name!r}; there are {', '.join(self.map_names) or 'none'}")
        core = MapCore.from_fd(_duplicate(self._object.maps[name].fileno()))
        classes: dict[int, type[WritableMap]] = {
            uapi.BPF_MAP_TYPE_HASH: maps.HashMap,
            uapi.BPF_MAP_TYPE_ARRAY: maps.ArrayMap,
            uapi.BPF_MAP_TYPE_LRU_HASH: maps.LruHashMap,
        }
        kind = classes.get(core.map_type)
        if kind is None:
            core.close()
            raise ArgumentError(f"the map {name!r} is no hash table or array: use ebpf.v2.Object for it")
        found: Any = kind.__new__(kind)
        key_type = codec(core.key_size if key is None else key, "key")
        found._take_over(core, key_type, codec(core.value_size if value is None else value, "value"))
        _check(name, found)
        return found  # type: ignore[no-any-return]  # one of the classes above

    def attach(self, program: str, **options: Any) -> None:
        """Attach a program as the name of its section says.

        Parameters:
            program: its name.
            options: what that does not say: ``interface``, ``path``, ``socket`` …, as for `ebpf.v2.attach`.

        It stays attached until the loader is closed.
        """
        if program not in self._object.programs:
            raise ArgumentError(f"there is no program {program!r}; there are {', '.join(self.program_names) or 'none'}")
        self._object.links.append(self._object.programs[program].attach(**options))

    def close(self) -> None:
        """Detach and close everything. Closing twice is fine."""
        self._object.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _duplicate(fd: int) -> int:
    import os

    return os.dup(fd)


def _check(name: str, found: Any) -> None:
    core = found._core
    for what, size, given in (("key", core.key_size, found._key), ("value", core.value_size, found._value)):
        if given.size != size:
            core.close()
            raise ArgumentError(f"the {what}s of the map {name!r} have {size} bytes, not {given.size} ({given.name})")
