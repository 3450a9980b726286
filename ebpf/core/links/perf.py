"""perf_event_open(2), as far as programs are attached to its events."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import uapi
from ebpf.core.links.base import create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.links.base import Attempt, LinkCore

__all__ = ["TRACEPOINT", "attach_event", "open_event"]

# perf_event_open in arch/*/kernel/syscalls/*.tbl; 241 on arm64, riscv, loongarch and every later architecture.
_NUMBERS = {
    "x86_64": 298,
    "i386": 336,
    "i686": 336,
    "armv7l": 364,
    "armv8l": 364,
    "ppc64": 319,
    "ppc64le": 319,
    "s390x": 331,
    "mips64": 5292,
    "sparc64": 327,
}
_GENERIC = 241
# struct perf_event_attr, include/uapi/linux/perf_event.h: type, size, config, sample_period, sample_type, read_format,
# flags, wakeup_events, bp_type, config1, config2; PERF_ATTR_SIZE_VER1 = 72 bytes, known since 2.6.33.
_ATTR = struct.Struct("=IIQQQQQIIQQ")
_CLOEXEC = 8  # PERF_FLAG_FD_CLOEXEC
_ENABLE, _DISABLE, _SET_BPF = 0x2400, 0x2401, 0x40042408  # PERF_EVENT_IOC_…
_SAMPLE_RAW = 1 << 10
FREQUENCY = 1 << 10
"""The flag of perf_event_attr that makes sample_period a frequency."""
TRACEPOINT, SOFTWARE, HARDWARE = 2, 1, 0
"""PERF_TYPE_…"""

_libc = ctypes.CDLL(None, use_errno=True)


def open_event(
    event_type: int,
    config: int,
    *,
    period: int = 1,
    flags: int = 0,
    config1: int = 0,
    config2: int = 0,
    pid: int = -1,
    cpu: int = 0,
) -> int:
    """A descriptor for an event, or -errno.

    Parameters:
        event_type, config: what is counted.
        period: after how many occurrences; with the flag `FREQUENCY`, how often a second.
        config1, config2: of kprobes and uprobes: address of the name, offset.
        pid, cpu: of which process (-1: all) on which processor (-1: all, with a process).
    """
    attr = ctypes.create_string_buffer(
        _ATTR.pack(event_type, _ATTR.size, config, period, _SAMPLE_RAW, 0, flags, 1, 0, config1, config2), _ATTR.size
    )
    number = _NUMBERS.get(os.uname().machine, _GENERIC)
    result = _libc.syscall(
        ctypes.c_long(number), attr, ctypes.c_int(pid), ctypes.c_int(cpu), ctypes.c_int(-1), ctypes.c_ulong(_CLOEXEC)
    )
    return int(result) if result >= 0 else -ctypes.get_errno()


def _ioctl(fd: int, request: int, argument: int) -> int:
    result = _libc.ioctl(ctypes.c_int(fd), ctypes.c_ulong(request), ctypes.c_ulong(argument))
    return int(result) if result >= 0 else -ctypes.get_errno()


def attach_event(attempt: Attempt, fd: int, cookie: int = 0, *adaptations: str) -> LinkCore:
    """Attach the program to an event, which is the link's from then on.

    By ``BPF_LINK_CREATE``; before 5.15 by the ioctl PERF_EVENT_IOC_SET_BPF, which takes no cookie. Raises what
    `ebpf.diagnose` makes of a refusal, after the event was closed.
    """
    rest = struct.pack("=Q", cookie) if cookie else b""
    link_fd = create(attempt.program, fd, uapi.BPF_PERF_EVENT, 0, rest)
    if link_fd == -errno.EINVAL and not cookie and attempt.lacks("BPF_LINK_TYPE_PERF_EVENT"):
        return without_link(attempt, fd, *adaptations)
    if link_fd < 0:
        os.close(fd)
        raise attempt.failed("BPF_LINK_CREATE", -link_fd)
    link = attempt.link(link_fd, *adaptations, keep=[fd])
    _enable(attempt, link, fd)
    return link


def without_link(attempt: Attempt, fd: int, *adaptations: str) -> LinkCore:
    """By the ioctl PERF_EVENT_IOC_SET_BPF, on kernels before 5.15; the event is closed in the end."""
    result = _ioctl(fd, _SET_BPF, attempt.program.fd)
    if result < 0:
        os.close(fd)
        raise attempt.failed("PERF_EVENT_IOC_SET_BPF", -result)
    link = attempt.link(-1, "perf_ioctl", *adaptations, undo=lambda: disable(fd), keep=[fd])
    _enable(attempt, link, fd)
    return link


def _enable(attempt: Attempt, link: LinkCore, fd: int) -> None:
    result = _ioctl(fd, _ENABLE, 0)
    if result < 0:
        link.close()
        raise attempt.failed("PERF_EVENT_IOC_ENABLE", -result)


def disable(fd: int) -> None:
    """Stop an event: it is about to be closed."""
    _ioctl(fd, _DISABLE, 0)
