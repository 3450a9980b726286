"""Reading BPF object files, as clang, rustc and bpf2go write them: pure, no system calls but reading the file.

::

    object = ebpf.elf.read("execsnoop.bpf.o")
    object.license                          # "GPL"
    object.programs["tracepoint_enter"]     # ProgramSpec: section, instructions, relocations, source lines
    object.programs["tracepoint_enter"].linked.insns    # with the functions that it calls
    object.maps["events"].map_type          # MapSpec
    object.externs                          # what it needs of the kernel

Object files are untrusted: whatever is wrong with one, `ebpf.errors.ObjectFileError` says where.
"""

from __future__ import annotations

from ebpf.elf.externs import Extern
from ebpf.elf.link import Linked, Origin
from ebpf.elf.maps import InitialValue, MapSpec, Variable
from ebpf.elf.object import ObjectFile, read
from ebpf.elf.program import ProgramSpec, Relocation

__all__ = [
    "Extern",
    "InitialValue",
    "Linked",
    "MapSpec",
    "ObjectFile",
    "Origin",
    "ProgramSpec",
    "Relocation",
    "Variable",
    "read",
]
