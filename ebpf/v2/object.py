"""Object files: opened, changed, loaded, attached (beta).

::

    from ebpf import v2

    with v2.Object.open("execsnoop.bpf.o") as snoop:
        snoop.variables["targ_uid"] = 1000
        snoop.specs["execs"].max_entries = 1024
        snoop.load()
        snoop.attach()
        for key, value in snoop.maps["execs"].items(): ...
"""

from __future__ import annotations

from ebpf.core.object import LoadableProgram, ObjectCore
from ebpf.stability import beta
from ebpf.v2.program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Self

    from ebpf.btf import Btf
    from ebpf.core.links.base import LinkCore
    from ebpf.core.map import MapCore
    from ebpf.elf.object import Source

__all__ = ["Object", "ObjectProgram"]


@beta
class ObjectProgram(LoadableProgram, Program):
    """A program of an object: a `Program` once it is loaded; see `ebpf.core.object.LoadableProgram` for before."""

    __slots__ = ()

    def attach(self, section: str = "", **options: Any) -> LinkCore:
        """Attach it as its own section's name says, or as another one does, until the object is closed.

        See `ebpf.v2.attach`. The link is in the object's ``links``, and may be closed before.

        Parameters:
            section: as in SEC() of an object file; its own when not given.
            options: what that does not say: ``interface``, ``path``, ``pid`` ….
        """
        from ebpf.core.links import attach

        link = attach(self, section or self.aimed or self.spec.section, **options)
        self.links.append(link)
        return link


@beta
class Object(ObjectCore):
    """An object file: opened it can be changed, loaded it runs. At the end of a ``with`` block nothing of it is left.

    Attributes:
        file: what the file holds (`ebpf.elf.ObjectFile`).
        programs: its programs by name (`ObjectProgram`); ``autoload``, ``target``, ``extends`` may be set before.
        specs: what its maps are made from, by name (`ebpf.elf.MapSpec`): sizes, flags and pins may be changed before.
        maps: its maps by name, once it is loaded, as the classes of `ebpf.v2`, typed by its BTF.
        variables: its variables by name: set before, read and written while it runs.
        adaptations: what was done without on this kernel; each map and program has its own too.
    """

    __slots__ = ()

    program_class = ObjectProgram
    programs: dict[str, ObjectProgram]  # type: ignore[assignment]  # made of program_class

    @classmethod
    def open(
        cls,
        source: Source,
        *,
        name: str = "",
        btf: Btf | str | os.PathLike[str] | bytes | None = None,
        pin_root: str | os.PathLike[str] | None = None,
        kconfig: Mapping[str, object] | None = None,
        adapt: bool = True,
    ) -> Self:
        """Read an object file. Nothing is loaded yet, and no kernel is needed.

        Parameters:
            source: its path, its bytes, or a file open for reading bytes.
            name: what messages call it; the path when not given.
            btf: a file with the types of the running kernel, where that has none of its own (before 5.4, or built
                without CONFIG_DEBUG_INFO_BTF).
            pin_root: where maps pinned by name have their pins; ``/sys/fs/bpf``.
            kconfig: values for ``__kconfig`` externs, instead of what the kernel's configuration says.
            adapt: do without what an older kernel lacks, and say so in ``.adaptations``.

        Raises `ebpf.errors.ObjectFileError` when it is no BPF object or malformed, `OSError` when it cannot be read.
        """
        from ebpf import elf

        return cls(elf.read(source, name), btf=btf, pin_root=pin_root, kconfig=kconfig, adapt=adapt)

    def _wrap(self, name: str, core: MapCore) -> Any:
        from ebpf.core.codec_btf import from_btf
        from ebpf.errors import ArgumentError, ObjectFileError
        from ebpf.v2.open import _class

        spec = self.file.maps[name]
        types = []
        for what, type_id, size in (
            ("key", spec.key_type_id, core.key_size),
            ("value", spec.value_type_id, core.value_size),
        ):
            found = None
            if type_id and self.file.btf is not None and spec.kind == "btf":
                try:
                    found = from_btf(self.file.btf, type_id, what)
                except ObjectFileError:
                    found = None
            types.append(found if found is not None and found.size == size else None)
        try:
            return _class(core.map_type)._from_core(core, types[0], types[1])
        except ArgumentError:  # of a type that is younger than this library, or with types of its own
            return core
