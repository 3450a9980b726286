"""Why this process was refused something that the kernel has: which capability, which policy."""

from __future__ import annotations

import featuredb
from ebpf.verdict import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host import Host
    from featuredb import Feature

__all__ = ["COMMANDS", "capabilities", "why_denied"]

# The ability that takes bpf(2) from processes without capabilities; its record says which one they need then.
_RESTRICTED = "unprivileged_bpf_disabled"
_SECCOMP_FILTER = 2  # /proc/self/status, "Seccomp:"; include/uapi/linux/seccomp.h, SECCOMP_MODE_FILTER


def why_denied(host: Host, needed: tuple[str, ...]) -> list[Reason]:
    """The conditions on this machine that refuse to this process what needs these capabilities, likeliest first."""
    reasons: list[Reason] = []
    if host.sysctls.get("kernel.unprivileged_bpf_disabled"):
        needed += tuple(name for name in featuredb.get(_RESTRICTED).capabilities if name not in needed)
    missing = [name for name in needed if not host.capabilities.has(name)]
    if missing:
        text = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        unprivileged = host.sysctls.get("kernel.unprivileged_bpf_disabled")
        if unprivileged:
            text += f" and kernel.unprivileged_bpf_disabled is {unprivileged}"
        reasons.append(Reason("host", text))
    if host.user_namespace.initial is False:
        reasons.append(
            Reason(
                "host",
                "this process is in a user namespace, where capabilities do not reach bpf(2) without a BPF token",
            )
        )
    if host.seccomp.mode == _SECCOMP_FILTER:
        reasons.append(Reason("host", "a seccomp filter is active and may refuse bpf(2)"))
    if not reasons and host.lockdown not in (None, "none"):
        reasons.append(Reason("host", f"the kernel is locked down ({host.lockdown}), which may refuse it"))
    if not reasons:
        reasons.append(
            Reason("host", "no capability, sysctl, seccomp filter or lockdown explains it: a security module may")
        )
    return reasons


def capabilities(record: Feature, program_type: str | None = None) -> tuple[str, ...]:
    """What the database says the feature needs, the feature's own first, then its program type's."""
    names = list(record.capabilities)
    if program_type is not None:
        relation = record.program_types.get(program_type)
        names += relation.capabilities if relation is not None else ()
        names += featuredb.get(program_type).capabilities
    if not names:
        command = COMMANDS.get(record.kind)
        names += featuredb.get(command).capabilities if command else ()
    return tuple(dict.fromkeys(names))


COMMANDS = {
    "map_type": "BPF_MAP_CREATE",
    "program_type": "BPF_PROG_LOAD",
    "helper": "BPF_PROG_LOAD",
    "kfunc": "BPF_PROG_LOAD",
    "verifier": "BPF_PROG_LOAD",
    "instruction": "BPF_PROG_LOAD",
    "attach_type": "BPF_PROG_LOAD",
    "link_type": "BPF_LINK_CREATE",
    "btf": "BPF_BTF_LOAD",
}
"""The command that a feature of each kind is used through."""
