"""Programs on events of perf: kprobes, uprobes, tracepoints, hardware and software counters."""

from __future__ import annotations

import ctypes
import errno
import os

from ebpf.core.links import perf, tracefs
from ebpf.core.links.base import Attempt
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.links.base import LinkCore
    from ebpf.core.program import ProgramCore

__all__ = ["kprobe", "perf_event", "syscall_probe", "tracepoint", "uprobe"]

_MOUNT = "mount the trace file system: mount -t tracefs tracefs /sys/kernel/tracing"
_REF_CTR_SHIFT = 32  # of config: /sys/bus/event_source/devices/uprobe/format/ref_ctr_offset


def kprobe(
    program: ProgramCore,
    function: str,
    offset: int = 0,
    *,
    at_return: bool = False,
    cookie: int = 0,
    adapt: bool = True,
) -> LinkCore:
    """Run a program where the kernel comes by a function, or returns from it. Needs Linux 4.1.

    Parameters:
        program: of ``BPF_PROG_TYPE_KPROBE``.
        function: its name, as in /proc/kallsyms.
        offset: so many bytes into it; 0 for a return probe.
        at_return: run when it returns instead.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 5.15.

    Raises `AttachError` when there is no such function, or it cannot be probed.
    """
    noun = "kretprobe" if at_return else "kprobe"
    where = f"{function}+{offset:#x}" if offset else function
    attempt = Attempt("kprobe", f"{noun} {where}", program, _features("kprobe_programs", cookie), adapt=adapt)
    event_type = tracefs.pmu_type("kprobe")
    if event_type is None:
        return _by_tracefs(attempt, "kprobe", f"{function}+{offset}", at_return, cookie, -1)
    name = ctypes.create_string_buffer(function.encode())
    fd = perf.open_event(
        event_type,
        tracefs.retprobe_bit("kprobe") if at_return else 0,
        config1=ctypes.addressof(name),
        config2=offset,
    )
    if fd < 0:
        raise attempt.failed("perf_event_open", -fd)
    return perf.attach_event(attempt, fd, cookie)


def syscall_probe(
    program: ProgramCore, name: str, *, at_return: bool = False, cookie: int = 0, adapt: bool = True
) -> LinkCore:
    """`kprobe` on a system call's function, whatever the architecture calls it: ``"openat"``."""
    from ebpf.core.links.symbols import syscall_function

    return kprobe(program, syscall_function(name), at_return=at_return, cookie=cookie, adapt=adapt)


def uprobe(
    program: ProgramCore,
    path: str,
    function: str | int,
    offset: int = 0,
    *,
    at_return: bool = False,
    pid: int = -1,
    cookie: int = 0,
    ref_ctr_offset: int = 0,
    adapt: bool = True,
) -> LinkCore:
    """Run a program where processes come by a place of an executable or library. Needs Linux 4.3.

    Parameters:
        program: of ``BPF_PROG_TYPE_KPROBE``.
        path: the file; a name without a slash is looked for as the loader of programs would (``"libc.so.6"``).
        function: a function of its symbol table, or an offset in the file.
        offset: so many bytes into the function.
        at_return: run when it returns instead.
        pid: of this process alone; -1 for all.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 5.15.
        ref_ctr_offset: where in the file a counter is that says whether it is traced (a USDT's semaphore). Needs 4.20.

    Raises `ArgumentError` when the file or function is not there, `AttachError` when the kernel refuses.
    """
    from ebpf.elf.executable import find_file, function_offset

    file = find_file(path)
    place = (function if isinstance(function, int) else function_offset(file, function)) + offset
    noun = "uretprobe" if at_return else "uprobe"
    shown = function if isinstance(function, str) else f"{function:#x}"
    features = _features("uprobe_programs", cookie)
    if ref_ctr_offset:
        features = (*features, "uprobe_reference_counter")
    attempt = Attempt("uprobe", f"{noun} {shown} of {file}", program, features, adapt=adapt)
    event_type = tracefs.pmu_type("uprobe")
    if event_type is None:
        return _by_tracefs(attempt, "uprobe", f"{file}:{place:#x}", at_return, cookie, pid)
    name = ctypes.create_string_buffer(os.fsencode(file))
    config = (tracefs.retprobe_bit("uprobe") if at_return else 0) | ref_ctr_offset << _REF_CTR_SHIFT
    fd = perf.open_event(
        event_type,
        config,
        config1=ctypes.addressof(name),
        config2=place,
        pid=pid,
        cpu=0 if pid == -1 else -1,
    )
    if fd < 0:
        raise attempt.failed("perf_event_open", -fd)
    return perf.attach_event(attempt, fd, cookie)


def tracepoint(program: ProgramCore, category: str, name: str, *, cookie: int = 0, adapt: bool = True) -> LinkCore:
    """Run a program at a tracepoint, such as ``"syscalls"``, ``"sys_enter_execve"``. Needs Linux 4.7.

    Parameters:
        program: of ``BPF_PROG_TYPE_TRACEPOINT``.
        category, name: as below /sys/kernel/tracing/events.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 5.15.

    Raises `AttachError` when there is no such tracepoint.
    """
    features = _features("tracepoint_programs", cookie)
    attempt = Attempt("tracepoint", f"tracepoint {category}:{name}", program, features, adapt=adapt)
    number = tracefs.event_id(category, name)
    if number == -errno.ENODEV:
        raise attempt.failed("opening tracefs", errno.ENODEV, _MOUNT)
    if number == -errno.ENOENT:
        raise attempt.failed("reading its id", errno.ENOENT, "this kernel has no such tracepoint")
    if number < 0:
        raise attempt.failed("reading its id", -number)
    fd = perf.open_event(perf.TRACEPOINT, number)
    if fd < 0:
        raise attempt.failed("perf_event_open", -fd)
    return perf.attach_event(attempt, fd, cookie)


def perf_event(
    program: ProgramCore,
    event_type: int = perf.SOFTWARE,
    config: int = 0,
    *,
    period: int = 0,
    frequency: int = 0,
    pid: int = -1,
    cpu: int = -1,
    cookie: int = 0,
    adapt: bool = True,
) -> LinkCore:
    """Run a program every so often that something happens on one processor: a profiler. Needs Linux 4.9.

    Parameters:
        program: of ``BPF_PROG_TYPE_PERF_EVENT``.
        event_type, config: what is counted, ``PERF_TYPE_…`` and ``PERF_COUNT_…``: the processor's clock by default.
        period: run it after so many; or
        frequency: so many times a second.
        pid: of this process alone; -1 for all.
        cpu: on this processor alone; -1 for all, which takes a `pid`. A profiler of the machine makes a link for each.
        cookie: what bpf_get_attach_cookie() gives the program. Needs Linux 5.15.
    """
    if bool(period) == bool(frequency):
        raise ArgumentError("give either period or frequency")
    if pid == -1 and cpu == -1:
        raise ArgumentError("give a cpu, or a pid, or both: one event is not of every process on every processor")
    what = f"perf event {event_type}:{config:#x} of {'every process' if pid == -1 else f'process {pid}'}"
    where = "every processor" if cpu == -1 else f"processor {cpu}"
    attempt = Attempt(
        "perf_event", f"{what} on {where}", program, _features("perf_event_programs", cookie), adapt=adapt
    )
    fd = perf.open_event(
        event_type, config, period=period or frequency, flags=perf.FREQUENCY if frequency else 0, pid=pid, cpu=cpu
    )
    if fd < 0:
        hint = "this machine does not count that" if -fd in (errno.ENOENT, errno.EOPNOTSUPP) else ""
        raise attempt.failed("perf_event_open", -fd, hint)
    return perf.attach_event(attempt, fd, cookie)


def _features(own: str, cookie: int) -> tuple[str, ...]:
    return (own, "attach_cookies") if cookie else (own,)


def _by_tracefs(attempt: Attempt, kind: str, definition: str, at_return: bool, cookie: int, pid: int) -> LinkCore:
    """A probe that is defined in tracefs, on kernels before 4.17."""
    name, number = tracefs.add_probe(kind, definition, at_return)
    if number < 0:
        attempt.features = (*attempt.features, f"perf_{kind}_pmu")
        hint = _MOUNT if number == -errno.ENODEV and not attempt.compiled_out() else ""
        raise attempt.failed(f"writing to {kind}_events", -number, hint)
    fd = perf.open_event(perf.TRACEPOINT, number, pid=pid, cpu=0 if pid == -1 else -1)
    if fd < 0:
        tracefs.remove_probe(kind, name)
        raise attempt.failed("perf_event_open", -fd)
    try:
        link = perf.attach_event(attempt, fd, cookie, f"{kind}_tracefs")
    except BaseException:
        tracefs.remove_probe(kind, name)
        raise
    link.after_closing(lambda: tracefs.remove_probe(kind, name))
    return link
