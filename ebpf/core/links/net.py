"""Programs on network devices and hooks: XDP, traffic control (TCX, netkit, classic), netfilter."""

from __future__ import annotations

import errno
import socket
import struct

from ebpf import uapi
from ebpf.core import rules
from ebpf.core.links.base import Attempt, LinkCore, create
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program import ProgramCore

__all__ = ["ifindex", "netfilter", "netkit", "tc", "tcx", "xdp"]

_MODES = {
    "": 0,
    "generic": uapi.XDP_FLAGS_SKB_MODE,
    "native": uapi.XDP_FLAGS_DRV_MODE,
    "offload": uapi.XDP_FLAGS_HW_MODE,
}
_DIRECTIONS = ("ingress", "egress")
_FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
# enum nf_inet_hooks, include/uapi/linux/netfilter.h
_HOOKS = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}


def ifindex(interface: str | int) -> int:
    """The number of a network interface of this namespace. Raises `ArgumentError` when there is none of this name."""
    if isinstance(interface, int):
        return interface
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        names = ", ".join(name for _, name in socket.if_nameindex())
        raise ArgumentError(f"there is no network interface {interface!r}; there are {names}") from None


def xdp(program: ProgramCore, interface: str | int, mode: str = "", *, adapt: bool = True) -> LinkCore:
    """Run a program on every packet that a network device receives, before the kernel's stack. Needs Linux 4.8.

    Parameters:
        program: of ``BPF_PROG_TYPE_XDP``.
        interface: by name or number.
        mode: ``"native"``: by the driver; ``"generic"``: by the kernel, slower, for any device (4.12); ``"offload"``:
            by the device; ``""``: native if the driver can, else generic.
        adapt: whether netlink may stand in for a link before 5.9; needs pyroute2.

    Raises `AttachError` when the device has a program already, or its driver refuses.
    """
    if mode not in _MODES:
        raise ArgumentError(f"mode is {mode!r}: give one of {', '.join(map(repr, _MODES))}")
    number, flags = ifindex(interface), _MODES[mode]
    attempt = Attempt("xdp", f"XDP of {interface}", program, ("BPF_PROG_TYPE_XDP",), adapt=adapt)
    fd = create(program, number, uapi.BPF_XDP, flags)
    if fd >= 0:
        return attempt.link(fd)
    if fd != -errno.EINVAL or not attempt.lacks("BPF_LINK_TYPE_XDP"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return xdp_without_link(attempt, number, flags)


def xdp_without_link(attempt: Attempt, number: int, flags: int) -> LinkCore:
    """By netlink, on kernels before 5.9."""
    from ebpf.core.links import netlink

    netlink.set_xdp(attempt, number, attempt.program.fd, flags | uapi.XDP_FLAGS_UPDATE_IF_NOEXIST)
    return attempt.link(-1, "xdp_netlink", undo=lambda: netlink.set_xdp(attempt, number, -1, flags))


def tcx(
    program: ProgramCore,
    interface: str | int,
    direction: str = "ingress",
    *,
    flags: int = 0,
    relative: int = 0,
    adapt: bool = True,
) -> LinkCore:
    """Run a program on the packets of a network device, as they enter or leave. Needs Linux 6.6; see `tc` for before.

    Parameters:
        program: of ``BPF_PROG_TYPE_SCHED_CLS``.
        interface: by name or number.
        direction: ``"ingress"`` or ``"egress"``.
        flags, relative: where among others: ``BPF_F_BEFORE``, ``BPF_F_AFTER``, and the descriptor (with ``BPF_F_ID``
            the id) of the program or link (``BPF_F_LINK``) that is meant.
        adapt: whether `tc` may stand in for it before 6.6; needs pyroute2. Return TC_ACT_… then, which TCX takes too.
    """
    _check_direction(direction)
    attach_type = uapi.BPF_TCX_INGRESS if direction == "ingress" else uapi.BPF_TCX_EGRESS
    attempt = Attempt("tcx", f"{direction} of {interface}", program, ("BPF_PROG_TYPE_SCHED_CLS",), adapt=adapt)
    rest = struct.pack("=IxxxxQ", relative, 0) if relative else b""
    fd = create(program, ifindex(interface), attach_type, flags, rest)
    if fd >= 0:
        return attempt.link(fd)
    if fd != -errno.EINVAL or not attempt.lacks("BPF_LINK_TYPE_TCX"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return _filter(attempt, ifindex(interface), direction, 1, "tcx_netlink")


def tc(program: ProgramCore, interface: str | int, direction: str = "ingress", *, priority: int = 1) -> LinkCore:
    """The same as a filter of classic traffic control, with a clsact qdisc. Needs Linux 4.5 and pyroute2.

    Parameters:
        program: of ``BPF_PROG_TYPE_SCHED_CLS``; it returns TC_ACT_….
        interface: by name or number.
        direction: ``"ingress"`` or ``"egress"``.
        priority: of the filter: lower ones run first.
    """
    _check_direction(direction)
    attempt = Attempt("tc", f"{direction} filters of {interface}", program, ("tc_bpf", "tc_clsact"))
    return _filter(attempt, ifindex(interface), direction, priority)


def _check_direction(direction: str) -> None:
    if direction not in _DIRECTIONS:
        raise ArgumentError(f"direction is {direction!r}: give 'ingress' or 'egress'")


def _filter(attempt: Attempt, number: int, direction: str, priority: int, *adaptations: str) -> LinkCore:
    from ebpf.core.links import netlink

    undo = netlink.add_filter(attempt, number, direction, priority)
    return attempt.link(-1, *adaptations, undo=undo)


def netkit(
    program: ProgramCore, interface: str | int, peer: bool = False, *, flags: int = 0, relative: int = 0
) -> LinkCore:
    """Run a program on what a netkit device sends. Needs Linux 6.7.

    Parameters:
        program: of ``BPF_PROG_TYPE_SCHED_CLS``, loaded with ``BPF_NETKIT_PRIMARY`` or ``BPF_NETKIT_PEER``.
        interface: the primary device.
        peer: on what its peer sends instead.
        flags, relative: where among others, as for `tcx`.
    """
    attach_type = uapi.BPF_NETKIT_PEER if peer else uapi.BPF_NETKIT_PRIMARY
    attempt = Attempt("netkit", f"{rules.attach_type_name(attach_type)} of {interface}", program, ("netkit",))
    rest = struct.pack("=IxxxxQ", relative, 0) if relative else b""
    fd = create(program, ifindex(interface), attach_type, flags, rest)
    if fd < 0:
        hint = (
            "it is no netkit device"
            if -fd in (errno.ENXIO, errno.EINVAL) and not attempt.lacks("BPF_LINK_TYPE_NETKIT")
            else ""
        )
        raise attempt.failed("BPF_LINK_CREATE", -fd, hint)
    return attempt.link(fd)


def netfilter(
    program: ProgramCore, hook: str | int, family: str | int = "ipv4", *, priority: int = 0, defragment: bool = False
) -> LinkCore:
    """Run a program at a netfilter hook of this network namespace. Needs Linux 6.4.

    Parameters:
        program: of ``BPF_PROG_TYPE_NETFILTER``; it returns 0 (NF_DROP) or 1 (NF_ACCEPT).
        hook: ``"prerouting"``, ``"input"``, ``"forward"``, ``"output"``, ``"postrouting"``.
        family: ``"ipv4"`` or ``"ipv6"``.
        priority: among the hook's functions, lower ones first; each may be there once.
        defragment: let it see whole packets, not their fragments. Needs Linux 6.6 and a priority above -400.
    """
    number = _HOOKS.get(hook, -1) if isinstance(hook, str) else hook
    protocol = _FAMILIES.get(family, -1) if isinstance(family, str) else family
    if number < 0 or protocol < 0:
        raise ArgumentError(f"{hook!r} and {family!r}: give one of {', '.join(_HOOKS)}, and ipv4 or ipv6")
    attempt = Attempt("netfilter", f"netfilter {hook} of {family}", program, ("netfilter_programs",))
    flags = uapi.BPF_F_NETFILTER_IP_DEFRAG if defragment else 0
    fd = create(program, 0, uapi.BPF_NETFILTER, 0, struct.pack("=IIiI", protocol, number, priority, flags))
    if fd < 0:
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return attempt.link(fd)
