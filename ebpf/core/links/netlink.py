"""XDP and traffic control by netlink, through pyroute2: for kernels without their links."""

from __future__ import annotations

import contextlib
import errno

from ebpf.errors import AttachError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.links.base import Attempt

__all__ = ["add_filter", "set_xdp"]

_ETH_P_ALL = 3
_PARENTS = {"ingress": 0xFFFFFFF2, "egress": 0xFFFFFFF3}  # TC_H_CLSACT with TC_H_MIN_INGRESS, TC_H_MIN_EGRESS


def _open(attempt: Attempt) -> Any:
    try:
        from pyroute2 import IPRoute
    except ImportError:
        raise AttachError(
            errno.ENOSYS,
            f"attaching {attempt.program!r} to {attempt.target} takes netlink on this kernel, and pyroute2 is not"
            ' installed: pip install "ebpf[netlink]"',
            "netlink",
            attempt.target,
        ) from None
    return IPRoute()


def _failed(attempt: Attempt, error: Any) -> Exception:
    code = getattr(error, "code", None) or errno.EIO
    return attempt.failed("netlink", int(code))


def set_xdp(attempt: Attempt, ifindex: int, fd: int, flags: int) -> None:
    """Put a program on an interface, or take it off (-1).

    Linux kernel commit d1fdd9138682 ("rtnl: add option for setting link xdp prog") (in v4.8).
    """
    with _open(attempt) as netlink:
        attributes = [("IFLA_XDP_FD", fd), ("IFLA_XDP_FLAGS", flags)]
        try:
            netlink.link("set", index=ifindex, xdp={"attrs": attributes})
        except netlink_error() as error:
            if fd < 0:  # the interface is gone, and its program with it
                return
            raise _failed(attempt, error) from None


def add_filter(attempt: Attempt, ifindex: int, direction: str, priority: int) -> Callable[[], None]:
    """Add a direct-action filter to a clsact qdisc, which is made if it is not there; what undoes both.

    Linux kernel commit 1f211a1b929c ("net, sched: add clsact qdisc") (in v4.5).
    """
    parent = _PARENTS[direction]
    handle = attempt.program.info().id & 0x7FFFFFFF  # one filter for each program and hook
    where = {"handle": handle, "parent": parent, "prio": priority, "protocol": _ETH_P_ALL}
    with _open(attempt) as netlink:
        made = _add_qdisc(attempt, netlink, ifindex)
        try:
            netlink.tc(
                "add-filter",
                "bpf",
                ifindex,
                fd=attempt.program.fd,
                name=attempt.program.name or "ebpf",
                direct_action=True,
                **where,
            )
        except netlink_error() as error:
            if made:
                netlink.tc("del", "clsact", ifindex)
            raise _failed(attempt, error) from None

    def undo() -> None:
        with _open(attempt) as again, contextlib.suppress(netlink_error()):
            again.tc("del-filter", "bpf", ifindex, **where)
            if made and not any(again.get_filters(index=ifindex, parent=each) for each in _PARENTS.values()):
                again.tc("del", "clsact", ifindex)

    return undo


def _add_qdisc(attempt: Attempt, netlink: Any, ifindex: int) -> bool:
    try:
        netlink.tc("add", "clsact", ifindex)
    except netlink_error() as error:
        if error.code == errno.EEXIST:
            return False
        raise _failed(attempt, error) from None
    return True


def netlink_error() -> Any:
    """What pyroute2 raises."""
    from pyroute2.netlink.exceptions import NetlinkError

    return NetlinkError
