"""What an object's type information asks for: kinds of BTF, CO-RE relocations, symbols and options of the kernel."""

from __future__ import annotations

from functools import cache

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.check.guards import EXISTS
from ebpf.check.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.check.collector import Collector
    from ebpf.check.program import ProgramCode
    from ebpf.elf import ObjectFile

__all__ = ["collect"]

_LOCAL = (uapi.BPF_CORE_TYPE_ID_LOCAL,)


def collect(owner: ObjectFile, codes: Sequence[ProgramCode], found: Collector) -> None:
    """What BTF, CO-RE relocations and externs ask for."""
    if owner.btf is not None:
        found.need("btf_load", "it has type information")
        for name in _kinds(owner):
            found.need(name, "its type information uses it")
        if any(code.linked.func_info for code in codes):
            found.need("btf_func_info", "its functions have types")
        if any(code.linked.line_info for code in codes):
            found.need("btf_line_info", "its instructions have source lines")
    for code in codes:
        _relocations(code, found)
    for extern in owner.externs.values():
        if extern.kind == "kconfig":
            if extern.name.startswith("CONFIG_"):
                because = "the value of a build option"
                found.need(extern.name, because, optional=extern.weak, kind="option", subject=extern)
        elif extern.kind == "ksym_var":
            because = "a symbol of the kernel"
            found.need(extern.essential_name, because, optional=extern.weak, kind="symbol", subject=extern)


def _kinds(owner: ObjectFile) -> list[str]:
    """The kinds of BTF in an object, as the database calls them."""
    btf = owner.btf
    assert btf is not None
    numbers = {btf.kind(number) for number in range(1, len(btf) + 1)}
    names = _kind_names()
    found = [names[number] for number in sorted(numbers) if number in names]
    if kinds.ENUM64 not in numbers and kinds.ENUM in numbers and _signed_enum(owner):
        found.append("btf_enum_signed")
    return found


@cache
def _kind_names() -> dict[int, str]:
    import featuredb

    return {record.value or 0: record.name for record in featuredb.features("btf") if record.enum == "btf_kind"}


def _signed_enum(owner: ObjectFile) -> bool:
    btf = owner.btf
    assert btf is not None
    return any(btf.kind(number) == kinds.ENUM and btf.type(number).flag for number in range(1, len(btf) + 1))


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
