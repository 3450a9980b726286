"""How a program is attached, by the name of its section: what libbpf's SEC() names say."""

from __future__ import annotations

from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.links.base import LinkCore
    from ebpf.core.program import ProgramCore
    from featuredb.sections import Section

    Attacher = Callable[[ProgramCore, Section, dict[str, Any]], LinkCore]

__all__ = ["attach", "attachable"]


def attach(program: ProgramCore, section: Section | str, **options: Any) -> LinkCore:
    """Attach a program as its section's name says.

    Parameters:
        program: a loaded program.
        section: ``"kprobe/do_unlinkat"``, ``"xdp"`` …, or what `featuredb.sections.lookup` makes of it.
        options: what the name does not say, as for the function of `ebpf.core.links` that makes such links:
            ``interface`` for XDP and traffic control, ``path`` for cgroups, ``pid``, ``cookie``, ``map``, ``socket``,
            ``netns``, ``hook`` …; a name's own target may be given too (``target``), where it has none.

    Raises `ArgumentError` when the name is not known, names nothing that can be attached, or something is missing.
    """
    if isinstance(section, str):
        from featuredb import sections

        known = sections.lookup(section)
        if known is None:
            raise ArgumentError(f"no program type goes by the section name {section!r}")
        section = known
    attacher = _attacher(section.name)
    if attacher is None:
        raise ArgumentError(
            f"a program of section {section.name!r} is not attached by a link: {_ELSEWHERE.get(section.name, _MAP)}"
        )
    target = options.pop("target", None)
    if target is not None:
        section = _with_target(section, str(target))
    return attacher(program, section, options)


def attachable(section: Section) -> bool:
    """Whether such a program can be attached with what its section's name says, and no more."""
    name = section.name.partition(".")[0]
    if name in _ALONE:
        return True
    return bool(section.target) and name in _WITH_TARGET


_ALONE = frozenset(
    ("fentry", "fexit", "fmod_ret", "freplace", "fsession", "lsm", "tp_btf", "flow_dissector", "sk_lookup")
)
_WITH_TARGET = frozenset(
    (
        "kprobe",
        "kretprobe",
        "ksyscall",
        "kretsyscall",
        "uprobe",
        "uretprobe",
        "usdt",
        "tp",
        "tracepoint",
        "raw_tp",
        "raw_tracepoint",
        "iter",
    )
)
_MAP = "put it into a map, or call it from another program"
_ELSEWHERE = {
    "syscall": "run it with test_run()",
    "lwt_in": "give it to a route (ip route … encap bpf in)",
    "lwt_out": "give it to a route (ip route … encap bpf out)",
    "lwt_xmit": "give it to a route (ip route … encap bpf xmit)",
    "lwt_seg6local": "give it to a route (ip -6 route … encap seg6local)",
    "struct_ops": "it is a member of a struct_ops map, which is registered",
    "action": "give it to a filter of traffic control",
    "lirc_mode2": "attach it to a /dev/lirc device",
}


def _with_target(section: Section, target: str) -> Section:
    import copy

    section = copy.copy(section)
    section.target = target
    return section


def _target(section: Section) -> str:
    if not section.target:
        raise ArgumentError(
            f"the section name {section.name!r} does not say what to attach to: give it as target, or write"
            f" SEC({section.name + '/…'!r})"
        )
    return section.target


def _option(options: dict[str, Any], name: str, section: Section) -> Any:
    try:
        return options.pop(name)
    except KeyError:
        raise ArgumentError(f"attaching a program of section {section.name!r} takes {name}=") from None


def _function(section: Section) -> tuple[str, int]:
    """``do_unlinkat+0x10`` as name and offset."""
    name, plus, offset = _target(section).partition("+")
    try:
        return name, int(offset, 0) if plus else 0
    except ValueError:
        raise ArgumentError(f"{section.target!r} is no function+offset") from None


def _file_and_place(section: Section) -> tuple[str, str | int, int]:
    """``/lib/libc.so.6:malloc+0x10`` as file, function and offset; ``0x1234`` alone is an offset in the file."""
    path, colon, rest = _target(section).rpartition(":")
    if not colon or not path:
        raise ArgumentError(f"{section.target!r} is no FILE:FUNCTION+OFFSET")
    name, _, offset = rest.partition("+")
    try:
        return path, int(name, 0) if name[:1].isdigit() else name, int(offset or "0", 0)
    except ValueError:
        raise ArgumentError(f"{section.target!r} is no FILE:FUNCTION+OFFSET") from None


def _kprobe(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.probes import kprobe, syscall_probe

    at_return = section.name.startswith("kret")
    if section.name.endswith("syscall"):
        return syscall_probe(program, _target(section), at_return=at_return, **options)
    name, offset = _function(section)
    return kprobe(program, name, offset, at_return=at_return, **options)


def _kprobe_multi(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.multi import kprobe_multi

    at_return, session = section.name.startswith("kret"), ".session" in section.name
    return kprobe_multi(program, _target(section), at_return=at_return, session=session, **options)


def _uprobe(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.probes import uprobe

    path, name, offset = _file_and_place(section)
    return uprobe(program, path, name, offset, at_return=section.name.startswith("uret"), **options)


def _uprobe_multi(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.multi import uprobe_multi

    path, name, _ = _file_and_place(section)
    at_return, session = section.name.startswith("uret"), ".session" in section.name
    where = name if isinstance(name, str) else [name]
    return uprobe_multi(program, path, where, at_return=at_return, session=session, **options)


def _usdt(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.points import usdt

    path, colon, name = _target(section).rpartition(":")
    path, second, provider = path.rpartition(":")
    if not colon or not second:
        raise ArgumentError(f"{section.target!r} is no FILE:PROVIDER:NAME")
    return usdt(program, path, provider, name, **options)


def _tracepoint(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.probes import tracepoint

    category, slash, name = _target(section).partition("/")
    if not slash:
        raise ArgumentError(f"{section.target!r} is no CATEGORY/NAME")
    return tracepoint(program, category, name, **options)


def _raw_tracepoint(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.trampolines import raw_tracepoint

    return raw_tracepoint(program, _target(section), **options)


def _tracing(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.trampolines import tracing

    return tracing(program, **options)


def _freplace(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.trampolines import freplace

    return freplace(program, **options)


def _iterator(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.trampolines import iterator

    return iterator(program, **options)


def _lsm_cgroup(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.trampolines import lsm_cgroup

    return lsm_cgroup(program, _option(options, "path", section), **options)


def _cgroup(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf import uapi
    from ebpf.core.links.cgroups import cgroup

    attach_type = options.pop("attach_type", None)
    if attach_type is None and section.attach_type:
        attach_type = getattr(uapi, section.attach_type)
    return cgroup(program, _option(options, "path", section), attach_type, **options)


def _netns(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.cgroups import flow_dissector, sk_lookup

    return (sk_lookup if section.name == "sk_lookup" else flow_dissector)(program, **options)


def _xdp(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.net import xdp

    return xdp(program, _option(options, "interface", section), **options)


def _tc(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.net import tc, tcx

    interface = _option(options, "interface", section)
    direction = section.name.partition("/")[2] or options.pop("direction", "ingress")
    # "tc" alone and "classifier" are for filters that return TC_ACT_… of the classic kind; TCX takes them as well.
    return (tc if options.pop("classic", False) else tcx)(program, interface, direction, **options)


def _netkit(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.net import netkit

    return netkit(program, _option(options, "interface", section), section.name.endswith("peer"), **options)


def _netfilter(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.net import netfilter

    return netfilter(program, _option(options, "hook", section), **options)


def _socket(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.sockets import reuseport, socket_filter

    socket = _option(options, "socket", section)
    return (reuseport if section.name.startswith("sk_reuseport") else socket_filter)(program, socket, **options)


def _sockmap(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf import uapi
    from ebpf.core.links.sockets import sockmap

    attach_type = getattr(uapi, section.attach_type) if section.attach_type else options.pop("attach_type", None)
    return sockmap(program, _option(options, "map", section), attach_type, **options)


def _perf_event(program: ProgramCore, section: Section, options: dict[str, Any]) -> LinkCore:
    from ebpf.core.links.probes import perf_event

    return perf_event(program, **options)


# By the section's name, or the longest part of it before "." or "/".
_ATTACHERS: dict[str, Attacher] = {
    "kprobe": _kprobe,
    "kretprobe": _kprobe,
    "ksyscall": _kprobe,
    "kretsyscall": _kprobe,
    "kprobe.multi": _kprobe_multi,
    "kretprobe.multi": _kprobe_multi,
    "kprobe.session": _kprobe_multi,
    "uprobe": _uprobe,
    "uretprobe": _uprobe,
    "uprobe.s": _uprobe,
    "uretprobe.s": _uprobe,
    "uprobe.multi": _uprobe_multi,
    "uprobe.multi.s": _uprobe_multi,
    "uretprobe.multi": _uprobe_multi,
    "uretprobe.multi.s": _uprobe_multi,
    "uprobe.session": _uprobe_multi,
    "uprobe.session.s": _uprobe_multi,
    "usdt": _usdt,
    "tracepoint": _tracepoint,
    "tp": _tracepoint,
    "raw_tracepoint": _raw_tracepoint,
    "raw_tp": _raw_tracepoint,
    "tp_btf": _tracing,
    "fentry": _tracing,
    "fexit": _tracing,
    "fmod_ret": _tracing,
    "fsession": _tracing,
    "lsm": _tracing,
    "lsm_cgroup": _lsm_cgroup,
    "freplace": _freplace,
    "iter": _iterator,
    "cgroup": _cgroup,
    "cgroup_skb": _cgroup,
    "sockops": _cgroup,
    "flow_dissector": _netns,
    "sk_lookup": _netns,
    "xdp": _xdp,
    "tc": _tc,
    "tcx": _tc,
    "classifier": _tc,
    "netkit": _netkit,
    "netfilter": _netfilter,
    "socket": _socket,
    "sk_reuseport": _socket,
    "sk_skb": _sockmap,
    "sk_msg": _sockmap,
    "perf_event": _perf_event,
}
_NEVER = ("/devmap", "/cpumap", ".multi", "xdp_devmap", "xdp_cpumap")


def _attacher(name: str) -> Attacher | None:
    found = _ATTACHERS.get(name)
    if found is None and not any(part in name for part in _NEVER):
        found = _ATTACHERS.get(name.partition("/")[0].partition(".")[0])
    return found
