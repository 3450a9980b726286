"""`ObjectCore`: an object file and, once it is loaded, its maps and programs."""

from __future__ import annotations

from ebpf.core.fd import Descriptor
from ebpf.core.object.program import LoadableProgram
from ebpf.core.object.types import KernelTypes
from ebpf.core.object.variables import DataMap, Variables
from ebpf.elf.maps import DATA
from ebpf.errors import ArgumentError, ClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    from ebpf.btf import Btf
    from ebpf.core.links.base import LinkCore
    from ebpf.core.map import MapCore
    from ebpf.elf import ObjectFile

__all__ = ["ObjectCore"]

PIN_ROOT = "/sys/fs/bpf"


class ObjectCore(Descriptor):
    """An object: opened it can be changed, loaded it runs, closed nothing of it is left in this process.

    Parameters:
        file: the object file.
        btf: types to resolve CO-RE with, instead of the running kernel's: for a kernel that has none.
        pin_root: where maps that are pinned by name have their pins.
        kconfig: values of ``.kconfig`` externs, instead of the kernel's configuration.
        adapt: whether to do without what the kernel lacks.

    Attributes:
        programs: `LoadableProgram` by name.
        variables: the variables (`Variables`).
        links: what `attach`, and its programs', have attached.
        values: of structures of functions, what is registered with the kernel when they are attached.
        specs: what maps are made from, by name (`ebpf.elf.MapSpec`): sizes, flags and pins may be changed before.
    """

    __slots__ = (
        "_data",
        "_maps",
        "btf",
        "file",
        "kconfig",
        "links",
        "name",
        "pin_root",
        "programs",
        "values",
        "variables",
    )

    noun = "object"
    program_class: type[LoadableProgram] = LoadableProgram

    def __init__(
        self,
        file: ObjectFile,
        *,
        btf: Btf | str | os.PathLike[str] | bytes | None = None,
        pin_root: str | os.PathLike[str] | None = None,
        kconfig: Mapping[str, object] | None = None,
        adapt: bool = True,
    ) -> None:
        import os

        super().__init__(adapt=adapt)
        self.file = file
        self.name = file.name
        self.btf = KernelTypes(btf)
        self.pin_root = os.fspath(pin_root) if pin_root is not None else PIN_ROOT
        self.kconfig = dict(kconfig or {})
        self.links: list[LinkCore] = []
        self.programs = {
            name: self.program_class(spec, self.links, adapt=adapt) for name, spec in file.programs.items()
        }
        self._data = {name: DataMap(spec) for name, spec in file.maps.items() if spec.kind == DATA}
        self.variables = Variables(self._data.values(), file.btf)
        self._maps: dict[str, Any] | None = None
        self.values: dict[str, bytes] = {}

    @property
    def specs(self) -> dict[str, Any]:
        """What its maps are made from, by name; to be changed before it is loaded."""
        return self.file.maps

    @property
    def maps(self) -> dict[str, Any]:
        """Its maps by name. Raises `ClosedError` before it is loaded, and once it is closed."""
        if self._maps is None:
            raise ClosedError(f"{self.name or 'the object'} is not loaded: call load()")
        return self._maps

    @property
    def loaded(self) -> bool:
        """Whether it is in the kernel."""
        return self._maps is not None

    def load(self) -> None:
        """Load the object: its maps, its BTF, its programs.

        All or nothing: when it raises, every descriptor is closed and every pin that was made is removed. Raises
        `ebpf.errors.ObjectLoadError`, which names every obstacle at once.
        """
        from ebpf.core.object.session import Session

        if self._maps is not None:
            raise ArgumentError(f"{self.name or 'the object'} is loaded already")
        session = Session(self)
        try:
            made = session.run()
            self._maps = {name: self._wrap(name, core) for name, core in made.items()}
        except BaseException:
            self._maps = None
            session.undo()
            raise
        finally:
            session.close()

    def attach(self) -> list[LinkCore]:
        """Attach every program whose section's name says where, and register structures of functions.

        What needs more than the name says (an interface, a cgroup) is left to its program's `attach`. The links are
        in ``links`` and go with the object. All or nothing: when one fails, what was attached before is detached.
        """
        from ebpf.core.links import attach, struct_ops
        from ebpf.core.links.registry import attachable

        made: list[LinkCore] = []
        try:
            for program in self.programs.values():
                definition = program.aimed
                if program.loaded and definition is not None and attachable(definition):
                    made.append(attach(program, definition))
            for name, value in self.values.items():
                made.append(struct_ops(self._core(name), value, adapt=self.adapt))
        except BaseException:
            for link in reversed(made):
                link.close()
            raise
        self.links += made
        return made

    def _core(self, name: str) -> MapCore:
        """The map on bytes."""
        found = self.maps[name]
        core: MapCore = getattr(found, "core", found)
        return core

    def _wrap(self, name: str, core: MapCore) -> Any:
        """The map as this namespace shows it."""
        return core

    def data_map(self, name: str) -> DataMap | None:
        """The section of variables of this name."""
        return self._data.get(name)

    def close(self) -> None:
        """Detach what is attached, close programs and maps. What is pinned stays. Closing twice is fine."""
        while self.links:
            self.links.pop().close()
        for data in self._data.values():
            data.closed()
        for program in self.programs.values():
            program.close()
        maps, self._maps = self._maps or {}, None
        for made in maps.values():
            made.close()

    @property
    def closed(self) -> bool:
        """Whether nothing of it is held by this process."""
        return self._maps is None

    def __del__(self) -> None:
        if getattr(self, "_maps", None) is not None:
            self.close()

    def __repr__(self) -> str:
        state = "loaded" if self.loaded else "not loaded"
        return f"<{type(self).__name__} {self.name!r}, {len(self.programs)} programs, {state}>"
