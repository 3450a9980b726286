"""Executables and libraries as uprobes need them; damaged ones are refused, whatever is wrong with them."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.elf.executable import Executable, find_file, function_offset
from ebpf.errors import ArgumentError

LIBC = "libc.so.6"


def test_a_function_of_a_library_is_where_the_loader_put_it() -> None:
    offset = function_offset(find_file(LIBC), "toupper")
    address = ctypes.cast(ctypes.CDLL(LIBC).toupper, ctypes.c_void_p).value
    assert address is not None
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        start, end = (int(part, 16) for part in fields[0].split("-"))
        if start <= address < end:
            assert address - start + int(fields[2], 16) == offset
            return
    pytest.fail("libc is not mapped")


def test_all_functions() -> None:
    with Executable(find_file(LIBC)) as library:
        functions = library.functions()
        assert functions["toupper"] == library.function("toupper")
        assert library.usdt() == [] or library.usdt()[0].provider


def test_what_is_looked_for() -> None:
    assert os.path.isabs(find_file("sh"))
    assert find_file(sys.executable) == sys.executable
    with pytest.raises(ArgumentError, match="is in none of"):
        find_file("no_such_program_1")


SMALL = next(path for path in map(Path, ("/bin/true", "/usr/bin/true", sys.executable)) if path.exists()).read_bytes()


@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=8),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=4),
    st.integers(0, len(SMALL)),
)
def test_damaged_files_are_refused(changes: list[tuple[int, int]], header: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(SMALL)
    for place, value in (*changes, *header):
        content[place] = value
    with tempfile.NamedTemporaryFile() as file:
        file.write(content[: cut or None])
        file.flush()
        try:
            with Executable(file.name) as damaged:
                damaged.functions()
                damaged.usdt()
                damaged.function("main")
        except ArgumentError:
            return


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + bytes(60)])
def test_what_is_no_executable(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none"
    path.write_bytes(content)
    with pytest.raises(ArgumentError):
        Executable(str(path))
