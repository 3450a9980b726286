"""Attachments: one function for each way to attach a program, and `attach`, which chooses by a section's name.

Each makes a bpf_link where the kernel has one for it; on an older kernel what came before it, named in
``.adaptations``. Names are loaded when they are first asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.links.base import LinkCore
    from ebpf.core.links.cgroups import cgroup, flow_dissector, sk_lookup
    from ebpf.core.links.info import LinkInfo
    from ebpf.core.links.multi import kprobe_multi, uprobe_multi
    from ebpf.core.links.net import netfilter, netkit, tc, tcx, xdp
    from ebpf.core.links.points import usdt
    from ebpf.core.links.probes import kprobe, perf_event, syscall_probe, tracepoint, uprobe
    from ebpf.core.links.registry import attach
    from ebpf.core.links.sockets import reuseport, socket_filter, sockmap
    from ebpf.core.links.structs import struct_ops
    from ebpf.core.links.trampolines import freplace, iterator, lsm_cgroup, raw_tracepoint, read_iterator, tracing

__all__ = [
    "LinkCore",
    "LinkInfo",
    "attach",
    "cgroup",
    "flow_dissector",
    "freplace",
    "iterator",
    "kprobe",
    "kprobe_multi",
    "lsm_cgroup",
    "netfilter",
    "netkit",
    "perf_event",
    "raw_tracepoint",
    "read_iterator",
    "reuseport",
    "sk_lookup",
    "socket_filter",
    "sockmap",
    "struct_ops",
    "syscall_probe",
    "tc",
    "tcx",
    "tracepoint",
    "tracing",
    "uprobe",
    "uprobe_multi",
    "usdt",
    "xdp",
]

HOMES = {
    "LinkCore": "base",
    "LinkInfo": "info",
    "attach": "registry",
    **dict.fromkeys(("cgroup", "flow_dissector", "sk_lookup"), "cgroups"),
    **dict.fromkeys(("kprobe_multi", "uprobe_multi"), "multi"),
    "usdt": "points",
    **dict.fromkeys(("netfilter", "netkit", "tc", "tcx", "xdp"), "net"),
    **dict.fromkeys(("kprobe", "perf_event", "syscall_probe", "tracepoint", "uprobe"), "probes"),
    **dict.fromkeys(("reuseport", "socket_filter", "sockmap"), "sockets"),
    "struct_ops": "structs",
    **dict.fromkeys(
        ("freplace", "iterator", "lsm_cgroup", "raw_tracepoint", "read_iterator", "tracing"), "trampolines"
    ),
}
"""Public name -> the module that has it."""


def __getattr__(name: str) -> object:
    home = HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ebpf.core.links' has no attribute {name!r}")
    return getattr(getattr(__import__(f"ebpf.core.links.{home}").core.links, home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
