"""Trials of program types: ``r0 = N; exit`` in the shape that each type insists on."""

from __future__ import annotations

import errno

from ebpf import uapi
from ebpf.probe import calls, code, context
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

__all__ = ["TABLE", "Shape", "shapes", "target_id", "trial"]


class Shape:
    """One way to load an empty program of a type: what it returns, expected_attach_type, flags, and its BTF target.

    `target` names what a tracing program is for: a function of vmlinux, or a ``btf_trace_…`` typedef.
    """

    __slots__ = ("attach_type", "flags", "returns", "target")

    def __init__(self, attach_type: int = 0, returns: int = 0, flags: int = 0, target: str = "") -> None:
        self.attach_type = attach_type
        self.returns = returns
        self.flags = flags
        self.target = target

    def fields(self, target_id: int = 0) -> dict[str, int | bytes]:
        """The fields of BPF_PROG_LOAD that the shape sets."""
        fields: dict[str, int | bytes] = {}
        if self.flags:
            fields["prog_flags"] = self.flags
        if self.attach_type:
            fields["expected_attach_type"] = self.attach_type
        if self.target:
            fields["attach_btf_id"] = target_id
        return fields


_SLEEPABLE = uapi.BPF_F_SLEEPABLE

# The first shape is the trial of the type. The others are what else it can be attached to: helpers may be open to one
# attach type and closed to the next (net/core/filter.c, sock_addr_func_proto() for one).
TABLE: dict[str, tuple[Shape, ...]] = {
    "BPF_PROG_TYPE_SOCKET_FILTER": (Shape(),),
    "BPF_PROG_TYPE_KPROBE": (Shape(), Shape(flags=_SLEEPABLE), Shape(uapi.BPF_TRACE_KPROBE_MULTI)),
    "BPF_PROG_TYPE_SCHED_CLS": (Shape(),),
    "BPF_PROG_TYPE_SCHED_ACT": (Shape(),),
    "BPF_PROG_TYPE_TRACEPOINT": (Shape(),),
    "BPF_PROG_TYPE_XDP": (Shape(), Shape(uapi.BPF_XDP_DEVMAP)),
    "BPF_PROG_TYPE_PERF_EVENT": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SKB": (Shape(uapi.BPF_CGROUP_INET_INGRESS), Shape(uapi.BPF_CGROUP_INET_EGRESS)),
    # 4.17 and later check the attach type of a cgroup socket program at load; 0, ingress, stands for "create".
    "BPF_PROG_TYPE_CGROUP_SOCK": (
        Shape(),
        Shape(uapi.BPF_CGROUP_INET4_POST_BIND),
        Shape(uapi.BPF_CGROUP_INET_SOCK_RELEASE),
    ),
    "BPF_PROG_TYPE_LWT_IN": (Shape(),),
    "BPF_PROG_TYPE_LWT_OUT": (Shape(),),
    "BPF_PROG_TYPE_LWT_XMIT": (Shape(),),
    "BPF_PROG_TYPE_SOCK_OPS": (Shape(),),
    "BPF_PROG_TYPE_SK_SKB": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_DEVICE": (Shape(),),
    "BPF_PROG_TYPE_SK_MSG": (Shape(),),
    "BPF_PROG_TYPE_RAW_TRACEPOINT": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SOCK_ADDR": (
        Shape(uapi.BPF_CGROUP_INET4_CONNECT),
        Shape(uapi.BPF_CGROUP_INET4_BIND),
        Shape(uapi.BPF_CGROUP_UDP4_SENDMSG),
        Shape(uapi.BPF_CGROUP_UDP4_RECVMSG, returns=1),
        Shape(uapi.BPF_CGROUP_INET4_GETPEERNAME, returns=1),
        Shape(uapi.BPF_CGROUP_UNIX_CONNECT),
    ),
    "BPF_PROG_TYPE_LWT_SEG6LOCAL": (Shape(),),
    "BPF_PROG_TYPE_LIRC_MODE2": (Shape(),),
    "BPF_PROG_TYPE_SK_REUSEPORT": (Shape(), Shape(uapi.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE)),
    "BPF_PROG_TYPE_FLOW_DISSECTOR": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SYSCTL": (Shape(),),
    "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SOCKOPT": (Shape(uapi.BPF_CGROUP_SETSOCKOPT), Shape(uapi.BPF_CGROUP_GETSOCKOPT)),
    "BPF_PROG_TYPE_TRACING": (
        Shape(uapi.BPF_TRACE_ITER, target="bpf_iter_task"),
        Shape(uapi.BPF_TRACE_ITER, target="bpf_iter_task", flags=_SLEEPABLE),
        Shape(uapi.BPF_TRACE_RAW_TP, target="btf_trace_sched_switch"),
        Shape(uapi.BPF_TRACE_FENTRY, target="bpf_fentry_test1"),
        Shape(uapi.BPF_TRACE_FEXIT, target="bpf_fentry_test1"),
        Shape(uapi.BPF_MODIFY_RETURN, target="bpf_modify_return_test"),
    ),
    "BPF_PROG_TYPE_LSM": (
        Shape(uapi.BPF_LSM_MAC, target="bpf_lsm_file_open"),
        Shape(uapi.BPF_LSM_MAC, target="bpf_lsm_file_open", flags=_SLEEPABLE),
        Shape(uapi.BPF_LSM_CGROUP, target="bpf_lsm_socket_bind", returns=1),
    ),
    "BPF_PROG_TYPE_SK_LOOKUP": (Shape(uapi.BPF_SK_LOOKUP),),
    # Only sleepable programs have this type (kernel/bpf/verifier.c, bpf_check_attach_target() and its callers).
    "BPF_PROG_TYPE_SYSCALL": (Shape(flags=_SLEEPABLE),),
    "BPF_PROG_TYPE_NETFILTER": (Shape(uapi.BPF_NETFILTER),),
}

# A type that is known says what it misses: the member of a struct (struct_ops), a program to extend (ext).
_KNOWN_BY_LOG = {
    "BPF_PROG_TYPE_STRUCT_OPS": (
        {"attach_btf_id": 1},
        ("attach_btf_id 1 is not a supported struct", "is not a supported struct", "struct_ops", "struct ops"),
    ),
    "BPF_PROG_TYPE_EXT": (
        {"attach_btf_id": 1, "expected_attach_type": 0},
        (
            "attach_btf_id 1 is not a function",
            "Cannot replace kernel functions",
            "without attach_prog_fd",
            "is not a function",
        ),
    ),
}


def shapes(program_type: str) -> tuple[Shape, ...]:
    """The shapes of a program type, the trial's own first; none for types that extend or implement something else."""
    return TABLE.get(program_type, ())


_targets: dict[str, int] = {}


def target_id(name: str) -> int:
    """The BTF id of a tracing target in vmlinux; 1, which is no function, when it cannot be found."""
    if not name:
        return 0
    if not _targets:
        from ebpf.probe import kernel_btf

        wanted = {shape.target for row in TABLE.values() for shape in row if shape.target}
        _targets.update(dict.fromkeys(wanted, 1))
        _targets.update(kernel_btf.ids(wanted))
    return _targets[name]


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether programs of this type can be loaded; `None` for a name that is no program type."""
    if name in _KNOWN_BY_LOG:
        return _by_log(name)
    row = TABLE.get(name)
    if row is None:
        return None
    number: int = getattr(uapi, name)
    shape = row[0]
    insns = code.mov(code.R0, shape.returns) + code.exit_()
    fields = shape.fields(target_id(shape.target))
    result, log = calls.load_logged(number, insns, **fields)
    call = f"BPF_PROG_LOAD of {name}"
    if shape.target and result == -errno.EINVAL and "is not a" in log:
        # Without readable BTF the target is not found: the verifier knows the type all the same.
        return _known(call, result, log)
    outcome = judge(result, call, context.can_load, known=(errno.EACCES,))
    return _without_capability(outcome, name) if outcome.status == ABSENT else outcome


def _by_log(name: str) -> Outcome:
    fields, known = _KNOWN_BY_LOG[name]
    result, log = calls.load_logged(getattr(uapi, name), **fields)
    call = f"BPF_PROG_LOAD of {name}"
    if result < 0 and any(text in log for text in known):
        return _known(call, result, log)
    outcome = judge(result, call, context.can_load, known=(calls.ENOTSUPP,))
    return _without_capability(outcome, name) if outcome.status == ABSENT else outcome


def _known(call: str, result: int, log: str) -> Outcome:
    held = context.can_load()
    if held.status == DENIED:
        return Outcome(DENIED, f"{call}: {held.text}", held.errno)
    said = log.strip().splitlines()[0] if log.strip() else ""
    return Outcome(SUPPORTED, f"{call} was refused for its target alone ({said})", -result)


def _without_capability(outcome: Outcome, name: str) -> Outcome:
    """EINVAL comes before the capabilities are looked at, so it is what it seems;

    only an unprivileged caller must doubt it.
    """
    if context.capable():
        return outcome
    return Outcome(UNKNOWN, f"{outcome.text}; this process has neither CAP_BPF nor CAP_SYS_ADMIN", outcome.errno)
