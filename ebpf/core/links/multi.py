"""One link for many functions: kprobe_multi, uprobe_multi; on older kernels a probe for each."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import uapi
from ebpf.core.links.base import Attempt, LinkCore, create
from ebpf.core.links.probes import kprobe, uprobe
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ebpf.core.program import ProgramCore

__all__ = ["kprobe_multi", "together", "uprobe_multi"]

_RETURN = 1  # BPF_F_KPROBE_MULTI_RETURN, BPF_F_UPROBE_MULTI_RETURN


def kprobe_multi(
    program: ProgramCore,
    functions: str | Sequence[str],
    *,
    at_return: bool = False,
    session: bool = False,
    cookies: Sequence[int] = (),
    adapt: bool = True,
) -> LinkCore:
    """Run a program where the kernel comes by any of many functions. Needs Linux 5.18.

    Parameters:
        program: of ``BPF_PROG_TYPE_KPROBE``, loaded with ``BPF_TRACE_KPROBE_MULTI``.
        functions: names, or a pattern with ``*`` and ``?``.
        at_return: run when they return instead.
        session: the program, loaded with ``BPF_TRACE_KPROBE_SESSION``, runs at both. Needs Linux 6.10.
        cookies: what bpf_get_attach_cookie() gives the program, function by function.
        adapt: whether a kprobe for each may stand in for it before 5.18.

    Raises `ArgumentError` when no function matches, `AttachError` when one is not there.
    """
    names = _functions(functions)
    features = ("kprobe_session",) if session else ("kprobe_multi",)
    attempt = Attempt("kprobe_multi", _shown(functions, names), program, features, adapt=adapt)
    texts = [ctypes.create_string_buffer(name.encode()) for name in names]
    addresses = (ctypes.c_uint64 * len(names))(*[ctypes.addressof(text) for text in texts])
    values = _array(cookies, len(names))
    rest = struct.pack(
        "=IIQQQ", _RETURN if at_return else 0, len(names), ctypes.addressof(addresses), 0, _address(values)
    )
    attach_type = uapi.BPF_TRACE_KPROBE_SESSION if session else uapi.BPF_TRACE_KPROBE_MULTI
    fd = create(program, 0, attach_type, 0, rest)
    if fd >= 0:
        return attempt.link(fd)
    if session or fd not in (-errno.EINVAL, -errno.EOPNOTSUPP) or not attempt.lacks("BPF_LINK_TYPE_KPROBE_MULTI"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    each = list(cookies) or [0] * len(names)
    makers = [
        lambda name=name, cookie=cookie: kprobe(program, name, at_return=at_return, cookie=cookie, adapt=adapt)
        for name, cookie in zip(names, each)
    ]
    return together(attempt, makers, "kprobe_each")


def uprobe_multi(
    program: ProgramCore,
    path: str,
    functions: str | Sequence[str | int],
    *,
    at_return: bool = False,
    session: bool = False,
    pid: int = -1,
    cookies: Sequence[int] = (),
    ref_ctr_offsets: Sequence[int] = (),
    adapt: bool = True,
) -> LinkCore:
    """Run a program where processes come by any of many places of a file. Needs Linux 6.6.

    Parameters:
        program: of ``BPF_PROG_TYPE_KPROBE``, loaded with ``BPF_TRACE_UPROBE_MULTI``.
        path: the executable or library, as for `uprobe`.
        functions: names or offsets in the file, or a pattern with ``*`` and ``?``.
        at_return, session, cookies: as for `kprobe_multi`; sessions need Linux 6.13.
        pid: of this process alone; -1 for all.
        ref_ctr_offsets: as for `uprobe`, place by place.
        adapt: whether a uprobe for each may stand in for it before 6.6.
    """
    from ebpf.elf.executable import find_file

    file = find_file(path)
    offsets = _offsets(file, functions)
    features = ("uprobe_session",) if session else ("uprobe_multi",)
    attempt = Attempt("uprobe_multi", f"{len(offsets)} places of {file}", program, features, adapt=adapt)
    name = ctypes.create_string_buffer(os.fsencode(file))
    places = (ctypes.c_uint64 * len(offsets))(*offsets)
    counters, values = _array(ref_ctr_offsets, len(offsets)), _array(cookies, len(offsets))
    rest = struct.pack(
        "=QQQQIII",
        ctypes.addressof(name),
        ctypes.addressof(places),
        _address(counters),
        _address(values),
        len(offsets),
        _RETURN if at_return else 0,
        max(pid, 0),
    )
    attach_type = uapi.BPF_TRACE_UPROBE_SESSION if session else uapi.BPF_TRACE_UPROBE_MULTI
    fd = create(program, 0, attach_type, 0, rest)
    if fd >= 0:
        return attempt.link(fd)
    if session or fd not in (-errno.EINVAL, -errno.EOPNOTSUPP) or not attempt.lacks("BPF_LINK_TYPE_UPROBE_MULTI"):
        raise attempt.failed("BPF_LINK_CREATE", -fd)
    makers = [
        lambda at=at, cookie=cookie, counter=counter: uprobe(
            program, file, at, at_return=at_return, pid=pid, cookie=cookie, ref_ctr_offset=counter, adapt=adapt
        )
        for at, cookie, counter in zip(
            offsets, list(cookies) or [0] * len(offsets), list(ref_ctr_offsets) or [0] * len(offsets)
        )
    ]
    return together(attempt, makers, "uprobe_each")


def together(attempt: Attempt, makers: Sequence[Callable[[], LinkCore]], *adaptations: str) -> LinkCore:
    """Several links as one: all are made, or none; closing it closes all."""
    links: list[LinkCore] = []

    def undo() -> None:
        for link in reversed(links):
            link.close()

    try:
        links.extend(make() for make in makers)
    except BaseException:
        undo()
        raise
    if len(links) == 1 and not adaptations:
        return links[0]
    inner = [row.name for link in links for row in link.adaptations]
    return attempt.link(-1, *adaptations, *dict.fromkeys(inner), undo=undo)


def _functions(functions: str | Sequence[str]) -> list[str]:
    if not isinstance(functions, str):
        names = list(functions)
    elif "*" in functions or "?" in functions:
        from ebpf.core.links.symbols import matching

        names = matching(functions)
    else:
        names = [functions]
    if not names:
        raise ArgumentError(f"no function of this kernel that can be traced matches {functions!r}")
    return names


def _offsets(file: str, functions: str | Sequence[str | int]) -> list[int]:
    from ebpf.elf.executable import Executable

    if not isinstance(functions, str) and all(isinstance(each, int) for each in functions):
        found = [int(each) for each in functions]
    else:
        with Executable(file) as executable:
            if isinstance(functions, str) and ("*" in functions or "?" in functions):
                import fnmatch

                found = sorted(
                    {at for name, at in executable.functions().items() if fnmatch.fnmatchcase(name, functions)}
                )
            else:
                wanted = [functions] if isinstance(functions, str) else functions
                found = [each if isinstance(each, int) else executable.function(each) for each in wanted]
    if not found:
        raise ArgumentError(f"{file} has no function that matches {functions!r}")
    return found


def _shown(functions: str | Sequence[str], names: list[str]) -> str:
    if isinstance(functions, str):
        return f"{functions} ({len(names)} functions)"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _array(numbers: Sequence[int], count: int) -> ctypes.Array[Any] | None:
    if not numbers:
        return None
    if len(numbers) != count:
        raise ArgumentError(f"{len(numbers)} values are given for {count} places: give one for each, or none")
    return (ctypes.c_uint64 * count)(*numbers)


def _address(memory: ctypes.Array[Any] | None) -> int:
    return ctypes.addressof(memory) if memory is not None else 0
