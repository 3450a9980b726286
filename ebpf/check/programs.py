"""What a program asks for by its section's name: its type, how it attaches, to what, and how it is loaded."""

from __future__ import annotations

from ebpf.check.model import ATTACH, LOAD, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.check.collector import Collector
    from ebpf.check.program import ProgramCode
    from featuredb.sections import Section

__all__ = ["collect", "describe"]

_UPROBES = ("uprobe", "uretprobe", "usdt", "uprobe.multi", "uretprobe.multi", "uprobe.session")
_CONTEXT_PACKET = ("data", "data_end")


def describe(code: ProgramCode) -> dict[str, object]:
    """A program as JSON-able data."""
    spec = code.spec
    return {
        "name": spec.name,
        "section": ("?" if spec.optional else "") + spec.section,
        "program_type": spec.program_type,
        "attach_type": spec.expected_attach_type,
        "attach_target": spec.attach_target,
        "instructions": len(code.slots),
        "functions": len(code.linked.parts),
        "optional": spec.optional,
    }


def collect(code: ProgramCode, found: Collector) -> None:
    """What the name of the section asks for, and what the code reads of the context."""
    spec, place = code.spec, Place(code.spec.name, code.spec.section)
    optional = spec.optional
    found.need("program_names", "programs have names", optional=optional)
    section = spec.definition
    if section is None:
        text = f"the section's name {spec.section!r} says no program type: the loader must be told"
        found.note("warning", "section", text, place)
        return
    if section.legacy:
        text = f"the section's name {spec.section!r} is one that libbpf gave up in 1.0"
        found.note("note", "legacy", text, place)
    found.need(section.program_type, f"section {spec.section}", place, optional=optional)
    _attach_type(section, place, optional, found)
    for flag in section.flags:
        found.need(flag, f"section {spec.section}", place, optional=optional)
    if section.sleepable:
        name = "sleepable_uprobes" if section.name.partition(".s")[0] in _UPROBES else "sleepable_programs"
        found.need(name, f"section {spec.section}", place, optional=optional)
    if section.attach_btf and section.program_type != "BPF_PROG_TYPE_EXT":
        found.need("vmlinux_btf_section", "its target is found in the kernel's BTF", place, optional=optional)
        _target(section, place, optional, found)
    _context(code, section, found)


def _attach_type(section: Section, place: Place, optional: bool, found: Collector) -> None:
    import featuredb

    if section.attach_type is None:
        return
    record = featuredb.get(section.attach_type)
    at_load = record.extra.get("checked_at") == "load"
    because = f"section {section.name}"
    found.need(record.name, because, place, stage=LOAD if at_load else ATTACH, optional=optional)
    if not section.attach_btf:
        because = "the attach type is told when it is loaded"
        adaptable = section.attach_type_optional
        found.need("expected_attach_type", because, place, optional=optional, adaptable=adaptable)


def _target(section: Section, place: Place, optional: bool, found: Collector) -> None:
    """The function or type of the kernel's that the program is for."""
    import featuredb

    if not section.target:
        return
    if section.attach_type == "BPF_TRACE_ITER":
        name = f"iter_{section.target}"
        if featuredb.kind_of(name) is not None:
            found.need(name, f"section {section.name}/{section.target}", place, optional=optional)
    prefixes = {
        "BPF_TRACE_RAW_TP": "btf_trace_",
        "BPF_LSM_MAC": "bpf_lsm_",
        "BPF_LSM_CGROUP": "bpf_lsm_",
        "BPF_TRACE_ITER": "bpf_iter_",
    }
    wanted = prefixes.get(section.attach_type or "", "") + section.target
    if "*" in wanted or "+" in wanted:
        return
    found.need(
        wanted, f"section {section.name}/{section.target}", place, optional=optional, kind="function", subject=wanted
    )


def _context(code: ProgramCode, section: Section, found: Collector) -> None:
    """Fields of the context that the code reads or writes, by the object's own description of it."""
    import featuredb
    from ebpf.btf import kinds
    from ebpf.btf.types import Struct

    context = featuredb.get(section.program_type).extra.get("context") or ""
    keyword, _, name = context.partition(" ")
    btf = code.spec.object.btf
    if keyword != "struct" or btf is None or not code.accesses:
        return
    described = btf.find_type(name, kinds.STRUCT)
    if not isinstance(described, Struct):
        return
    fields: dict[int, str] = {}
    for member in described.members:
        for offset in range(member.offset // 8, (member.offset + max(member.bits or member.type.size * 8, 8)) // 8):
            fields.setdefault(offset, member.name)
    for access in code.accesses:
        field = fields.get(access.offset)
        if field and featuredb.kind_of(f"{name}.{field}") == "struct_field":
            found.use(f"{name}.{field}", f"it reads the context's {field}", code, access.slot)
            if field in _CONTEXT_PACKET:
                found.use("direct_packet_access", "it reads the packet through pointers", code, access.slot)
