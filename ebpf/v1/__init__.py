"""Version 1 of the library: the ancestor's style, one bpf(2) call for each operation.

What is marked stable here never moves nor changes; later versions of the package keep this namespace beside newer ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.v1 import elf_loader, lowlevel, map, socket_filter

__all__ = ["elf_loader", "lowlevel", "map", "socket_filter"]


def __getattr__(name: str) -> object:
    if name in __all__:
        # Not importlib.import_module(), whose own import costs more than a look-up.
        return getattr(__import__(f"ebpf.v1.{name}").v1, name)
    raise AttributeError(f"module 'ebpf.v1' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
