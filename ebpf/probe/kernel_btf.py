"""The running kernel's BTF for the trials: ids of functions and typedefs, read once for each process."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ebpf.btf import Btf

__all__ = ["ids", "vmlinux"]

_vmlinux: list[Btf | None] = []


def vmlinux() -> Btf | None:
    """The BTF of the kernel's own image; `None` when there is none that can be read."""
    if not _vmlinux:
        from ebpf import host
        from ebpf.btf import Btf, BtfError

        path = host.read().btf
        try:
            _vmlinux.append(Btf.open(path) if path else None)
        except (OSError, BtfError):
            _vmlinux.append(None)
    return _vmlinux[0]


_ids: dict[str, int | None] = {}


def ids(names: Collection[str]) -> dict[str, int]:
    """The ids of functions and typedefs by name; those that are not there are left out."""
    missing = [name for name in names if name not in _ids]
    if missing:
        btf = vmlinux()
        found = btf.functions(missing) if btf is not None else {}
        _ids.update((name, found.get(name)) for name in missing)
    return {name: number for name in names if (number := _ids[name]) is not None}
