"""v1's loader of object files, on one that clang made."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ebpf import errors
from ebpf.v1.elf_loader import ElfLoader
from tests.clang import compiled

pytestmark = pytest.mark.root


def test_maps_and_programs_of_an_object() -> None:
    before = len(os.listdir("/proc/self/fd"))
    path = compiled("legacy")
    with ElfLoader(path) as loader, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert loader.map_names[:2] == ["counts", "names"]
        assert loader.program_names == ["count"]
        sock.bind(("127.0.0.1", 0))
        counts = loader.map("counts", "u32", "u64")
        assert counts.get(0) == 0
        loader.attach("count", socket=sock)
        sock.sendto(b"ebpf", sock.getsockname())
        assert counts.get(0) == 1
        names = loader.map("names", value="u32")
        names.set(b"name".ljust(16, b"\0"), 7)
        assert names.get(b"name".ljust(16, b"\0")) == 7
        counts.close()
        names.close()
        with pytest.raises(errors.ArgumentError, match="values of the map 'counts' have 8 bytes, not 4"):
            loader.map("counts", "u32", "u32")
        with pytest.raises(errors.ArgumentError, match="no map 'count'; there are counts, names, "):
            loader.map("count")
        with pytest.raises(errors.ArgumentError, match="no program 'counts'; there are count"):
            loader.attach("counts")
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / "none.o"
    path.write_bytes(b"no object")
    with pytest.raises(errors.ObjectFileError):
        ElfLoader(path)
