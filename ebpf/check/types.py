"""What an object's type information asks for: kinds of BTF, CO-RE relocations, symbols and options of the kernel."""

from __future__ import annotations

from ebpf import uapi
from ebpf.check.guards import EXISTS
from ebpf.check.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.btf import Btf
    from ebpf.check.collector import Collector
    from ebpf.check.program import ProgramCode
    from ebpf.elf import ObjectFile

__all__ = ["collect"]

_LOCAL = (uapi.BPF_CORE_TYPE_ID_LOCAL,)


def collect(owner: ObjectFile, codes: Sequence[ProgramCode], found: Collector) -> None:
    """What BTF, CO-RE relocations and externs ask for."""
    if owner.btf is not None:
        _own(owner.btf, codes, found)
    for code in codes:
        _relocations(code, found)
    for extern in owner.externs.values():
        if extern.kind == "kconfig":
            if extern.name.startswith("CONFIG_"):
                because = "the value of a build option"
                found.need(extern.name, because, optional=extern.weak, kind="option", subject=extern)
        elif extern.kind == "ksym_var":
            # Of one without a type only the address is wanted: that is in no BTF.
            kind = "variable" if extern.typed else "symbol"
            because = f"a {kind} of the kernel"
            found.need(extern.essential_name, because, optional=extern.weak, kind=kind, subject=extern)


def _own(btf: Btf, codes: Sequence[ProgramCode], found: Collector) -> None:
    """What the object's own type information asks for: the loader leaves out what a kernel does not take."""
    from ebpf.btf.sanitise import needs

    found.need("btf_load", "it has type information")
    for name in sorted(needs(btf)):
        found.need(name, "its type information has it")
    if any(code.linked.func_info for code in codes):
        found.need("btf_func_info", "its functions have types")
    if any(code.linked.line_info for code in codes):
        found.need("btf_line_info", "its instructions have source lines")


def _relocations(code: ProgramCode, found: Collector) -> None:
    """CO-RE relocations: the kernel's types must be there, and have what is asked for."""
    place = Place(code.spec.name, code.spec.section)
    told = False
    for slot, access in sorted(code.core.items()):
        if access.kind in _LOCAL:
            continue
        if not told:
            text = f"{len(code.core)} CO-RE relocations of {code.spec.name}"
            found.need("vmlinux_btf", text, place, optional=code.spec.optional)
            told = True
        if access.kind not in EXISTS and slot in code.possible:
            because = "a CO-RE relocation"
            found.use(access.question, because, code, slot, kind="core", subject=access)
