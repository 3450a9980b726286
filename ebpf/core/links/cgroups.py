"""Programs on cgroups, by link and by ``BPF_PROG_ATTACH``; the same for network namespaces."""

from __future__ import annotations

import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.core import rules
from ebpf.core.links.base import Attempt, LinkCore, create
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program import ProgramCore

__all__ = ["Detaching", "cgroup", "flow_dissector", "prog_attach", "sk_lookup"]

_ATTACH = struct.Struct("=5I")  # target_fd, attach_bpf_fd, attach_type, attach_flags, replace_bpf_fd
# The attach type of a program type that has only one, or takes this one when none is given.
_DEFAULTS = {
    uapi.BPF_PROG_TYPE_CGROUP_SOCK: uapi.BPF_CGROUP_INET_SOCK_CREATE,
    uapi.BPF_PROG_TYPE_CGROUP_DEVICE: uapi.BPF_CGROUP_DEVICE,
    uapi.BPF_PROG_TYPE_SOCK_OPS: uapi.BPF_CGROUP_SOCK_OPS,
    uapi.BPF_PROG_TYPE_CGROUP_SYSCTL: uapi.BPF_CGROUP_SYSCTL,
}


def cgroup(
    program: ProgramCore,
    path: str,
    attach_type: int | None = None,
    *,
    flags: int = uapi.BPF_F_ALLOW_MULTI,
    adapt: bool = True,
) -> LinkCore:
    """Run a program for the processes of a cgroup and of those below it. Needs Linux 4.10.

    Parameters:
        program: of a cgroup program type, or ``BPF_PROG_TYPE_SOCK_OPS``.
        path: the directory in the cgroup2 file system.
        attach_type: ``BPF_CGROUP_…``; what the program was loaded with by default.
        flags: of ``BPF_PROG_ATTACH`` on kernels before 5.7: ``BPF_F_ALLOW_MULTI`` lets others be there too, as a link
            always does; ``BPF_F_ALLOW_OVERRIDE``, 0.
        adapt: whether ``BPF_PROG_ATTACH`` may stand in for a link, without ``BPF_F_ALLOW_MULTI`` before 4.15.

    Raises `AttachError` when it is no cgroup2 directory, or other programs are there that allow none beside them.
    """
    if attach_type is None:
        attach_type = program.expected_attach_type or _DEFAULTS.get(program.program_type, 0)
    name = rules.attach_type_name(attach_type)
    attempt = Attempt("cgroup", f"{name} of {path}", program, (name,), adapt=adapt)
    directory = _directory(path)
    fd = create(program, directory, attach_type)
    if fd == -errno.EINVAL and attempt.lacks("BPF_LINK_TYPE_CGROUP"):
        return without_link(attempt, directory, attach_type, flags)
    os.close(directory)
    if fd < 0:
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return attempt.link(fd)


def without_link(attempt: Attempt, directory: int, attach_type: int, flags: int) -> LinkCore:
    """By ``BPF_PROG_ATTACH``, on kernels before 5.7. The cgroup's descriptor is closed in the end."""
    result = prog_attach(attempt.program, directory, attach_type, flags)
    names = ["prog_attach"]
    if result == -errno.EINVAL and flags & uapi.BPF_F_ALLOW_MULTI:
        result = prog_attach(attempt.program, directory, attach_type, 0)
        names.append("cgroup_alone")
    if result < 0:
        os.close(directory)
        raise attempt.failed("BPF_PROG_ATTACH", -result)
    return attempt.link(-1, *names, undo=Detaching(attempt.program, directory, attach_type), keep=[directory])


def _directory(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ArgumentError(f"the cgroup {path} cannot be opened: {error.strerror}") from None


def prog_attach(program: ProgramCore, target: int, attach_type: int, flags: int = 0) -> int:
    """One ``BPF_PROG_ATTACH``: 0 or -errno."""
    result: int = syscall.attempt(uapi.BPF_PROG_ATTACH, _ATTACH.pack(target, program.fd, attach_type, flags, 0)[:16])
    return result


class Detaching:
    """``BPF_PROG_DETACH`` of a program by a descriptor of its own: the caller's may be closed before."""

    __slots__ = ("_attach_type", "_program", "_target")

    def __init__(self, program: ProgramCore, target: int, attach_type: int) -> None:
        self._program = os.dup(program.fd)
        self._target = target
        self._attach_type = attach_type

    def __call__(self) -> None:
        try:
            attr = _ATTACH.pack(self._target, self._program, self._attach_type, 0, 0)[:16]
            syscall.attempt(uapi.BPF_PROG_DETACH, attr)
        finally:
            os.close(self._program)


def flow_dissector(program: ProgramCore, netns: str = "/proc/self/ns/net", *, adapt: bool = True) -> LinkCore:
    """Let a program take packets apart for a network namespace. Needs Linux 4.20.

    Parameters:
        program: of ``BPF_PROG_TYPE_FLOW_DISSECTOR``.
        netns: the namespace's file; only this process's own before 5.8.
        adapt: whether ``BPF_PROG_ATTACH`` may stand in for a link before 5.8.
    """
    attempt = Attempt("netns", f"flow dissector of {netns}", program, ("BPF_FLOW_DISSECTOR",), adapt=adapt)
    own = os.path.realpath(netns) == os.path.realpath("/proc/self/ns/net") or netns == "/proc/self/ns/net"
    fd = _netns(program, netns, uapi.BPF_FLOW_DISSECTOR)
    if fd >= 0:
        return attempt.link(fd)
    if fd != -errno.EINVAL or not own or not attempt.lacks("BPF_LINK_TYPE_NETNS"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return flow_dissector_without_link(attempt)


def flow_dissector_without_link(attempt: Attempt) -> LinkCore:
    """By ``BPF_PROG_ATTACH`` to this process's own network namespace, on kernels before 5.8."""
    result = prog_attach(attempt.program, 0, uapi.BPF_FLOW_DISSECTOR)
    if result < 0:
        raise attempt.failed("BPF_PROG_ATTACH", -result)
    return attempt.link(-1, "netns_attach", undo=Detaching(attempt.program, 0, uapi.BPF_FLOW_DISSECTOR))


def sk_lookup(program: ProgramCore, netns: str = "/proc/self/ns/net") -> LinkCore:
    """Let a program choose the socket for new connections and packets of a network namespace. Needs Linux 5.9.

    Parameters:
        program: of ``BPF_PROG_TYPE_SK_LOOKUP``.
        netns: the namespace's file.
    """
    attempt = Attempt("netns", f"socket lookup of {netns}", program, ("BPF_SK_LOOKUP",))
    fd = _netns(program, netns, uapi.BPF_SK_LOOKUP)
    if fd < 0:
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return attempt.link(fd)


def _netns(program: ProgramCore, netns: str, attach_type: int) -> int:
    try:
        namespace = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ArgumentError(f"the network namespace {netns} cannot be opened: {error.strerror}") from None
    try:
        return create(program, namespace, attach_type)
    finally:
        os.close(namespace)
