"""Attaching programs (beta): one function for each way, and `by_section`, which chooses by a section's name.

::

    from ebpf import v2

    with v2.attach.kprobe(program, "do_unlinkat") as link:
        ...
    v2.attach.by_section(program, "tracepoint/syscalls/sys_enter_execve")
    v2.attach.xdp(program, "eth0", mode="generic").adaptations

Each gives a `Link`; the program runs as long as that is open, or pinned.
"""

from __future__ import annotations

from ebpf.core.links import (
    LinkCore as Link,
)
from ebpf.core.links import (
    LinkInfo,
    cgroup,
    flow_dissector,
    freplace,
    iterator,
    kprobe,
    kprobe_multi,
    lsm_cgroup,
    netfilter,
    netkit,
    perf_event,
    raw_tracepoint,
    read_iterator,
    reuseport,
    sk_lookup,
    socket_filter,
    sockmap,
    struct_ops,
    syscall_probe,
    tc,
    tcx,
    tracepoint,
    tracing,
    uprobe,
    uprobe_multi,
    usdt,
    xdp,
)
from ebpf.core.links import (
    attach as by_section,
)
from ebpf.stability import beta

__all__ = [
    "Link",
    "LinkInfo",
    "by_section",
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

for _name in __all__:
    beta(globals()[_name])
