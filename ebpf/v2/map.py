"""What every map of v2 can do, whatever its type."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.codec import codec
from ebpf.core.map import MapCore
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ebpf.core.adaptation import Adaptation
    from ebpf.core.codec import Codec, Kind
    from ebpf.core.map_info import MapInfo

__all__ = ["Map"]


@beta
class Map:
    """Base of the maps: open and closed, named, pinned, frozen.

    A map closes with `close()`, at the end of a ``with`` block, or when it is garbage collected. The kernel keeps it as
    long as anything else holds it: a program, a pin, another descriptor.

    Attributes:
        TYPE: the kernel's name of the type.
        key_type, value_type: the `Codec` of keys and values.
        core: the map on bytes, `ebpf.core.map.MapCore`.
    """

    __slots__ = ("__weakref__", "core", "key_type", "value_type")

    TYPE = ""
    """The kernel's name of the map type."""

    core: MapCore
    key_type: Codec
    value_type: Codec

    def _create(
        self,
        key: Codec,
        value: Codec,
        max_entries: int,
        flags: int,
        *,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
        **fields: Any,
    ) -> None:
        """Make the map; with `pin`, open the one that is pinned there, or make it and pin it."""
        number: int = getattr(uapi, self.TYPE)
        core = MapCore(number, key.size, self._value_size(value), max_entries, flags, adapt=adapt, **fields)
        if pin is not None:
            try:
                core = _pinned(core, pin)
            except BaseException:
                core.close()
                raise
        self._attach(core, key, value)

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        """Take over a map. Subclasses prepare here what their operations need."""
        self.core = core
        self.key_type = key
        self.value_type = value
        core.show_key = key.decode

    @staticmethod
    def _value_size(value: Codec) -> int:
        """The size that the kernel is told; per-CPU values are larger in user space."""
        return value.size

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        """The types of a map that was opened: those given, or bytes."""
        return (
            codec(core.key_size if key is None else key, "key"),
            codec(core.value_size if value is None else value, "value"),
        )

    @classmethod
    def from_fd(cls, fd: int, *, key: Kind | None = None, value: Kind | None = None, adapt: bool = True) -> Self:
        """Take over a file descriptor of such a map, from another process or library; it is closed with the map.

        Parameters:
            key, value: their types; without, bytes.

        Raises `ArgumentError` when the descriptor is of a map of another type or size; it is closed then too.
        """
        core = MapCore.from_fd(fd, adapt=adapt)
        try:
            return cls._from_core(core, key, value)
        except BaseException:
            core.close()
            raise

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, key: Kind | None = None, value: Kind | None = None, adapt: bool = True
    ) -> Self:
        """Open a map that is pinned in a bpf file system. Needs Linux 4.4. `open_map` does so for any type."""
        from ebpf.core import objects

        return cls.from_fd(objects.by_path(path, "map"), key=key, value=value, adapt=adapt)

    @classmethod
    def _from_core(cls, core: MapCore, key: Kind | None, value: Kind | None) -> Self:
        from ebpf.core import rules
        from ebpf.errors import ArgumentError

        if core.map_type != getattr(uapi, cls.TYPE):
            raise ArgumentError(
                f"this map is a {rules.map_type_name(core.map_type)}, not a {cls.TYPE}: open it with ebpf.v2.open_map()"
            )
        keys, values = cls._codecs(core, key, value)
        for what, given, there in (("key", keys.size, core.key_size), ("value", values.size, core.room)):
            if given != there:
                raise ArgumentError(f"the {what}s of this map have {there} bytes, the type given has {given}")
        made = cls.__new__(cls)
        made._attach(core, keys, values)
        return made

    @property
    def max_entries(self) -> int:
        """How many elements it may hold (bytes of a ring buffer, pages of an arena)."""
        return self.core.max_entries

    @property
    def flags(self) -> int:
        """The ``BPF_F_…`` flags it was created with."""
        return self.core.flags

    @property
    def name(self) -> str:
        """Its name, at most 15 characters; empty without one."""
        return self.core.name

    @property
    def adaptations(self) -> tuple[Adaptation, ...]:
        """What this map does without on this kernel; see docs/adaptations.md."""
        return self.core.adaptations

    @property
    def info(self) -> MapInfo:
        """What the kernel says of it: one ``BPF_OBJ_GET_INFO_BY_FD``. Needs Linux 4.13 for the most of it."""
        return self.core.info

    @property
    def id(self) -> int:
        """The kernel's id of it, 0 where the kernel gives none. Needs Linux 4.13."""
        number: int = self.info.id
        return number

    def freeze(self) -> None:
        """Keep user space from changing the map from now on, for good: one ``BPF_MAP_FREEZE``. Needs Linux 5.2."""
        self.core.freeze()

    def pin(self, path: str | os.PathLike[str]) -> None:
        """Give it a path in a bpf file system, so that it outlives the process: one ``BPF_OBJ_PIN``. Needs Linux 4.4.

        Raises `SyscallError` when the path is taken or its directory is missing, `PermissionDeniedError`.
        """
        from ebpf.core import objects

        objects.pin(self.core.fd, path, "map")

    def unpin(self, path: str | os.PathLike[str]) -> None:
        """Remove a pin of this map. The map stays as long as something holds it.

        Raises `ArgumentError` when something else is pinned there, `FileNotFoundError` when nothing is.
        """
        import os

        from ebpf.core import objects
        from ebpf.errors import ArgumentError

        os.stat(path)
        with MapCore.from_fd(objects.by_path(path, "map")) as pinned:
            there, here = pinned.info.id, self.id
        if there != here:
            raise ArgumentError(
                f"{os.fsdecode(path)} is the pin of the map with id {there}, not of this one (id {here})"
            )
        os.unlink(path)

    def fileno(self) -> int:
        """The file descriptor. Raises `ClosedError` when the map is closed."""
        return self.core.fd

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self.core.closed

    def close(self) -> None:
        """Close it. Closing twice is fine."""
        self.core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __bool__(self) -> bool:
        """True: a map is a map also when it is empty."""
        return True

    def __reduce_ex__(self, protocol: Any) -> Any:
        self.core.refuse_pickling(self)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"fd {self.core.fd}"
        name = f" {self.name!r}" if self.name else ""
        return f"<{type(self).__name__}{name} {self._types()}, max_entries {self.max_entries}, {state}>"

    def _types(self) -> str:
        return f"{self.key_type.name} -> {self.value_type.name}"


def _pinned(core: MapCore, path: str | os.PathLike[str]) -> MapCore:
    """Pin the new map, or give it up for the one that is pinned there already, if it is the same."""
    import errno
    import os

    from ebpf.core import objects
    from ebpf.errors import ArgumentError, SyscallError

    try:
        objects.pin(core.fd, path, "map")
    except SyscallError as error:
        if error.errno != errno.EEXIST:
            raise
    else:
        return core
    there = MapCore.from_fd(objects.by_path(path, "map"), adapt=core.adapt)
    wanted = core.info
    found = there.info
    for field in ("type", "key_size", "value_size", "max_entries", "flags"):
        have, want = getattr(found, field), getattr(wanted, field)
        if have != want:
            there.close()
            raise ArgumentError(
                f"another map is pinned at {os.fsdecode(path)}: its {field} is {have}, not {want}. Remove that pin, or"
                " give what it was made with."
            )
    core.close()
    return there
