"""The objects that are foretold: Debian's, and those compiled from tests/objects."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tests import clang, debian, embedded

__all__ = ["gather"]

_PACKAGES = (
    ("libbpf-tools", "trixie"),
    ("xdp-tools", "trixie"),
    ("libxdp1", "trixie"),
    ("opensnitch-ebpf-modules", "trixie"),
    ("suricata", "trixie"),
)
"""libxdp1 has the object files of xdp-tools; the rest is embedded in binaries."""

_ELF64_LITTLE = b"\x7fELF\x02\x01"
_EM_BPF = b"\xf7\0"
_OPTIONS = ("-mcpu=v3",)


def gather(directory: Path) -> list[Path]:
    """Every object, once, written to a directory; named after its package and file."""
    directory.mkdir(parents=True, exist_ok=True)
    found: dict[bytes, Path] = {}
    for name, data in _everything():
        if data not in found:
            found[data] = directory / name
            found[data].write_bytes(data)
    return sorted(found.values())


def _everything() -> Iterator[tuple[str, bytes]]:
    for package, suite in _PACKAGES:
        for path in sorted(debian.package(package, suite).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            head = path.open("rb").read(20)
            if head[:6] != _ELF64_LITTLE:
                continue
            if head[18:20] == _EM_BPF:
                yield f"{package}.{path.stem}.o", path.read_bytes()
            elif "bin" in path.parent.name:
                for number, data in enumerate(embedded.embedded(path)):
                    yield f"{package}.{path.name}.{number}.o", data[: _length(data)]
    for source in sorted(clang.SOURCES.glob("*.bpf.c")):
        name = source.name.partition(".")[0]
        yield f"tests.{name}.o", clang.compiled(name, "bpf", *_OPTIONS).read_bytes()


def _length(data: bytes) -> int:
    """Where an ELF file ends that clang has written: behind its section headers."""
    (sections,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    return int(sections + size * count)
