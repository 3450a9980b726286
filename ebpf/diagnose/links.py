"""Why a program cannot be attached, and what of a link is refused."""

from __future__ import annotations

import errno
import os

from ebpf.core import rules
from ebpf.diagnose.verdicts import verdict_error
from ebpf.errors import AttachError, EbpfError, PermissionDeniedError, UnsupportedFeatureError
from ebpf.kernel import running
from ebpf.probe.calls import ENOTSUPP, spell
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.links.base import Attempt, LinkCore

__all__ = ["attach", "link_command", "no_link"]

_NO_MODULES = "the kernel has no clsact qdisc or no BPF filters, and no module of either (sch_ingress, cls_bpf)"
# What an errno means for a kind of attachment, where it means something of its own.
_HINTS = {
    ("xdp", errno.EBUSY): "another XDP program is attached there already; detach it, or use its link's update()",
    ("xdp", errno.EEXIST): "an XDP program is attached there in another mode",
    ("xdp", errno.EOPNOTSUPP): 'the driver cannot run XDP itself: attach with mode="generic"',
    ("xdp", errno.EINVAL): "the driver refuses it (MTU, number of channels, LRO), or there is no such interface",
    ("fentry", errno.EBUSY): "another program that changes the return value is attached there",
    (
        "kprobe",
        errno.EINVAL,
    ): "the place cannot be probed: no start of an instruction, or on the kernel's blacklist",
    ("kprobe", errno.EADDRNOTAVAIL): "there is no such address",
    ("kprobe", errno.ENOENT): "the kernel has no such function: it may be inlined or named otherwise in this release",
    ("kprobe_multi", errno.ESRCH): "the kernel has no such function that can be traced",
    ("kprobe_multi", errno.ENOENT): "the kernel has no such function that can be traced",
    ("uprobe", errno.EINVAL): "there is no instruction at this offset of the file",
    ("tracepoint", errno.EEXIST): "a program is attached to this event already",
    ("tracepoint", errno.EACCES): "the program reads more of the context than the tracepoint has",
    ("raw_tracepoint", errno.ENOENT): "the kernel has no such tracepoint",
    ("raw_tracepoint", errno.EINVAL): "the program reads more arguments than the tracepoint has",
    ("cgroup", errno.EPERM): "a program on a parent or on the cgroup itself was attached without BPF_F_ALLOW_MULTI",
    ("cgroup", errno.EBADF): "it is no cgroup2 directory",
    ("cgroup", errno.E2BIG): "64 programs are attached there already",
    ("netns", errno.E2BIG): "64 programs are attached there already",
    ("netns", errno.EEXIST): "a program is attached to this network namespace already",
    ("tc", errno.ENOENT): _NO_MODULES,
    ("tcx", errno.ENOENT): _NO_MODULES,
    ("tc", errno.EEXIST): "the program is a filter of this hook and priority already",
    ("netfilter", errno.EBUSY): "another program has this priority on the hook",
    ("netfilter", errno.ERANGE): "the priority is out of range",
    ("netfilter", errno.EAFNOSUPPORT): "the protocol family has no such hooks",
    ("socket_filter", errno.ENOTSOCK): "it is no socket",
    ("socket_filter", errno.EPERM): "the socket's filter is locked",
    ("freplace", errno.EBUSY): "the function is replaced already",
    ("struct_ops", errno.EEXIST): "one of this name is registered already",
    ("sockmap", errno.EBUSY): "a program that cannot be there together with this one is attached already",
    ("sockmap", errno.EINVAL): "it is no map of sockets, or takes no such program",
}


def attach(attempt: Attempt, command: str, error: int, hint: str = "") -> EbpfError:
    """The exception for an attachment that failed.

    Parameters:
        attempt: what was to be attached, where, and which features that needs.
        command: the call that failed.
        error: its errno.
        hint: what is known of the reason already.
    """
    what = f"attaching {attempt.program!r} to {attempt.target} failed ({command}: {spell(error)})"
    if not hint:
        for name in attempt.features:
            verdict = running().check(name)
            if verdict.status in (ABSENT, COMPILED_OUT, DENIED):
                return verdict_error(verdict)
    hint = hint or _HINTS.get((attempt.kind, error), "")
    if error in (errno.EPERM, errno.EACCES) and not hint:
        return PermissionDeniedError(f"{what}: {_refused()}", errno=error)
    reason = hint or ("not supported" if error == ENOTSUPP else os.strerror(error))
    return AttachError(error, f"{what}: {reason}", command, attempt.target)


def _refused() -> str:
    host = running().host
    missing = [
        name
        for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN")
        if not host.capabilities.has(name) and not host.capabilities.has("CAP_SYS_ADMIN")
    ]
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if host.lockdown in ("integrity", "confidentiality"):
        return f"the kernel is locked down ({host.lockdown})"
    return "a security module or a sandbox refuses it to this process"


def link_command(command: int, doing: str, error: int, kind: str) -> EbpfError:
    """The exception for a command on a link."""
    name = rules.command_name(command)
    what = f"{doing} failed ({spell(error)})"
    if error == errno.EINVAL:
        verdict = running().check(name)
        if verdict.status in (ABSENT, COMPILED_OUT):
            return verdict_error(verdict)
        return AttachError(error, f"{what}: links of this kind cannot do that, or not with this program", name)
    if error in (errno.EOPNOTSUPP, errno.ENOSYS):
        return AttachError(error, f"{what}: links of this kind cannot do that", name)
    if error == errno.EPERM:
        return AttachError(error, f"{what}: another program is attached than the one given as old", name)
    if error == errno.ENOLINK:
        return AttachError(error, f"{what}: what it was attached to is gone", name)
    return AttachError(error, f"{what}: {os.strerror(error)}", name)


def no_link(link: LinkCore, what: str) -> EbpfError:
    """The exception for what only a bpf_link can do, of an attachment that is none."""
    rows = "; ".join(f"{row.instead} (without {row.feature})" for row in link.adaptations)
    missing = link.adaptations[0].feature if link.adaptations else "bpf_links"
    verdict = running().check(missing)
    why = f": {rows}" if rows else ""
    return UnsupportedFeatureError(f"the {link.kind} attachment to {link.target} {what}{why}", verdict)
