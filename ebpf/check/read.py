"""Reads an object file and gathers all that it asks for."""

from __future__ import annotations

import sys

from ebpf.check.answers import Requirements
from ebpf.check.collector import Collector
from ebpf.check.program import ProgramCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import BinaryIO, Union

    from ebpf.elf import ObjectFile

    Source = Union[str, os.PathLike[str], bytes, bytearray, memoryview, BinaryIO]

__all__ = ["of_object", "requirements"]


def requirements(source: Source, name: str = "") -> Requirements:
    """What an object file needs of a kernel.

    Parameters:
        source: its path, its bytes, or a file open for reading bytes.
        name: what messages call it; the path when not given.

    Raises `ebpf.errors.ObjectFileError` when it is no BPF object or malformed, `OSError` when it cannot be read. No
    kernel is asked anything.
    """
    from ebpf import elf

    found = elf.read(source, name)
    if found.byteorder != sys.byteorder:
        here = "bpfel" if sys.byteorder == "little" else "bpfeb"
        raise found.elf.error(
            f"it is {found.byteorder}-endian, no kernel of this machine's order takes it: -target {here}"
        )
    if not found.functions and not found.maps:
        lost = "" if ".symtab" in found.sections else ": it was stripped of its symbols"
        raise found.elf.error(f"it holds neither programs nor maps{lost}")
    return of_object(found)


def of_object(owner: ObjectFile) -> Requirements:
    """What an object that has been read needs of a kernel."""
    from ebpf.check import instructions, maps, notes, programs, types

    found = Collector()
    codes = [ProgramCode(owner, spec) for spec in owner.programs.values()]
    for code in codes:
        programs.collect(code, found)
        instructions.collect(owner, code, found)
    maps.collect(owner, found)
    types.collect(owner, codes, found)
    notes.collect(owner, codes, found)
    return Requirements(
        owner.name,
        owner.license,
        [programs.describe(code) for code in codes],
        [maps.describe(spec) for spec in owner.maps.values()],
        found.requirements(),
        found.notes,
    )
