"""The ELF reader: against other readers, and on files that are damaged."""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf import elf
from ebpf.elf.file import Elf
from ebpf.errors import ObjectFileError
from tests.clang import compiled


@pytest.mark.parametrize("target", ["bpf", "bpfeb"])
def test_sections_symbols_and_relocations_are_what_elftools_reads(target: str) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    path = compiled("everything", target)
    ours = Elf(path.read_bytes())
    with open(path, "rb") as stream:
        theirs = elffile.ELFFile(stream)
        assert [each.name for each in ours.sections] == [each.name for each in theirs.iter_sections()]
        for section, other in zip(ours.sections[1:], list(theirs.iter_sections())[1:]):
            assert section.size == other["sh_size"]
            assert section.type in (8,) or bytes(section.data) == other.data()
        symbols = list(theirs.get_section_by_name(".symtab").iter_symbols())
        assert [(each.name, each.value, each.size) for each in ours.symbols[1:]] == [
            (each.name or "", each["st_value"], each["st_size"]) for each in symbols[1:]
        ]
        table = theirs.get_section_by_name(".relsocket")
        expected = [(each["r_offset"], each["r_info_type"], each["r_info_sym"]) for each in table.iter_relocations()]
        found = ours.relocations(ours.by_name["socket"])
        assert [(each.offset, each.type, each.symbol.index) for each in found] == expected


def test_symbols_are_what_readelf_prints() -> None:
    if shutil.which("llvm-readelf") is None:
        pytest.skip("no llvm-readelf on this machine")
    path = compiled("everything")
    done = subprocess.run(["llvm-readelf", "-s", "-W", str(path)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit()]
    ours = Elf(path.read_bytes()).symbols
    kinds = {"NOTYPE": 0, "OBJECT": 1, "FUNC": 2, "SECTION": 3, "FILE": 4}
    assert [(int(row[1], 16), int(row[2]), kinds[row[3]]) for row in rows] == [
        (each.value, each.size, each.kind) for each in ours
    ]


def header(**changed: int) -> bytes:
    """An ELF header without sections, changed."""
    fields = {"type": 1, "machine": 247, "shoff": 0, "shentsize": 64, "shnum": 0, "shstrndx": 0}
    fields.update(changed)
    return (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack(
            "<HHIQQQIHHHHHH",
            *(fields["type"], fields["machine"], 1, 0, 0, fields["shoff"], 0, 64, 0, 0),
            *(fields["shentsize"], fields["shnum"], fields["shstrndx"]),
        )
    )


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "no ELF file", 0),
        (b"\x7fELF", "no ELF file", 0),
        (b"\x7fELF\x01\x01" + bytes(58), "64 bits", 4),
        (header(machine=62), "machine 62", 18),
        (header(type=2), "type 2", 16),
        (header(shoff=64, shnum=1, shentsize=40), "section headers have 40 bytes", 58),
        (header(shoff=64, shnum=3), "section headers end past the file", 40),
        (header(shoff=1 << 60, shnum=3), "section headers end past the file", 40),
        (header(shoff=1 << 60), "ends past the file", 64),
        (header(shoff=64, shnum=1, shstrndx=4) + bytes(64), "section of names would be 4 of 1", 62),
    ],
)
def test_malformed(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(ObjectFileError, match=message) as caught:
        elf.read(data, "hostile.o")
    assert caught.value.offset == offset
    assert caught.value.file == "hostile.o"
    assert "hostile.o" in str(caught.value)


def test_a_file_without_anything() -> None:
    empty = elf.read(header())
    assert not empty.programs
    assert not empty.maps
    assert empty.license == ""


def _everything_asked(data: bytes) -> None:
    """Read an object and ask it everything; `ObjectFileError` is an answer."""
    with contextlib.suppress(ObjectFileError):
        found = elf.read(data)
        for program in found.programs.values():
            with contextlib.suppress(ObjectFileError):
                linked = program.linked
                for line in linked.line_info:
                    with contextlib.suppress(ObjectFileError):
                        assert isinstance(line.text, str)
        assert repr(found)
        assert [repr(each) for each in (*found.maps.values(), *found.functions, *found.externs.values())]


def test_truncated() -> None:
    data = compiled("everything").read_bytes()
    for end in range(0, len(data), 97):
        _everything_asked(data[:end])
        with pytest.raises(ObjectFileError):
            elf.read(data[:end])


@pytest.mark.slow
@settings(max_examples=600)
@given(st.data())
def test_damaged(data: st.DataObject) -> None:
    changed = bytearray(compiled("everything").read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(changed) - 4))
        value = data.draw(st.one_of(st.integers(0, 255), st.sampled_from([2**32 - 1, 2**31, 2**16, 0])))
        changed[place : place + (1 if value < 256 else 4)] = value.to_bytes(1 if value < 256 else 4, "little")
    _everything_asked(bytes(changed))


@pytest.mark.slow
@settings(max_examples=400)
@given(st.data())
def test_damaged_where_it_hurts(data: st.DataObject) -> None:
    """Headers, symbols, relocations and type information: where a number is an offset, an index or a size."""
    whole = compiled("everything").read_bytes()
    original = Elf(whole)
    names = (".symtab", ".relsocket", ".rel.maps", ".rel.text", ".BTF", ".BTF.ext", ".maps", "socket")
    section = original.by_name[data.draw(st.sampled_from(names))]
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = section.offset + 4 * data.draw(st.integers(0, section.size // 4 - 1))
        value = data.draw(st.one_of(st.integers(0, 64), st.integers(0, 2**32 - 1)))
        struct.pack_into("<I", changed, place, value)
    _everything_asked(bytes(changed))


def test_names_that_overlap_are_bounded() -> None:
    """Ten thousand symbols, each with the same name of a hundred thousand characters."""
    names = b"\0" + b"a" * 100_000 + b"\0"
    symbols = struct.pack("<IBBHQQ", 1, 0x12, 0, 0, 0, 0) * 10_000
    body = names + bytes(-len(names) % 8) + symbols
    null = bytes(64)
    strings = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    table = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 64 + len(body) - len(symbols), len(symbols), 1, 1, 8, 24)
    data = header(shoff=64 + len(body), shnum=3, shstrndx=1) + body + null + strings + table
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(ObjectFileError, match="overlap more"):
            elf.read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 5
    assert peak < 40 * len(data)
