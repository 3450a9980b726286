"""Programs that know their target since they were loaded: raw tracepoints, fentry, LSM, iterators, extensions."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.core import rules
from ebpf.core.links.base import Attempt, LinkCore, create
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore
    from ebpf.core.program import ProgramCore

__all__ = ["freplace", "iterator", "lsm_cgroup", "raw_tracepoint", "read_iterator", "tracing"]

# Feature of the database by attach type.
_FEATURES = {
    uapi.BPF_TRACE_RAW_TP: "tp_btf_programs",
    uapi.BPF_TRACE_FENTRY: "fentry_fexit",
    uapi.BPF_TRACE_FEXIT: "fentry_fexit",
    uapi.BPF_MODIFY_RETURN: "fmod_ret",
    uapi.BPF_TRACE_FSESSION: "fsession",
    uapi.BPF_LSM_MAC: "bpf_lsm",
}


def raw_tracepoint(program: ProgramCore, name: str, *, cookie: int = 0) -> LinkCore:
    """Run a program at a raw tracepoint, with its unformatted arguments. Needs Linux 4.17.

    Parameters:
        program: of ``BPF_PROG_TYPE_RAW_TRACEPOINT`` or ``…_WRITABLE``.
        name: without a category: ``"sched_switch"``.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 6.10.
    """
    attempt = Attempt("raw_tracepoint", f"raw tracepoint {name}", program, ("raw_tracepoint_programs",))
    text = ctypes.create_string_buffer(name.encode())
    attr = struct.pack("=QII", ctypes.addressof(text), program.fd, 0)
    if cookie:
        attr += struct.pack("=Q", cookie)
    return _opened(attempt, attr)


def tracing(program: ProgramCore, *, cookie: int = 0) -> LinkCore:
    """Attach a program to what it was loaded for: fentry, fexit, fmod_ret, tp_btf, LSM. Needs Linux 5.5.

    Parameters:
        program: of ``BPF_PROG_TYPE_TRACING`` or ``BPF_PROG_TYPE_LSM``, loaded with a target.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 5.19.

    Raises `AttachError` when the function cannot be traced.
    """
    where = rules.attach_type_name(program.expected_attach_type)
    feature = _FEATURES.get(program.expected_attach_type, "bpf_trampoline")
    kind = "lsm" if program.expected_attach_type == uapi.BPF_LSM_MAC else "fentry"
    attempt = Attempt(kind, f"{where} of BTF id {program.attach_btf_id}", program, (feature,))
    if cookie:
        fd = create(program, 0, program.expected_attach_type, 0, struct.pack("=QQ", 0, cookie))
        if fd < 0:
            raise attempt.failed("BPF_LINK_CREATE", -fd)
        return attempt.link(fd)
    link = _opened(attempt, struct.pack("=QII", 0, program.fd, 0))
    if kind == "lsm":
        _warn_of_lsm()
    return link


def _warn_of_lsm() -> None:
    """The kernel attaches LSM programs also where nothing ever calls them."""
    from ebpf import host

    modules = host.read().lsm
    if modules is not None and "bpf" not in modules:
        import logging

        logging.getLogger("ebpf").warning(
            "an LSM program is attached, but the kernel will not run it: bpf is not among its security modules (%s)."
            " Start it with lsm=%s,bpf",
            ",".join(modules),
            ",".join(modules),
        )


def _opened(attempt: Attempt, attr: bytes) -> LinkCore:
    fd = syscall.attempt(uapi.BPF_RAW_TRACEPOINT_OPEN, attr)
    if fd < 0:
        raise attempt.failed("BPF_RAW_TRACEPOINT_OPEN", -fd)
    return attempt.link(fd)


def freplace(program: ProgramCore, target: ProgramCore | None = None, function: str = "") -> LinkCore:
    """Put an extension in the place of a function of another program. Needs Linux 5.6.

    Parameters:
        program: of ``BPF_PROG_TYPE_EXT``, loaded for a program's function.
        target, function: another program and its function than those it was loaded for. Needs Linux 5.10.
    """
    where = f"function {function!r} of {target!r}" if target is not None else "the function it was loaded for"
    features = ("freplace",) if target is None else ("freplace", "freplace_multiple_targets")
    attempt = Attempt("freplace", where, program, features)
    if target is None:
        return _opened(attempt, struct.pack("=QII", 0, program.fd, 0))
    from ebpf.core.targets import function_of

    number = function_of(target, function)
    fd = create(program, target.fd, 0, 0, struct.pack("=I", number))
    if fd < 0:
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return attempt.link(fd)


def lsm_cgroup(program: ProgramCore, cgroup: str) -> LinkCore:
    """Run an LSM program for the processes of a cgroup. Needs Linux 6.0.

    Parameters:
        program: of ``BPF_PROG_TYPE_LSM`` with ``BPF_LSM_CGROUP``.
        cgroup: its directory in the cgroup2 file system.
    """
    attempt = Attempt("cgroup", f"BPF_LSM_CGROUP of {cgroup}", program, ("lsm_cgroup_programs",))
    directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = create(program, directory, uapi.BPF_LSM_CGROUP)
    finally:
        os.close(directory)
    if fd < 0:
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    return attempt.link(fd)


def iterator(
    program: ProgramCore,
    *,
    map: MapCore | None = None,
    cgroup: str = "",
    order: int = 0,
    pid: int = 0,
    tid: int = 0,
) -> LinkCore:
    """Make an iterator of a program; `read_iterator` runs it. Needs Linux 5.8.

    Parameters:
        program: of ``BPF_PROG_TYPE_TRACING`` with ``BPF_TRACE_ITER``.
        map: the map whose elements it walks over, for the iterators that do.
        cgroup, order: where a walk over cgroups begins, and ``BPF_CGROUP_ITER_…``. Needs Linux 6.1.
        pid, tid: whose files or memory it walks over. Needs Linux 6.1.
    """
    attempt = Attempt("iter", "an iterator", program, ("bpf_iterators",))
    directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if cgroup else -1
    try:
        if map is not None:
            content = struct.pack("=I", map.fd)
        elif cgroup:
            content = struct.pack("=IIQ", order, directory, 0)
        elif pid or tid:
            content = struct.pack("=III", tid, pid, 0)
        else:
            content = b""
        memory = ctypes.create_string_buffer(content, len(content)) if content else None
        rest = struct.pack("=QI", ctypes.addressof(memory), len(content)) if memory is not None else b""
        fd = create(program, 0, uapi.BPF_TRACE_ITER, 0, rest)
    finally:
        if directory >= 0:
            os.close(directory)
    if fd < 0:
        hint = "it walks over the elements of a map: give one" if -fd == errno.EBADF and map is None else ""
        raise attempt.failed("BPF_LINK_CREATE", -fd, hint)
    return attempt.link(fd)


def read_iterator(link: LinkCore) -> bytes:
    """Run an iterator to its end: what the program wrote."""
    fd = syscall.attempt(uapi.BPF_ITER_CREATE, struct.pack("=II", link.fd, 0))
    if fd < 0:
        if link.kind != "iter":
            raise ArgumentError(f"{link!r} is no iterator")
        raise link.failed(uapi.BPF_ITER_CREATE, "reading the iterator", -fd)
    pieces: list[bytes] = []
    try:
        while True:
            try:
                piece = os.read(fd, 1 << 16)
            except BlockingIOError:  # EAGAIN: the iterator gives way to others after a million elements
                continue
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    finally:
        os.close(fd)
