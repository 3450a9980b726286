"""RLIMIT_MEMLOCK, and whether this kernel counts BPF objects against it.

Kernels before 5.11 do, whatever the capabilities: bpf_charge_memlock() in kernel/bpf/syscall.c compares with the limit
and answers EPERM. Linux kernel commit 97306be45fbe ("Merge branch 'switch to memcg-based memory accounting'") (in
v5.11) ended it, but distributions backported that, so only a trial tells.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ebpf.host.files import Files

__all__ = ["Memlock"]

_BPF_MAP_CREATE = 0  # include/uapi/linux/bpf.h, enum bpf_cmd
_BPF_MAP_TYPE_ARRAY = 2  # include/uapi/linux/bpf.h, enum bpf_map_type
# What the child says by its one byte. Anything else decides nothing.
_NEEDED, _FREE, _UNDECIDED = b"y", b"n", b"?"


class Memlock:
    """The limit: ``soft`` and ``hard`` in bytes, ``None`` when unlimited; ``known`` is false when it cannot be read."""

    __slots__ = ("_live", "_needed", "hard", "known", "soft")

    def __init__(self, soft: int | None, hard: int | None, live: bool = False, known: bool = True) -> None:
        self.soft = soft
        self.hard = hard
        self.known = known
        self._live = live
        self._needed: bool | None = None

    @classmethod
    def read(cls, files: Files, previous: Memlock | None = None) -> Memlock:
        """The calling process's limit; what `previous` found out about the kernel is kept."""
        if files.live:
            import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
            found = cls(_bytes(soft), _bytes(hard), live=True)
            found._needed = previous._needed if previous is not None else None
            return found
        for line in (files.text("/proc/self/limits") or "").splitlines():
            if line.startswith("Max locked memory"):
                words = line.split()
                return cls(_limit(words[3]), _limit(words[4])) if len(words) >= 5 else cls(None, None, known=False)
        return cls(None, None, known=False)

    def needed(self) -> bool | None:
        """Whether maps and programs count against the limit on this kernel; ``None`` when it cannot be tried.

        Tried by a child process, which creates the smallest map with the limit as it is and then with a limit of zero.
        It costs a fork(2), once: the answer is kept when it is one.
        """
        if self._needed is None and self._live:
            self._needed = _try()
        return self._needed


def _try() -> bool | None:
    import contextlib
    import resource
    import struct
    import warnings

    from ebpf import syscall

    # The layout of Linux 3.18, which every later kernel takes: map_type, key_size, value_size, max_entries.
    attr = struct.pack("=IIII", _BPF_MAP_TYPE_ARRAY, 4, 4, 1)
    limits = (resource.RLIMIT_MEMLOCK, resource.getrlimit(resource.RLIMIT_MEMLOCK)[1])
    try:
        reading, writing = os.pipe()
    except OSError:
        return None
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of fork() under threads: this child only makes system calls and leaves.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if child == 0:
        answer = _UNDECIDED
        try:
            answer = _in_child(syscall.attempt, resource.setrlimit, attr, limits)
        finally:
            os.write(writing, answer)
            os._exit(0)  # no handlers, no flushing of the parent's buffers
    os.close(writing)
    try:
        answer = os.read(reading, 1)
    finally:
        os.close(reading)
        with contextlib.suppress(ChildProcessError):  # a program may reap its children itself
            os.waitpid(child, 0)
    return {_NEEDED: True, _FREE: False}.get(answer)


def _in_child(
    attempt: Callable[[int, bytes], int],
    setrlimit: Callable[[int, tuple[int, int]], None],
    attr: bytes,
    limits: tuple[int, int],
) -> bytes:
    which, hard = limits
    try:
        setrlimit(which, (-1, -1))  # for whom CAP_SYS_RESOURCE allows it
    except (OSError, ValueError):
        setrlimit(which, (hard, hard))
    control = attempt(_BPF_MAP_CREATE, attr)
    if control < 0:
        return _UNDECIDED  # refused for another reason: permission, seccomp, no bpf(2)
    os.close(control)
    setrlimit(which, (0, hard))
    descriptor = attempt(_BPF_MAP_CREATE, attr)
    if descriptor >= 0:
        return _FREE
    return _NEEDED if descriptor == -errno.EPERM else _UNDECIDED


def _bytes(limit: int) -> int | None:
    return limit if limit >= 0 else None  # resource.RLIM_INFINITY is -1


def _limit(word: str) -> int | None:
    return int(word) if word.isdigit() else None
