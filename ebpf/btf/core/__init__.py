"""CO-RE: what an object's relocations mean on the kernel whose type information is given. Pure, no system calls.

::

    for relocation in program.linked.core_relocations:
        resolution = core.resolve(object.btf, relocation, [vmlinux, *modules])
        resolution.value           # the field's offset there, the type's id …
        resolution.problem         # why there is none

    core.apply(code, resolution)   # patches the instruction, in a bytearray of them

The rules are libbpf's (src/relo_core.c): a local type matches every target type of the same essential name (without
``___flavour``) whose fields and accesses fit; several that fit must agree. An instruction whose relocation finds
nothing is poisoned: the verifier refuses it unless a guard (``bpf_core_field_exists()``) makes it dead code.
"""

from __future__ import annotations

from ebpf.btf.core.access import KINDS, describe, essential
from ebpf.btf.core.patch import POISON, apply
from ebpf.btf.core.resolve import Resolution, resolve, root_names

__all__ = ["KINDS", "POISON", "Resolution", "apply", "describe", "essential", "resolve", "root_names"]
