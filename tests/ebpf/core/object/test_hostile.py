"""Damaged objects are refused, whole: no descriptor stays open, and nothing but the two errors of objects comes out."""

from __future__ import annotations

import contextlib
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf import elf, v2
from ebpf.elf.file import Elf
from ebpf.errors import EbpfError, ObjectFileError, ObjectLoadError
from tests.clang import compiled

pytestmark = [pytest.mark.root, pytest.mark.requires("map_global_data")]


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def load(data: bytes) -> None:
    before = descriptors()
    with contextlib.suppress(ObjectFileError, ObjectLoadError), v2.Object.open(data) as opened:
        for name in opened.variables:
            with contextlib.suppress(EbpfError):
                opened.variables[name] = opened.variables[name]
        opened.load()
        for name in opened.variables:
            assert opened.variables[name] is not None
    assert descriptors() == before


@pytest.mark.slow
@settings(max_examples=80)
@given(st.data())
def test_damaged(data: st.DataObject) -> None:
    """In what loading depends on; most are refused, the rest loads a program that is as harmless as before."""
    whole = compiled("refused").read_bytes() if data.draw(st.booleans()) else compiled("structure").read_bytes()
    original = Elf(whole)
    names = (".symtab", ".relsocket", ".BTF", ".BTF.ext", ".struct_ops", ".rel.struct_ops")
    section = original.by_name[data.draw(st.sampled_from([name for name in names if name in original.by_name]))]
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = section.offset + 4 * data.draw(st.integers(0, max(0, section.size // 4 - 1)))
        struct.pack_into("<I", changed, place, data.draw(st.one_of(st.integers(0, 64), st.integers(0, 2**32 - 1))))
    load(bytes(changed))


def test_btf_of_nonsense_does_not_reach_a_map() -> None:
    """The type of a value is a struct that holds itself: the map's values are bytes then."""
    whole = bytearray(compiled("everything").read_bytes())
    found = elf.read(bytes(whole))
    assert found.btf is not None
    pair = found.btf.find_type("pair")
    assert pair is not None
    section = found.elf.by_name[".BTF"]
    header = struct.unpack_from("<I", section.data, 4)[0]
    place = bytes(section.data).find(struct.pack("<II", pair.words[0], pair.words[1]), header)
    assert place > 0
    struct.pack_into("<I", whole, section.offset + place + 4, pair.id)
    load(bytes(whole))
