"""The kernel's types, for CO-RE and for externs: vmlinux and its modules, or a file that stands in for them."""

from __future__ import annotations

import os

from ebpf.btf import Btf, core
from ebpf.errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ebpf.btf.ext import CoreRelocation

__all__ = ["KernelTypes"]

_DIRECTORY = "/sys/kernel/btf"
_FEW = 3  # names that are found sooner one by one than in one pass over all


class KernelTypes:
    """The types that CO-RE relocations are held against.

    Parameters:
        given: the BTF of a kernel that has none of its own, from the caller; it replaces the running kernel's.
    """

    def __init__(self, given: Btf | str | os.PathLike[str] | bytes | None = None) -> None:
        if given is None or isinstance(given, Btf):
            self._given = given
        elif isinstance(given, bytes):
            self._given = Btf(given)
        else:
            self._given = Btf.open(given)
        self._modules: list[Btf] | None = None

    @property
    def vmlinux(self) -> Btf | None:
        """The kernel's own, or what was given; ``None`` when there is none."""
        if self._given is not None:
            return self._given
        from ebpf.probe import kernel_btf

        return kernel_btf.vmlinux()

    @property
    def modules(self) -> list[Btf]:
        """Those of the modules that are loaded; none when a file was given."""
        if self._modules is None:
            self._modules = []
            base = self.vmlinux
            if self._given is None and base is not None:
                self._modules = list(_read_modules(base))
        return self._modules

    def targets(self, local: Btf, relocations: Iterable[CoreRelocation]) -> list[Btf]:
        """What to resolve relocations with: vmlinux, and the modules if it lacks any of the types."""
        base = self.vmlinux
        if base is None:
            return []
        names = core.root_names(local, relocations)
        if len(names) > _FEW:
            base.look_up(names)
        if all(base.ids(name) for name in names):
            return [base]
        return [base, *self.modules]


def _read_modules(base: Btf) -> Iterable[Btf]:
    try:
        names = [name for name in sorted(os.listdir(_DIRECTORY)) if name != "vmlinux"]
    except OSError:
        return
    for name in names:
        try:
            yield Btf.open(f"{_DIRECTORY}/{name}", base)
        except (OSError, BtfError):  # unloaded meanwhile, or built over another vmlinux
            continue
