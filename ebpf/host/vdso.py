"""LINUX_VERSION_CODE out of the ELF note that the kernel puts into every process's vDSO.

No uname(2) personality and no renamed release string reaches it: arch/x86/entry/vdso/vdso-note.S and its like on
arm64, powerpc, riscv, s390 and arm make a note of name "Linux", type 0, whose contents are the code.
"""

from __future__ import annotations

import struct

__all__ = ["version_code", "version_code_in"]

_AT_SYSINFO_EHDR = 33  # include/uapi/linux/auxvec.h
_PT_NOTE = 4  # include/uapi/linux/elf.h
_PAGE = 4096
_NAME = b"Linux\0"


def version_code() -> int | None:
    """The running kernel's LINUX_VERSION_CODE; ``None`` without a vDSO or a note in it."""
    import ctypes

    try:
        getauxval = ctypes.CDLL(None).getauxval  # glibc 2.16, musl 1.1
    except (AttributeError, OSError):
        return None
    getauxval.restype = ctypes.c_ulong
    getauxval.argtypes = [ctypes.c_ulong]
    address = getauxval(_AT_SYSINFO_EHDR)
    if not address:
        return None
    # A vDSO begins on a page and fills at least one; its ELF header, program headers and notes are in the first.
    return version_code_in(ctypes.string_at(address, _PAGE))


def version_code_in(image: bytes) -> int | None:
    """The LINUX_VERSION_CODE in the notes of an ELF image's first page; ``None`` when there is none."""
    if len(image) < 64 or image[:4] != b"\x7fELF" or image[4] not in (1, 2) or image[5] not in (1, 2):
        return None
    order = "<" if image[5] == 1 else ">"
    wide = image[4] == 2
    try:
        if wide:
            (table,) = struct.unpack_from(order + "Q", image, 32)
            size, count = struct.unpack_from(order + "HH", image, 54)
        else:
            (table,) = struct.unpack_from(order + "I", image, 28)
            size, count = struct.unpack_from(order + "HH", image, 42)
        for index in range(count):
            at = table + index * size
            (kind,) = struct.unpack_from(order + "I", image, at)
            if kind != _PT_NOTE:
                continue
            if wide:
                (offset,) = struct.unpack_from(order + "Q", image, at + 8)
                (length,) = struct.unpack_from(order + "Q", image, at + 32)
            else:
                (offset,) = struct.unpack_from(order + "I", image, at + 4)
                (length,) = struct.unpack_from(order + "I", image, at + 16)
            code = _in_notes(image[offset : offset + length], order)
            if code is not None:
                return code
    except (struct.error, OverflowError):
        return None
    return None


def _in_notes(notes: bytes, order: str) -> int | None:
    """Notes follow each other, name and contents each padded to four bytes (elf(5))."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, at)
        name_at = at + 12
        contents_at = name_at + (name_size + 3 & ~3)
        if kind == 0 and size == 4 and notes[name_at : name_at + name_size] == _NAME:
            code: int = struct.unpack_from(order + "I", notes, contents_at)[0]
            return code
        at = contents_at + (size + 3 & ~3)
    return None
