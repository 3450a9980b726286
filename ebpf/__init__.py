"""Kernel-aware eBPF.

A tool written once runs on every Linux kernel from 3.18 to the newest, and where it cannot, it says why::

    import ebpf

    ebpf.features.supported("BPF_MAP_TYPE_LRU_HASH")   # True, False
    ebpf.features.check("bpf_ringbuf_output", "BPF_PROG_TYPE_XDP").reasons
    ebpf.kernel.release("rhel8.6").check("BPF_MAP_TYPE_RINGBUF")

    from ebpf import v1
    numbers = v1.map.HashMap(512)

Importing this package loads nothing but this file: each module comes when it is first asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf import asm, btf, check, diagnose, elf, errors, features, host, kernel, probe, syscall, v1, v2, verdict
    from ebpf.errors import EbpfError

__version__ = "0.1.0"

__all__ = [
    "EbpfError",
    "__version__",
    "asm",
    "btf",
    "check",
    "diagnose",
    "elf",
    "errors",
    "features",
    "host",
    "kernel",
    "probe",
    "syscall",
    "v1",
    "v2",
    "verdict",
]

_MODULES = frozenset(
    (
        "asm",
        "btf",
        "check",
        "diagnose",
        "elf",
        "errors",
        "features",
        "host",
        "kernel",
        "probe",
        "syscall",
        "v1",
        "v2",
        "verdict",
    )
)


def __getattr__(name: str) -> object:
    if name in _MODULES:
        # Not importlib.import_module(), whose own import costs as much as all of this package's.
        return getattr(__import__("ebpf." + name), name)
    if name == "EbpfError":
        from ebpf.errors import EbpfError

        return EbpfError
    raise AttributeError(f"module 'ebpf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
