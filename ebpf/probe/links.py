"""Trials of link types: a real program and a target that does not exist. Nothing is ever attached.

The kernel looks at the program, its attach type and then at the target; what it says of the target comes from the code
that would make the link. The attach types of kprobe_multi, perf events … are tried the same way (`try_link`).
"""

from __future__ import annotations

import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context
from ebpf.probe.calls import BAD_FD
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LINKED", "NAMES", "TABLE", "LinkTrial", "struct_ops", "tracing_load", "trial", "try_link"]

_BAD_IFINDEX = 0x7FFFFFFF
_LOOPBACK = 1  # the first interface of every network namespace
_XDP_FLAGS_HW_MODE = uapi.XDP_FLAGS_HW_MODE
_NOWHERE = 8  # an address in the first page: EFAULT whenever it is read
_KPROBE, _SCHED_CLS, _TRACEPOINT = (
    uapi.BPF_PROG_TYPE_KPROBE,
    uapi.BPF_PROG_TYPE_SCHED_CLS,
    uapi.BPF_PROG_TYPE_TRACEPOINT,
)
_XDP, _TRACING, _NETFILTER = uapi.BPF_PROG_TYPE_XDP, uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_PROG_TYPE_NETFILTER

_EINVAL, _E2BIG = errno.EINVAL, errno.E2BIG


class LinkTrial:
    """A program to load, the attach type to link it by, what follows in the attribute, and what the answers mean.

    `target` is target_fd or target_ifindex, at 4; `rest` begins at 16, after link_create.flags. `known`: errnos that
    come from the code that makes such links; `off`: the errno of the stub in its place when it is compiled out.
    """

    __slots__ = ("attach_type", "expected", "flags", "known", "off", "program_type", "rest", "target")

    def __init__(
        self,
        program_type: int,
        attach_type: int,
        *,
        known: tuple[int, ...] = (errno.EBADF,),
        off: int | None = None,
        target: int = BAD_FD,
        flags: int = 0,
        rest: bytes = b"",
        expected: bool = False,
    ) -> None:
        self.program_type = program_type
        self.attach_type = attach_type
        self.known = known
        self.off = off
        self.target = target
        self.flags = flags
        self.rest = rest
        self.expected = expected


def _multi_kprobe(flags: int = 0, attach_type: int = uapi.BPF_TRACE_KPROBE_MULTI) -> LinkTrial:
    # kprobe_multi: flags, cnt, syms, addrs, cookies. The flags are checked, then one address is copied from nowhere.
    # kernel/trace/bpf_trace.c, bpf_kprobe_multi_link_attach(); without CONFIG_FPROBE a stub answers EOPNOTSUPP.
    rest = struct.pack("=IIQQQ", flags, 1, 0, _NOWHERE, 0)
    return LinkTrial(
        _KPROBE, attach_type, known=(errno.EFAULT,), off=errno.EOPNOTSUPP, target=0, rest=rest, expected=True
    )


def _multi_uprobe(flags: int = 0, attach_type: int = uapi.BPF_TRACE_UPROBE_MULTI) -> LinkTrial:
    # uprobe_multi: path, offsets, ref_ctr_offsets, cookies, cnt, flags, pid. The flags are checked, then the path is
    # copied from nowhere. kernel/trace/bpf_trace.c, bpf_uprobe_multi_link_attach(); a stub without CONFIG_UPROBES.
    by_fd = flags == uapi.BPF_F_UPROBE_MULTI_PATH_FD  # then there is a descriptor, a bad one, and no path
    rest = struct.pack("=QQQQIII", 0 if by_fd else _NOWHERE, _NOWHERE, 0, 0, 1, flags, 0)
    if by_fd:
        rest += struct.pack("=I", BAD_FD)
    return LinkTrial(
        _KPROBE,
        attach_type,
        known=(errno.EFAULT, errno.EBADF),
        off=errno.EOPNOTSUPP,
        target=0,
        rest=rest,
        expected=True,
    )


def _multi_tracing(attach_type: int) -> LinkTrial:
    # tracing_multi: ids, cookies, cnt. One BTF id is copied from nowhere. The program has no target of its own, which a
    # kernel that does not know the attach type asks for when the program is loaded (EINVAL).
    rest = struct.pack("=QQI", _NOWHERE, 0, 1)
    return LinkTrial(_TRACING, attach_type, known=(errno.EFAULT,), target=0, rest=rest, expected=True)


def _netfilter(flags: int = 0) -> LinkTrial:
    # netfilter: pf, hooknum, priority, flags. INT_MIN is no priority for a program: ERANGE, after the flags were looked
    # at (net/netfilter/nf_bpf_link.c, bpf_nf_check_pf_and_hooks()).
    rest = struct.pack("=IIiI", 2, 0, -(1 << 31), flags)
    return LinkTrial(_NETFILTER, uapi.BPF_NETFILTER, known=(errno.ERANGE,), target=0, rest=rest, expected=True)


TABLE: dict[str, LinkTrial] = {
    # cgroup_bpf_link_attach() and netns_bpf_link_create() begin with the target's descriptor.
    "BPF_LINK_TYPE_CGROUP": LinkTrial(uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_INGRESS),
    "BPF_LINK_TYPE_NETNS": LinkTrial(uapi.BPF_PROG_TYPE_FLOW_DISSECTOR, uapi.BPF_FLOW_DISSECTOR, expected=True),
    # A missing interface is EINVAL, as an unknown attach type is. The loopback interface has no hardware to run XDP on:
    # EOPNOTSUPP, once everything else has been accepted (net/core/dev.c, dev_xdp_attach()).
    "BPF_LINK_TYPE_XDP": LinkTrial(
        _XDP, uapi.BPF_XDP, known=(errno.EOPNOTSUPP,), target=_LOOPBACK, flags=_XDP_FLAGS_HW_MODE, expected=True
    ),
    "BPF_LINK_TYPE_PERF_EVENT": LinkTrial(_TRACEPOINT, uapi.BPF_PERF_EVENT, off=errno.EOPNOTSUPP),
    "BPF_LINK_TYPE_KPROBE_MULTI": _multi_kprobe(),
    "BPF_LINK_TYPE_NETFILTER": _netfilter(),
    "BPF_LINK_TYPE_TCX": LinkTrial(
        _SCHED_CLS, uapi.BPF_TCX_INGRESS, known=(errno.ENODEV,), target=_BAD_IFINDEX, expected=True
    ),
    "BPF_LINK_TYPE_UPROBE_MULTI": _multi_uprobe(),
    # Without CONFIG_NETKIT the stub answers EINVAL, as a kernel does that never heard of it.
    "BPF_LINK_TYPE_NETKIT": LinkTrial(
        _SCHED_CLS, uapi.BPF_NETKIT_PRIMARY, known=(errno.ENODEV,), target=_BAD_IFINDEX, expected=True
    ),
    "BPF_LINK_TYPE_TRACING_MULTI": _multi_tracing(uapi.BPF_TRACE_FENTRY_MULTI),
    "BPF_LINK_TYPE_SOCKMAP": LinkTrial(
        uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_SK_MSG_VERDICT, off=errno.EOPNOTSUPP, expected=True
    ),
}

# Rows of the attach types and flags that are tried by a link; not link types themselves.
LINKED: dict[str, LinkTrial] = {
    "BPF_XDP": TABLE["BPF_LINK_TYPE_XDP"],
    "BPF_PERF_EVENT": TABLE["BPF_LINK_TYPE_PERF_EVENT"],
    "BPF_TRACE_KPROBE_MULTI": TABLE["BPF_LINK_TYPE_KPROBE_MULTI"],
    "BPF_TRACE_UPROBE_MULTI": TABLE["BPF_LINK_TYPE_UPROBE_MULTI"],
    "BPF_TRACE_KPROBE_SESSION": _multi_kprobe(attach_type=uapi.BPF_TRACE_KPROBE_SESSION),
    "BPF_TRACE_UPROBE_SESSION": _multi_uprobe(attach_type=uapi.BPF_TRACE_UPROBE_SESSION),
    "BPF_NETFILTER": TABLE["BPF_LINK_TYPE_NETFILTER"],
    "BPF_TCX_INGRESS": TABLE["BPF_LINK_TYPE_TCX"],
    "BPF_TCX_EGRESS": LinkTrial(
        _SCHED_CLS, uapi.BPF_TCX_EGRESS, known=(errno.ENODEV,), target=_BAD_IFINDEX, expected=True
    ),
    "BPF_NETKIT_PRIMARY": TABLE["BPF_LINK_TYPE_NETKIT"],
    "BPF_NETKIT_PEER": LinkTrial(
        _SCHED_CLS, uapi.BPF_NETKIT_PEER, known=(errno.ENODEV,), target=_BAD_IFINDEX, expected=True
    ),
    "BPF_TRACE_FENTRY_MULTI": TABLE["BPF_LINK_TYPE_TRACING_MULTI"],
    "BPF_TRACE_FEXIT_MULTI": _multi_tracing(uapi.BPF_TRACE_FEXIT_MULTI),
    "BPF_TRACE_FSESSION_MULTI": _multi_tracing(uapi.BPF_TRACE_FSESSION_MULTI),
    "BPF_F_KPROBE_MULTI_RETURN": _multi_kprobe(flags=1),
    "BPF_F_UPROBE_MULTI_RETURN": _multi_uprobe(flags=1),
    "BPF_F_UPROBE_MULTI_PATH_FD": _multi_uprobe(flags=2),
    "BPF_F_NETFILTER_IP_DEFRAG": _netfilter(flags=1),
}


def try_link(row: LinkTrial, name: str) -> Outcome:
    """Load the row's program and link it to nothing; the program is closed again."""
    expected = {"expected_attach_type": row.attach_type} if row.expected else {}
    fd = calls.load_program(row.program_type, **expected)
    if fd < 0:
        # An attach type that the load checks (netfilter), or a program type that is not there or not allowed.
        what = f"BPF_PROG_LOAD of a program for {name}"
        return judge(fd, what, context.can_load, absent=(_EINVAL, _E2BIG))
    try:
        attr = struct.pack("=IIII", fd, row.target, row.attach_type, row.flags) + row.rest
        result = syscall.attempt(uapi.BPF_LINK_CREATE, attr)
    finally:
        syscall.close(fd)
    call = f"BPF_LINK_CREATE for {name} with a target that does not exist"
    if result == -_EINVAL and row.program_type == _XDP:
        return Outcome(UNKNOWN, f"{call} answered EINVAL, which decides nothing for XDP", _EINVAL)
    if row.off is not None and result == -row.off:
        return Outcome(COMPILED_OUT, f"{call} answered {calls.spell(row.off)}", row.off)
    absent = (_EINVAL, _E2BIG, errno.EOPNOTSUPP) if row.program_type == _NETFILTER else (_EINVAL, _E2BIG)
    return judge(result, call, context.can_load, known=row.known, absent=absent)


def tracing_load(program_type: int, attach_type: int, name: str) -> Outcome:
    """What the verifier says of a tracing or LSM program that is to be attached to type 1 of vmlinux, no function.

    ``attach_btf_id 1 is not a function`` (or ``… not a typedef``) shows that the attach type is known: ``supported``
    for iterators and raw tracepoints. Whether the others can be attached is another matter (fentry needs trampolines of
    the architecture): ``unknown``, for other evidence.
    """
    result, log = calls.load_logged(program_type, attach_btf_id=1, expected_attach_type=attach_type)
    what = f"BPF_PROG_LOAD of a program for {name}"
    refused = context.refusal(result, what)
    if refused is not None:
        return refused
    if "attach_btf_id 1 is not a" in log:
        status = SUPPORTED if attach_type in (uapi.BPF_TRACE_RAW_TP, uapi.BPF_TRACE_ITER) else UNKNOWN
        return Outcome(status, f"{what} shows that the verifier knows it; it was not attached", _EINVAL)
    if result == -_EINVAL and attach_type != uapi.BPF_TRACE_RAW_TP:
        control = tracing_load(_TRACING, uapi.BPF_TRACE_RAW_TP, "BPF_TRACE_RAW_TP")
        if control.status == SUPPORTED:
            return Outcome(ABSENT, f"{what} answered EINVAL, while the verifier knows BPF_TRACE_RAW_TP", _EINVAL)
    return judge(result, what, context.can_load, absent=())


def _raw_tracepoint(name: str) -> Outcome:
    """A tracepoint of no name: ENOENT. A link only since BPF_LINK_GET_FD_BY_ID: both came in one release."""
    by_id = syscall.attempt(uapi.BPF_LINK_GET_FD_BY_ID, struct.pack("=I", _BAD_IFINDEX))
    if by_id == -_EINVAL:
        return judge(by_id, "BPF_LINK_GET_FD_BY_ID", context.can_load)
    fd = calls.load_program(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT)
    if fd < 0:
        return judge(fd, f"BPF_PROG_LOAD of a program for {name}", context.can_load)
    tracepoint = calls.buffer(b"-\0")
    try:
        attr = struct.pack("=QI", calls.address(tracepoint), fd)
        result = syscall.attempt(uapi.BPF_RAW_TRACEPOINT_OPEN, attr)
    finally:
        syscall.close(fd)
    call = "BPF_RAW_TRACEPOINT_OPEN of a tracepoint that does not exist"
    return judge(result, call, context.can_load, known=(errno.ENOENT,))


def struct_ops(name: str) -> Outcome:
    """Struct_ops links came with the map flag BPF_F_LINK; a link itself needs a registered type and its programs."""
    from ebpf.probe import flags

    return context.unless_denied(flags.TABLE["BPF_F_LINK"]("BPF_F_LINK"), context.can_trace())


# Links that are not made by BPF_LINK_CREATE of a program alone.
_SPECIAL: dict[str, Callable[[str], Outcome | None]] = {
    "BPF_LINK_TYPE_RAW_TRACEPOINT": _raw_tracepoint,
    "BPF_LINK_TYPE_STRUCT_OPS": struct_ops,
    "BPF_LINK_TYPE_TRACING": lambda name: tracing_load(_TRACING, uapi.BPF_TRACE_FENTRY, name),
    "BPF_LINK_TYPE_ITER": lambda name: tracing_load(_TRACING, uapi.BPF_TRACE_ITER, name),
}

NAMES = (*TABLE, *_SPECIAL)
"""Every link type that has a trial."""


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether links of this type can be made; `None` for a name without a trial."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(name)
    row = TABLE.get(name)
    return None if row is None else try_link(row, name)
