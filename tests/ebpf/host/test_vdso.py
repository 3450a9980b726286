"""The note in the vDSO: this process's own, and images that are not what they should be."""

from __future__ import annotations

import os
import struct

import pytest

from ebpf.host import release, vdso


def image(code: int, wide: bool = True, order: str = "<", name: bytes = b"Linux\0", kind: int = 0) -> bytes:
    """An ELF image with two notes, the build id first."""
    notes = struct.pack(order + "III", 4, 8, 3) + b"GNU\0" + b"\1" * 8
    notes += struct.pack(order + "III", len(name), 4, kind) + name.ljust(len(name) + 3 & ~3, b"\0")
    notes += struct.pack(order + "I", code)
    start = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + b"\0" * 9
    if wide:
        header = start + struct.pack(order + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        table = struct.pack(order + "IIQQQQQQ", 4, 4, 120, 120, 120, len(notes), len(notes), 4)
    else:
        header = start + struct.pack(order + "HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        table = struct.pack(order + "IIIIIIII", 4, 84, 84, 84, len(notes), len(notes), 4, 4)
    return (header + table + notes).ljust(4096, b"\0")


def test_this_process() -> None:
    code = vdso.version_code()
    if code is None:
        pytest.skip("no vDSO here, or no note in it")
    assert release.of_code(code) is not None
    named = release.numeric_prefix(os.uname().release)
    assert named is not None
    assert (code >> 16, code >> 8 & 0xFF) == named[:2]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_class_and_byte_order(wide: bool, order: str) -> None:
    assert vdso.version_code_in(image(0x06122C, wide, order)) == 0x06122C


def test_other_notes_do_not_count() -> None:
    assert vdso.version_code_in(image(1, name=b"Xen\0")) is None
    assert vdso.version_code_in(image(1, kind=0x100)) is None


def test_garbage() -> None:
    good = image(0x06122C)
    assert vdso.version_code_in(b"") is None
    assert vdso.version_code_in(b"\x7fELF") is None
    assert vdso.version_code_in(os.urandom(4096)) is None
    for length in range(len(good[:240])):
        vdso.version_code_in(good[:length])
    for position in range(240):
        broken = bytearray(good)
        broken[position] = 0xFF
        vdso.version_code_in(bytes(broken))
