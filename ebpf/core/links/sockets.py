"""Programs on sockets, and on maps of sockets."""

from __future__ import annotations

import ctypes
import errno
import os
import socket as _socket
import struct

from ebpf import uapi
from ebpf.core import rules
from ebpf.core.links.base import Attempt, LinkCore, create
from ebpf.core.links.cgroups import Detaching, prog_attach
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore
    from ebpf.core.program import ProgramCore

__all__ = ["reuseport", "socket_filter", "sockmap"]

# include/uapi/asm-generic/socket.h; parisc and sparc number them otherwise.
_SO_ATTACH_BPF, _SO_DETACH_FILTER, _SO_ATTACH_REUSEPORT_EBPF, _SO_DETACH_REUSEPORT_BPF = 50, 27, 52, 68
_DEFAULTS = {
    uapi.BPF_PROG_TYPE_SK_MSG: uapi.BPF_SK_MSG_VERDICT,
    uapi.BPF_PROG_TYPE_SK_SKB: uapi.BPF_SK_SKB_STREAM_VERDICT,
}
_libc = ctypes.CDLL(None, use_errno=True)


def socket_filter(program: ProgramCore, socket: _socket.socket) -> LinkCore:
    """Let a program decide how much of each packet a socket receives. Needs Linux 3.19.

    Parameters:
        program: of ``BPF_PROG_TYPE_SOCKET_FILTER``; it returns how many bytes to keep, 0 to drop the packet.
        socket: a socket, which keeps its filter until the link is closed, or it is.

    Raises `AttachError` when the socket's filter is locked.
    """
    return _on_socket("socket_filter", program, socket, _SO_ATTACH_BPF, _SO_DETACH_FILTER)


def reuseport(program: ProgramCore, socket: _socket.socket) -> LinkCore:
    """Let a program choose among the sockets of a SO_REUSEPORT group. Needs Linux 4.5.

    Parameters:
        program: of ``BPF_PROG_TYPE_SOCKET_FILTER`` (it returns an index), or ``BPF_PROG_TYPE_SK_REUSEPORT`` (4.19).
        socket: one of the group, with SO_REUSEPORT set. Detaching needs Linux 5.3.
    """
    return _on_socket("reuseport", program, socket, _SO_ATTACH_REUSEPORT_EBPF, _SO_DETACH_REUSEPORT_BPF)


def _on_socket(kind: str, program: ProgramCore, socket: _socket.socket, attach: int, detach: int) -> LinkCore:
    attempt = Attempt(kind, f"socket {socket.fileno()}", program, (rules.program_type_name(program.program_type),))
    error = _option(socket.fileno(), attach, program.fd)
    if error:
        raise attempt.failed("setsockopt", error)
    own = os.dup(socket.fileno())  # the caller may close its own, and the number may come to mean another

    def undo() -> None:
        _option(own, detach, 0)

    return attempt.link(-1, undo=undo, keep=[own])


def _option(fd: int, option: int, value: int) -> int:
    memory = ctypes.create_string_buffer(struct.pack("=i", value), 4)
    if _libc.setsockopt(fd, _socket.SOL_SOCKET, option, memory, 4) == 0:
        return 0
    return ctypes.get_errno()


def sockmap(program: ProgramCore, map: MapCore, attach_type: int | None = None, *, adapt: bool = True) -> LinkCore:
    """Let a program decide on the data of the sockets in a map. Needs Linux 4.14 (``SK_SKB``), 4.17 (``SK_MSG``).

    Parameters:
        program: of ``BPF_PROG_TYPE_SK_SKB`` or ``BPF_PROG_TYPE_SK_MSG``.
        map: of ``BPF_MAP_TYPE_SOCKMAP`` or ``BPF_MAP_TYPE_SOCKHASH``.
        attach_type: ``BPF_SK_SKB_STREAM_PARSER``, ``BPF_SK_SKB_STREAM_VERDICT``, ``BPF_SK_SKB_VERDICT`` (5.13),
            ``BPF_SK_MSG_VERDICT``; what the program was loaded with by default.
        adapt: whether ``BPF_PROG_ATTACH`` may stand in for a link before 6.10.
    """
    if attach_type is None:
        attach_type = program.expected_attach_type or _DEFAULTS.get(program.program_type, 0)
    if program.program_type not in _DEFAULTS:
        raise ArgumentError(f"{program!r} is no program for sockets in a map: SK_SKB and SK_MSG are")
    name = rules.attach_type_name(attach_type)
    attempt = Attempt("sockmap", f"{name} of a map of sockets", program, (name,), adapt=adapt)
    fd = create(program, map.fd, attach_type)
    if fd >= 0:
        return attempt.link(fd)
    if fd not in (-errno.EINVAL, -errno.EOPNOTSUPP) or not attempt.lacks("BPF_LINK_TYPE_SOCKMAP"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return sockmap_without_link(attempt, map, attach_type)


def sockmap_without_link(attempt: Attempt, map: MapCore, attach_type: int) -> LinkCore:
    """By ``BPF_PROG_ATTACH``, on kernels before 6.10."""
    own = os.dup(map.fd)
    result = prog_attach(attempt.program, own, attach_type)
    if result < 0:
        os.close(own)
        raise attempt.failed("BPF_PROG_ATTACH", -result)
    return attempt.link(-1, "sockmap_attach", undo=Detaching(attempt.program, own, attach_type), keep=[own])
