"""Trials of attach types: asked of the subsystem that they belong to, with a target that does not exist.

``query``: BPF_PROG_QUERY of a bad target; the subsystem answers EBADF or ENODEV, a stub or an older kernel EINVAL.
``detach``: the same by BPF_PROG_DETACH, for sockmap's types, which could not be queried before 5.18.
``link``: see `ebpf.probe.links`. ``tracing``: the verifier, which looks at the attach type before the function.
``load``: an attach type that BPF_PROG_LOAD checks, beside one that no kernel has and that must be refused.
"""

from __future__ import annotations

import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import calls, context, links
from ebpf.probe.calls import BAD_FD
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TABLE", "AttachTrial", "trial"]

_NO_ATTACH_TYPE = 0x7FFF
_EINVAL = errno.EINVAL
_TRACING, _LSM, _XDP = uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_PROG_TYPE_LSM, uapi.BPF_PROG_TYPE_XDP
# The attach types before it are older than BPF_PROG_QUERY (both 4.15).
_FIRST_BORN_WITH_QUERY = uapi.BPF_CGROUP_DEVICE


class AttachTrial:
    """One attach type: its number, how it is tried, and the program type that is attached by it."""

    __slots__ = ("how", "number", "program_type")

    def __init__(self, number: int, how: str, program_type: int = 0) -> None:
        self.number = number
        self.how = how
        self.program_type = program_type


TABLE: dict[str, AttachTrial] = {
    "BPF_CGROUP_INET_INGRESS": AttachTrial(uapi.BPF_CGROUP_INET_INGRESS, "query"),
    "BPF_CGROUP_INET_EGRESS": AttachTrial(uapi.BPF_CGROUP_INET_EGRESS, "query"),
    "BPF_CGROUP_INET_SOCK_CREATE": AttachTrial(uapi.BPF_CGROUP_INET_SOCK_CREATE, "query"),
    "BPF_CGROUP_SOCK_OPS": AttachTrial(uapi.BPF_CGROUP_SOCK_OPS, "query"),
    "BPF_SK_SKB_STREAM_PARSER": AttachTrial(uapi.BPF_SK_SKB_STREAM_PARSER, "detach"),
    "BPF_SK_SKB_STREAM_VERDICT": AttachTrial(uapi.BPF_SK_SKB_STREAM_VERDICT, "detach"),
    "BPF_CGROUP_DEVICE": AttachTrial(uapi.BPF_CGROUP_DEVICE, "query"),
    "BPF_SK_MSG_VERDICT": AttachTrial(uapi.BPF_SK_MSG_VERDICT, "detach"),
    "BPF_CGROUP_INET4_BIND": AttachTrial(uapi.BPF_CGROUP_INET4_BIND, "query"),
    "BPF_CGROUP_INET6_BIND": AttachTrial(uapi.BPF_CGROUP_INET6_BIND, "query"),
    "BPF_CGROUP_INET4_CONNECT": AttachTrial(uapi.BPF_CGROUP_INET4_CONNECT, "query"),
    "BPF_CGROUP_INET6_CONNECT": AttachTrial(uapi.BPF_CGROUP_INET6_CONNECT, "query"),
    "BPF_CGROUP_INET4_POST_BIND": AttachTrial(uapi.BPF_CGROUP_INET4_POST_BIND, "query"),
    "BPF_CGROUP_INET6_POST_BIND": AttachTrial(uapi.BPF_CGROUP_INET6_POST_BIND, "query"),
    "BPF_CGROUP_UDP4_SENDMSG": AttachTrial(uapi.BPF_CGROUP_UDP4_SENDMSG, "query"),
    "BPF_CGROUP_UDP6_SENDMSG": AttachTrial(uapi.BPF_CGROUP_UDP6_SENDMSG, "query"),
    "BPF_LIRC_MODE2": AttachTrial(uapi.BPF_LIRC_MODE2, "query"),
    "BPF_FLOW_DISSECTOR": AttachTrial(uapi.BPF_FLOW_DISSECTOR, "query"),
    "BPF_CGROUP_SYSCTL": AttachTrial(uapi.BPF_CGROUP_SYSCTL, "query"),
    "BPF_CGROUP_UDP4_RECVMSG": AttachTrial(uapi.BPF_CGROUP_UDP4_RECVMSG, "query"),
    "BPF_CGROUP_UDP6_RECVMSG": AttachTrial(uapi.BPF_CGROUP_UDP6_RECVMSG, "query"),
    "BPF_CGROUP_GETSOCKOPT": AttachTrial(uapi.BPF_CGROUP_GETSOCKOPT, "query"),
    "BPF_CGROUP_SETSOCKOPT": AttachTrial(uapi.BPF_CGROUP_SETSOCKOPT, "query"),
    "BPF_TRACE_RAW_TP": AttachTrial(uapi.BPF_TRACE_RAW_TP, "tracing", _TRACING),
    "BPF_TRACE_FENTRY": AttachTrial(uapi.BPF_TRACE_FENTRY, "tracing", _TRACING),
    "BPF_TRACE_FEXIT": AttachTrial(uapi.BPF_TRACE_FEXIT, "tracing", _TRACING),
    "BPF_MODIFY_RETURN": AttachTrial(uapi.BPF_MODIFY_RETURN, "tracing", _TRACING),
    "BPF_LSM_MAC": AttachTrial(uapi.BPF_LSM_MAC, "tracing", _LSM),
    "BPF_TRACE_ITER": AttachTrial(uapi.BPF_TRACE_ITER, "tracing", _TRACING),
    "BPF_CGROUP_INET4_GETPEERNAME": AttachTrial(uapi.BPF_CGROUP_INET4_GETPEERNAME, "query"),
    "BPF_CGROUP_INET6_GETPEERNAME": AttachTrial(uapi.BPF_CGROUP_INET6_GETPEERNAME, "query"),
    "BPF_CGROUP_INET4_GETSOCKNAME": AttachTrial(uapi.BPF_CGROUP_INET4_GETSOCKNAME, "query"),
    "BPF_CGROUP_INET6_GETSOCKNAME": AttachTrial(uapi.BPF_CGROUP_INET6_GETSOCKNAME, "query"),
    "BPF_XDP_DEVMAP": AttachTrial(uapi.BPF_XDP_DEVMAP, "devmap", _XDP),
    "BPF_CGROUP_INET_SOCK_RELEASE": AttachTrial(uapi.BPF_CGROUP_INET_SOCK_RELEASE, "query"),
    "BPF_XDP_CPUMAP": AttachTrial(uapi.BPF_XDP_CPUMAP, "cpumap", _XDP),
    "BPF_SK_LOOKUP": AttachTrial(uapi.BPF_SK_LOOKUP, "query"),
    "BPF_XDP": AttachTrial(uapi.BPF_XDP, "link"),
    "BPF_SK_SKB_VERDICT": AttachTrial(uapi.BPF_SK_SKB_VERDICT, "detach"),
    "BPF_SK_REUSEPORT_SELECT": AttachTrial(uapi.BPF_SK_REUSEPORT_SELECT, "load", uapi.BPF_PROG_TYPE_SK_REUSEPORT),
    "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE": AttachTrial(
        uapi.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, "load", uapi.BPF_PROG_TYPE_SK_REUSEPORT
    ),
    "BPF_PERF_EVENT": AttachTrial(uapi.BPF_PERF_EVENT, "link"),
    "BPF_TRACE_KPROBE_MULTI": AttachTrial(uapi.BPF_TRACE_KPROBE_MULTI, "link"),
    "BPF_LSM_CGROUP": AttachTrial(uapi.BPF_LSM_CGROUP, "lsm_cgroup", _LSM),
    "BPF_STRUCT_OPS": AttachTrial(uapi.BPF_STRUCT_OPS, "struct_ops"),
    "BPF_NETFILTER": AttachTrial(uapi.BPF_NETFILTER, "link"),
    "BPF_TCX_INGRESS": AttachTrial(uapi.BPF_TCX_INGRESS, "link"),
    "BPF_TCX_EGRESS": AttachTrial(uapi.BPF_TCX_EGRESS, "link"),
    "BPF_TRACE_UPROBE_MULTI": AttachTrial(uapi.BPF_TRACE_UPROBE_MULTI, "link"),
    "BPF_CGROUP_UNIX_CONNECT": AttachTrial(uapi.BPF_CGROUP_UNIX_CONNECT, "query"),
    "BPF_CGROUP_UNIX_SENDMSG": AttachTrial(uapi.BPF_CGROUP_UNIX_SENDMSG, "query"),
    "BPF_CGROUP_UNIX_RECVMSG": AttachTrial(uapi.BPF_CGROUP_UNIX_RECVMSG, "query"),
    "BPF_CGROUP_UNIX_GETPEERNAME": AttachTrial(uapi.BPF_CGROUP_UNIX_GETPEERNAME, "query"),
    "BPF_CGROUP_UNIX_GETSOCKNAME": AttachTrial(uapi.BPF_CGROUP_UNIX_GETSOCKNAME, "query"),
    "BPF_NETKIT_PRIMARY": AttachTrial(uapi.BPF_NETKIT_PRIMARY, "link"),
    "BPF_NETKIT_PEER": AttachTrial(uapi.BPF_NETKIT_PEER, "link"),
    "BPF_TRACE_KPROBE_SESSION": AttachTrial(uapi.BPF_TRACE_KPROBE_SESSION, "link"),
    "BPF_TRACE_UPROBE_SESSION": AttachTrial(uapi.BPF_TRACE_UPROBE_SESSION, "link"),
    "BPF_TRACE_FSESSION": AttachTrial(uapi.BPF_TRACE_FSESSION, "tracing", _TRACING),
    "BPF_TRACE_FENTRY_MULTI": AttachTrial(uapi.BPF_TRACE_FENTRY_MULTI, "link"),
    "BPF_TRACE_FEXIT_MULTI": AttachTrial(uapi.BPF_TRACE_FEXIT_MULTI, "link"),
    "BPF_TRACE_FSESSION_MULTI": AttachTrial(uapi.BPF_TRACE_FSESSION_MULTI, "link"),
}


def _query(name: str, row: AttachTrial) -> Outcome:
    """EBADF and ENODEV come from the cgroup, the network namespace or the lirc device that is not there."""
    attr = struct.pack("=7I", BAD_FD, row.number, 0, 0, 0, 0, 0)
    result = syscall.attempt(uapi.BPF_PROG_QUERY, attr)
    if result == -_EINVAL and row.number < _FIRST_BORN_WITH_QUERY:
        return _detach(name, row)
    call = f"BPF_PROG_QUERY of {name} on nothing"
    return judge(result, call, context.can_load, known=(errno.EBADF, errno.ENODEV))


def _detach(name: str, row: AttachTrial) -> Outcome:
    """EBADF: no such cgroup or sockmap (net/core/sock_map.c, sock_map_prog_detach(); its stub answers EOPNOTSUPP)."""
    attr = struct.pack("=III", BAD_FD, BAD_FD, row.number)
    result = syscall.attempt(uapi.BPF_PROG_DETACH, attr)
    call = f"BPF_PROG_DETACH of {name} from nothing"
    if result == -errno.EOPNOTSUPP:
        return Outcome(COMPILED_OUT, f"{call} answered EOPNOTSUPP", errno.EOPNOTSUPP)
    return judge(result, call, _net_admin, known=(errno.EBADF,))


def _net_admin() -> Outcome:
    """An empty sk_skb program: these programs need CAP_NET_ADMIN to load."""
    return context.can_load(uapi.BPF_PROG_TYPE_SK_SKB)


def _link(name: str, row: AttachTrial) -> Outcome:
    return links.try_link(links.LINKED[name], name)


def _tracing(name: str, row: AttachTrial) -> Outcome:
    return links.tracing_load(row.program_type, row.number, name)


def _load(name: str, row: AttachTrial) -> Outcome:
    """Accepted, while an attach type of no kernel is refused: before 5.14 theirs was not looked at."""
    outcome = judge(
        calls.load_program(row.program_type, expected_attach_type=row.number),
        f"BPF_PROG_LOAD with {name}",
        lambda: context.can_load(row.program_type),
    )
    if outcome.status != SUPPORTED:
        return outcome
    if calls.closing(calls.load_program(row.program_type, expected_attach_type=_NO_ATTACH_TYPE)) >= 0:
        return Outcome(ABSENT, f"BPF_PROG_LOAD accepts any attach type in place of {name}")
    return outcome


def _devmap(name: str, row: AttachTrial) -> Outcome:
    """Only programs for devmap entries may read xdp_md.egress_ifindex (net/core/filter.c, xdp_is_valid_access())."""
    ldxw, exit_ = 0x61, 0x95
    egress = calls.instruction(ldxw, 0, 1, 20) + calls.instruction(0xB7) + calls.instruction(exit_)
    ingress = calls.instruction(ldxw, 0, 1, 12) + calls.instruction(0xB7) + calls.instruction(exit_)

    def control() -> Outcome:
        result = calls.load_program(_XDP, ingress)
        return judge(result, "BPF_PROG_LOAD of one that reads ingress_ifindex", lambda: context.can_load(_XDP))

    return judge(
        calls.load_program(_XDP, egress, expected_attach_type=row.number),
        "BPF_PROG_LOAD of an XDP program that reads egress_ifindex",
        control,
        absent=(_EINVAL, errno.EACCES, errno.E2BIG),
    )


def _cpumap(name: str, row: AttachTrial) -> Outcome:
    """A cpumap's value has room for a program's descriptor since there are such programs (kernel/bpf/cpumap.c)."""

    def control() -> Outcome:
        return judge(
            calls.create_map(uapi.BPF_MAP_TYPE_CPUMAP, 4, 4, 1), "BPF_MAP_CREATE of one without", context.can_create_map
        )

    outcome = judge(
        calls.create_map(uapi.BPF_MAP_TYPE_CPUMAP, 4, 8, 1), "BPF_MAP_CREATE of a cpumap with programs", control
    )
    return context.unless_denied(outcome, context.can_load(row.program_type))


def _lsm_cgroup(name: str, row: AttachTrial) -> Outcome:
    """The cgroup's side knows it by a query; whether this process may load such programs is the verifier's side."""
    outcome = _query(name, row)
    return outcome if outcome.status != SUPPORTED else context.unless_denied(outcome, _tracing(name, row))


def _struct_ops(name: str, row: AttachTrial) -> Outcome:
    """The attach type of struct_ops links, which came with them."""
    return links.struct_ops(name)


_HOW: dict[str, Callable[[str, AttachTrial], Outcome]] = {
    "query": _query,
    "detach": _detach,
    "link": _link,
    "tracing": _tracing,
    "load": _load,
    "devmap": _devmap,
    "cpumap": _cpumap,
    "lsm_cgroup": _lsm_cgroup,
    "struct_ops": _struct_ops,
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether programs can be attached by this attach type; `None` for a name not in the table."""
    row = TABLE.get(name)
    return None if row is None else _HOW[row.how](name, row)
