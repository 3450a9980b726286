"""One perf event that carries what programs send to one CPU: perf_event_open(2) and the ring behind it.

The layout (include/uapi/linux/perf_event.h, struct perf_event_mmap_page): a page with data_head, which the kernel
writes, and data_tail, which user space writes; then a power of two of pages of records. A record starts with struct
perf_event_header and wraps around at the end of the data.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from ebpf.core.events.memory import PAGE, barrier, corrupt, release, shared, unmap
from ebpf.errors import EbpfError, PermissionDeniedError, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PerfEvent"]

# include/uapi/linux/perf_event.h
_TYPE_SOFTWARE, _COUNT_SW_BPF_OUTPUT = 1, 10
_SAMPLE_TIME, _SAMPLE_RAW = 1 << 2, 1 << 10
_USE_CLOCKID = 1 << 25
_FLAG_CLOEXEC = 8
_RECORD_LOST, _RECORD_SAMPLE = 2, 9
_DATA_HEAD, _DATA_TAIL = 1024, 1032
_HEADER = struct.Struct("=IHH")  # type, misc, size
_HEADER_SIZE = _HEADER.size
# type, size, config, sample_period, sample_type, read_format, flags, wakeup_events, bp_type to sample_stack_user,
# clockid
_ATTR = struct.Struct("=IIQQQQQI40xi")
_CLOCK_MONOTONIC = 1
_ORDER = sys.byteorder

# arch/*/kernel/syscalls/*.tbl; include/uapi/asm-generic/unistd.h for the others
_NUMBERS = {
    "x86_64": 298,
    "i386": 336,
    "i486": 336,
    "i586": 336,
    "i686": 336,
    "armv6l": 364,
    "armv7l": 364,
    "armv8l": 364,
    "ppc": 319,
    "ppc64": 319,
    "ppc64le": 319,
    "s390x": 331,
    "sparc64": 327,
    "mips": 4333,
    "mips64": 5292,
}
_GENERIC = 241


def _open(cpu: int, attr: bytes) -> int:
    """perf_event_open(2) for every task on a CPU: a descriptor, or -errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    machine = os.uname().machine
    if machine == "x86_64" and ctypes.sizeof(ctypes.c_void_p) == 4:
        machine = "i386"
    long = ctypes.c_long
    result: int = libc.syscall(
        long(_NUMBERS.get(machine, _GENERIC)), attr, long(-1), long(cpu), long(-1), ctypes.c_ulong(_FLAG_CLOEXEC)
    )
    return result if result >= 0 else -ctypes.get_errno()


class PerfEvent:
    """The ring of one CPU.

    Parameters:
        cpu: its number.
        pages: of the data, a power of two.
        wakeup: after how many events who waits is woken.
        timestamps: whether the kernel notes CLOCK_MONOTONIC with each event. Needs Linux 4.1.

    Raises `OSError` with ENODEV when the CPU is not online; `PermissionDeniedError`; `SyscallError`.
    """

    __slots__ = ("_data", "_mask", "_memory", "_positions", "_timestamps", "cpu", "fd", "lost")

    def __init__(self, cpu: int, pages: int, wakeup: int, timestamps: bool) -> None:
        sample = _SAMPLE_RAW | (_SAMPLE_TIME if timestamps else 0)
        flags = _USE_CLOCKID if timestamps else 0
        clock = _CLOCK_MONOTONIC if timestamps else 0
        # PERF_SAMPLE_RAW with sample_period 1: a record for each bpf_perf_event_output()
        attr = _ATTR.pack(_TYPE_SOFTWARE, _ATTR.size, _COUNT_SW_BPF_OUTPUT, 1, sample, 0, flags, wakeup, clock)
        fd = _open(cpu, attr)
        if fd < 0:
            raise _failed(cpu, -fd)
        try:
            self._memory = shared(
                fd, (1 + pages) * PAGE, 0, writable=True, what=f"the perf buffer of CPU {cpu} ({pages} pages)"
            )
        except BaseException:
            os.close(fd)
            raise
        self.fd = fd
        self.cpu = cpu
        self.lost = 0
        self._timestamps = timestamps
        self._mask = pages * PAGE - 1
        self._positions = memoryview(self._memory)[_DATA_HEAD : _DATA_TAIL + 8].cast("Q")
        self._data = memoryview(self._memory)[PAGE:]

    def drain(self, deliver: Callable[[memoryview, int], object], most: int) -> int:
        """Give up to `most` events to `deliver`, each as a view that ends with the call and a time in ns (0 without).

        Returns how many. Raises `CorruptBufferError`.
        """
        positions, mask, count = self._positions, self._mask, 0
        while count < most:
            head, tail = positions
            barrier()
            if head == tail:
                break
            what = f"the perf buffer of CPU {self.cpu}"
            waiting = head - tail
            if not _HEADER_SIZE <= waiting <= mask + 1 or tail & 7:
                raise corrupt(what, tail, f"its head is at {head}")
            kind, _, size = _HEADER.unpack_from(self._data, tail & mask)
            if not _HEADER_SIZE <= size <= waiting or size & 7:
                raise corrupt(what, tail, f"a record of {size} bytes does not fit before {head}")
            record = self._record(tail & mask, size)
            try:
                if kind == _RECORD_SAMPLE:
                    count += 1
                    self._sample(record, deliver)
                elif kind == _RECORD_LOST and size >= 24:
                    # struct { struct perf_event_header header; u64 id; u64 lost; }
                    self.lost += int.from_bytes(record[16:24], _ORDER)
            finally:
                barrier()
                positions[1] = tail + size
        return count

    def _record(self, start: int, size: int) -> memoryview:
        end = start + size
        if end <= self._mask + 1:
            return self._data[start:end]
        return memoryview(bytes(self._data[start:]) + bytes(self._data[: end - self._mask - 1]))

    def _sample(self, record: memoryview, deliver: Callable[[memoryview, int], object]) -> None:
        """Header, the time if it was asked for, the length of the raw data, the raw data."""
        start = _HEADER_SIZE
        when = 0
        if self._timestamps:
            when = int.from_bytes(record[start : start + 8], _ORDER)
            start += 8
        length = int.from_bytes(record[start : start + 4], _ORDER)
        start += 4
        if start + length > len(record):
            raise corrupt(f"the perf buffer of CPU {self.cpu}", self._positions[1], f"{length} raw bytes in a record")
        view = record[start : start + length]
        try:
            deliver(view, when)
        finally:
            record.release()
            release(view)

    def close(self) -> None:
        """Unmap the ring and close the event."""
        fd, self.fd = self.fd, -1
        if fd < 0:
            return
        self._positions.release()
        self._data.release()
        unmap(self._memory)
        os.close(fd)


def _failed(cpu: int, number: int) -> EbpfError:
    name = errno.errorcode.get(number, str(number))
    what = f"perf_event_open() for CPU {cpu} failed ({name})"
    if number in (errno.EPERM, errno.EACCES):
        return PermissionDeniedError(
            f"{what}: the events of a whole CPU need CAP_PERFMON (CAP_SYS_ADMIN on older kernels), or the sysctl"
            " kernel.perf_event_paranoid below 1. Run as root.",
            errno=number,
        )
    if number == errno.ENODEV:
        return SyscallError(number, f"{what}: the CPU is not online", "perf_event_open")
    if number == errno.EMFILE:
        return SyscallError(
            number, f"{what}: this process has too many open files. Raise ulimit -n.", "perf_event_open"
        )
    return SyscallError(number, f"{what}: {os.strerror(number)}", "perf_event_open")
