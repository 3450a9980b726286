"""Objects that others compiled: Debian's, and those embedded in its binaries as skeletons."""

from __future__ import annotations

import functools
from pathlib import Path

from tests import debian

__all__ = ["embedded", "opensnitch", "others"]

_ELF64 = b"\x7fELF\x02\x01"


@functools.cache
def embedded(path: Path) -> tuple[bytes, ...]:
    """The BPF objects in a binary, each with whatever follows it."""
    data = path.read_bytes()
    found = []
    at = data.find(_ELF64, 1)
    while at >= 0:
        if data[at + 18 : at + 20] == b"\xf7\0":  # EM_BPF
            found.append(data[at:])
        at = data.find(_ELF64, at + 1)
    return tuple(found)


def opensnitch() -> list[Path]:
    """The object files of opensnitch: kprobes, uprobes and tracepoints with maps from before BTF."""
    return sorted(debian.package("opensnitch-ebpf-modules", "trixie").rglob("*.o"))


def others() -> list[tuple[str, bytes]]:
    """Every object of libbpf-tools and xdp-tools, named after its binary."""
    found = []
    for package, suite in (("libbpf-tools", "bookworm"), ("xdp-tools", "trixie")):
        for path in sorted(debian.package(package, suite).rglob("*bin/*")):
            if path.is_file() and not path.is_symlink():
                found += [(f"{path.name}.{number}", data) for number, data in enumerate(embedded(path))]
    return found
