"""Programs as the members of a kernel structure of functions: TCP congestion control, schedulers, HID drivers."""

from __future__ import annotations

import errno
import os

from ebpf import uapi
from ebpf.core.links.base import Attempt, LinkCore, create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore

__all__ = ["struct_ops"]

_KEY = bytes(4)  # such a map has one element


def struct_ops(map: MapCore, value: bytes, *, adapt: bool = True) -> LinkCore:
    """Register a structure of functions with the kernel. Needs Linux 5.6.

    Parameters:
        map: of ``BPF_MAP_TYPE_STRUCT_OPS``, with ``BPF_F_LINK`` for a link (6.4).
        value: the kernel's ``struct bpf_struct_ops_NAME``, with descriptors of programs in place of functions.
        adapt: whether registering by the map's update may stand in for a link before 6.4.
    """
    attempt = Attempt("struct_ops", "a structure of functions", map, ("struct_ops_programs",), adapt=adapt)  # type: ignore[arg-type]  # shown, and its descriptor
    try:
        map.update(_KEY, value)
    except OSError as error:
        if isinstance(error, (NotImplementedError, PermissionError)):
            raise
        raise attempt.failed("BPF_MAP_UPDATE_ELEM", error.errno or errno.EINVAL) from None
    if map.flags & uapi.BPF_F_LINK:
        fd = create(map, 0, uapi.BPF_STRUCT_OPS)  # type: ignore[arg-type]  # map_fd is where prog_fd is
        if fd < 0:
            raise attempt.failed("BPF_LINK_CREATE", -fd)
        return attempt.link(fd)
    own = type(map).from_fd(os.dup(map.fd)) if hasattr(type(map), "from_fd") else map

    def undo() -> None:
        own.delete(_KEY)

    return attempt.link(-1, "struct_ops_update", undo=undo)
