"""Attachments (beta): one function for each way to attach a program, and `attach`, which chooses by a section's name.

::

    from ebpf import v2

    with v2.links.kprobe(program, "do_unlinkat") as link:
        ...
    v2.links.attach(program, "tracepoint/syscalls/sys_enter_execve")
    v2.links.xdp(program, "eth0", mode="generic").adaptations

Each gives a `Link`; the program runs as long as that is open, or pinned.
"""

from __future__ import annotations

from ebpf.core.links import (
    LinkCore as Link,
)
from ebpf.core.links import (
    LinkInfo,
    attach,
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
from ebpf.stability import beta

__all__ = [
    "Link",
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

for _name in __all__:
    beta(globals()[_name])
