"""Trials of program types: ``r0 = N; exit`` in the shape that each type insists on."""

from __future__ import annotations

import errno

from ebpf import uapi
from ebpf.probe import calls, code, context
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

__all__ = ["NAMES", "TABLE", "Shape", "shapes", "target_id", "targets", "trial", "version_code"]


class Shape:
    """One way to load an empty program of a type: what it returns, expected_attach_type, flags, and its BTF target.

    `target` names what a program is for: a function of vmlinux, a ``btf_trace_…`` typedef, or ``STRUCT.MEMBER`` for a
    struct_ops, whose members are numbered.
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
            if "." in self.target:
                fields["expected_attach_type"] = _member(self.target, target_id)
        return fields


_SLEEPABLE = uapi.BPF_F_SLEEPABLE

# The first shape is the trial of the type. The others are what else it can be attached to: helpers may be open to one
# attach type and closed to the next (net/core/filter.c, sock_addr_func_proto() for one).
TABLE: dict[str, tuple[Shape, ...]] = {
    "BPF_PROG_TYPE_SOCKET_FILTER": (Shape(),),
    "BPF_PROG_TYPE_KPROBE": (
        Shape(),
        Shape(flags=_SLEEPABLE),
        Shape(uapi.BPF_TRACE_KPROBE_MULTI),
        Shape(uapi.BPF_TRACE_KPROBE_SESSION),
    ),
    "BPF_PROG_TYPE_SCHED_CLS": (Shape(),),
    "BPF_PROG_TYPE_SCHED_ACT": (Shape(),),
    "BPF_PROG_TYPE_TRACEPOINT": (Shape(),),
    "BPF_PROG_TYPE_XDP": (Shape(), Shape(uapi.BPF_XDP_DEVMAP)),
    "BPF_PROG_TYPE_PERF_EVENT": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SKB": (Shape(uapi.BPF_CGROUP_INET_INGRESS), Shape(uapi.BPF_CGROUP_INET_EGRESS)),
    # The kernel takes attach type 0 for BPF_CGROUP_INET_SOCK_CREATE (bpf_prog_load_fixup_attach_type()).
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
    # Without it they pass for BPF_CGROUP_INET_INGRESS, to which some helpers are closed (kernel/bpf/cgroup.c,
    # cgroup_common_func_proto()); kernels before 4.17 do not know the field.
    "BPF_PROG_TYPE_CGROUP_DEVICE": (Shape(), Shape(uapi.BPF_CGROUP_DEVICE)),
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
    "BPF_PROG_TYPE_CGROUP_SYSCTL": (Shape(), Shape(uapi.BPF_CGROUP_SYSCTL)),
    "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE": (Shape(),),
    "BPF_PROG_TYPE_CGROUP_SOCKOPT": (Shape(uapi.BPF_CGROUP_SETSOCKOPT), Shape(uapi.BPF_CGROUP_GETSOCKOPT)),
    "BPF_PROG_TYPE_TRACING": (
        Shape(uapi.BPF_TRACE_ITER, target="bpf_iter_task"),
        Shape(uapi.BPF_TRACE_ITER, target="bpf_iter_task", flags=_SLEEPABLE),
        Shape(uapi.BPF_TRACE_RAW_TP, target="btf_trace_sched_switch"),
        Shape(uapi.BPF_TRACE_FENTRY, target="vfs_truncate"),  # where bpf_d_path was first allowed
        Shape(uapi.BPF_TRACE_FEXIT, target="bpf_fentry_test1"),
        Shape(uapi.BPF_MODIFY_RETURN, target="bpf_modify_return_test"),
        Shape(uapi.BPF_TRACE_FSESSION, target="bpf_fentry_test1"),
    ),
    # The members must be ones that programs may implement. bpf_dummy_ops, the kernel's own test, may call no helper.
    "BPF_PROG_TYPE_STRUCT_OPS": (
        Shape(target="tcp_congestion_ops.ssthresh"),
        Shape(target="sched_ext_ops.enqueue"),
        Shape(target="sched_ext_ops.dispatch"),
        Shape(target="sched_ext_ops.select_cpu"),
        Shape(target="sched_ext_ops.init", flags=_SLEEPABLE),
        Shape(target="sched_ext_ops.cpu_release"),
        Shape(target="Qdisc_ops.enqueue"),
        Shape(target="Qdisc_ops.dequeue"),
        Shape(target="Qdisc_ops.init"),
        Shape(target="hid_bpf_ops.hid_device_event"),
    ),
    "BPF_PROG_TYPE_LSM": (
        Shape(uapi.BPF_LSM_MAC, target="bpf_lsm_file_open"),
        Shape(uapi.BPF_LSM_MAC, target="bpf_lsm_bprm_committed_creds", flags=_SLEEPABLE),  # sleepable since 5.10
        # bpf_setsockopt is open to few hooks: kernel/bpf/bpf_lsm.c, bpf_lsm_unlocked_sockopt_hooks.
        Shape(uapi.BPF_LSM_CGROUP, target="bpf_lsm_socket_post_create", returns=1),
    ),
    "BPF_PROG_TYPE_SK_LOOKUP": (Shape(uapi.BPF_SK_LOOKUP),),
    # Only sleepable programs have this type (kernel/bpf/verifier.c: "Syscall programs can only be sleepable").
    "BPF_PROG_TYPE_SYSCALL": (Shape(flags=_SLEEPABLE),),
    "BPF_PROG_TYPE_NETFILTER": (Shape(uapi.BPF_NETFILTER),),
}

# Types that say what they miss when they are to be attached to type 1 of vmlinux, an integer or void pointer. An
# extension needs a program to extend; the others get here without readable BTF.
_KNOWN_BY_LOG = ("attach_btf_id 1 is not a", "attach_btf_id 1 is invalid", "Cannot replace kernel functions")
_EXT = "BPF_PROG_TYPE_EXT"
NAMES = (*TABLE, _EXT)
"""Every program type that has a trial."""


def shapes(program_type: str) -> tuple[Shape, ...]:
    """The shapes of a program type, the trial's own first; none for extensions, which are what they extend."""
    return TABLE.get(program_type, ())


def targets() -> set[str]:
    """The BTF names of all targets."""
    return {shape.target.partition(".")[0] for row in TABLE.values() for shape in row if shape.target}


def target_id(name: str) -> int:
    """The BTF id of a target in vmlinux; 1, which is none, when it is not there or BTF cannot be read."""
    if not name:
        return 0
    from ebpf.btf import kinds
    from ebpf.probe import kernel_btf

    struct, dot, _ = name.partition(".")
    kind = kinds.STRUCT if dot else kinds.TYPEDEF if name.startswith("btf_trace_") else kinds.FUNC
    kernel_btf.look_up(targets())
    return kernel_btf.find(struct, kind) or 1


def _member(target: str, struct_id: int) -> int:
    """The number of a struct_ops' member."""
    from ebpf.probe import kernel_btf

    btf = kernel_btf.vmlinux()
    if btf is None or struct_id == 1:
        return 0
    names = btf.members(struct_id)
    name = target.partition(".")[2]
    return names.index(name) if name in names else 0


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether programs of this type can be loaded; `None` for a name that is no program type."""
    if name not in NAMES:
        return None
    best: Outcome | None = None
    for shape in TABLE.get(name, (_EXTENSION,)):
        outcome = _try(name, shape)
        if outcome.status == SUPPORTED:
            return outcome
        if best is None or _RANK.index(outcome.status) < _RANK.index(best.status):
            best = outcome
        if not shape.target:
            break  # only what a type can be attached to may be younger than it, or refused
    return best


_EXTENSION = Shape(target="-")
_RANK = (DENIED, UNKNOWN, ABSENT)


def _try(name: str, shape: Shape) -> Outcome:
    number: int = getattr(uapi, name)
    insns = code.mov(code.R0, shape.returns) + code.exit_()
    fields = shape.fields(1 if shape is _EXTENSION else target_id(shape.target))
    if name == "BPF_PROG_TYPE_KPROBE":
        fields["kern_version"] = version_code()
    call = f"BPF_PROG_LOAD of {name}"
    result = calls.load_program(number, insns, **fields)
    if result >= 0 or context.refusal(result, call) is not None:
        outcome = judge(result, call, context.can_load)
        return _refused(outcome, name, fields) if outcome.status == DENIED and shape.target else outcome
    return _by_log(name, call, number, insns, fields)


def _by_log(name: str, call: str, number: int, insns: bytes, fields: dict[str, int | bytes]) -> Outcome:
    """It was not accepted: what the verifier said decides, if it was reached at all."""
    result, log = calls.load_logged(number, insns, **fields)
    said = log.strip().splitlines()[0] if log.strip() else ""
    held = context.can_load()
    if held.status == DENIED:
        return Outcome(DENIED, f"{call} answered {calls.spell(result)}, but {held.text}", held.errno)
    if result == -errno.EACCES and not log:
        # So does SELinux (security/selinux/hooks.c, selinux_bpf_prog_load()); the verifier always says why.
        return Outcome(DENIED, f"{call} answered EACCES without the verifier: a security module refuses it", -result)
    if result == -errno.EACCES or any(text in log for text in _KNOWN_BY_LOG):
        return Outcome(SUPPORTED, f"{call} was refused by the verifier for what it is attached to ({said})", -result)
    if said:
        return Outcome(UNKNOWN, f"{call} answered {calls.spell(result)} ({said})", -result)
    outcome = judge(result, call, context.can_load, absent=(errno.EINVAL, errno.E2BIG))
    if outcome.status == ABSENT and not context.capable():
        return Outcome(UNKNOWN, f"{outcome.text}; this process has neither CAP_BPF nor CAP_SYS_ADMIN", outcome.errno)
    return outcome


def _refused(outcome: Outcome, name: str, fields: dict[str, int | bytes]) -> Outcome:
    """EPERM for a program with a BTF target: how far did the call get?

    The kernel looks at capabilities first, then copies the instructions (EFAULT from a bad address), then asks the
    security modules (kernel/bpf/syscall.c, bpf_prog_load()).
    """
    import featuredb
    from ebpf import host

    capabilities = host.read().capabilities
    tracing = context.can_trace()
    if tracing.status != SUPPORTED or not all(capabilities.has(each) for each in featuredb.get(name).capabilities):
        return outcome
    result = calls.load_from(8, getattr(uapi, name), **fields)
    if result == -errno.EFAULT:
        why = "after its instructions were read: a security module refuses it"
    else:
        why = (
            "before its instructions were read: no capability or security module decides there, this kernel itself does"
        )
    return Outcome(DENIED, f"{outcome.text}, while {tracing.text}, and {why}", outcome.errno)


def version_code() -> int:
    """LINUX_VERSION_CODE: before 5.0 programs for kprobes had to name it. The last part is cut off at 255."""
    from ebpf import host

    numbers = [int(part) for part in (host.read().version or "").split(".") if part.isdigit()]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major << 16 | minor << 8 | min(patch, 255)
