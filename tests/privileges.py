"""Processes that may do less than root: capabilities dropped, bpf(2) filtered, in a user namespace of their own."""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ebpf.host.trees import become_nobody, in_child

CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39
PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 8, 38, 22, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
CLONE_NEWUSER = 0x10000000

_libc = ctypes.CDLL(None, use_errno=True)


def keep_only(*capabilities: int) -> Callable[[], None]:
    """Become nobody, but with these capabilities."""

    def drop() -> None:
        _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        become_nobody()
        low = sum(1 << number for number in capabilities if number < 32)
        high = sum(1 << number - 32 for number in capabilities if number >= 32)
        header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
        if _libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
            raise OSError(ctypes.get_errno(), "capset")

    return drop


def refuse_bpf(answer: int) -> Callable[[], None]:
    """A seccomp filter under which bpf(2) answers this errno."""
    return _filter(((0x06, 0, 0, SECCOMP_RET_ERRNO | answer),))


def refuse_commands(answer: int, *commands: int) -> Callable[[], None]:
    """A seccomp filter under which these commands of bpf(2) answer this errno, as those an older kernel lacks do."""
    tests = [(0x15, len(commands) - position, 0, command) for position, command in enumerate(commands)]
    rest = ((0x06, 0, 0, SECCOMP_RET_ALLOW), (0x06, 0, 0, SECCOMP_RET_ERRNO | answer))
    return _filter(((0x20, 0, 0, _argument(0)), *tests, *rest))


def refuse_long_attributes(answer: int, command: int, limit: int) -> Callable[[], None]:
    """A seccomp filter under which a command of bpf(2) with an attribute longer than `limit` answers this errno."""
    return _filter(
        (
            (0x20, 0, 0, _argument(0)),
            (0x15, 0, 3, command),
            (0x20, 0, 0, _argument(2)),
            (0x25, 0, 1, limit),
            (0x06, 0, 0, SECCOMP_RET_ERRNO | answer),
            (0x06, 0, 0, SECCOMP_RET_ALLOW),
        )
    )


def _argument(number: int) -> int:
    """Where the lower half of an argument is in struct seccomp_data (include/uapi/linux/seccomp.h)."""
    return 16 + 8 * number + (0 if sys.byteorder == "little" else 4)


def _filter(for_bpf: Sequence[tuple[int, int, int, int]]) -> Callable[[], None]:
    """Load a filter that runs these instructions of classic BPF for bpf(2), and allows everything else."""
    from ebpf.syscall import NUMBER

    def load() -> None:
        program = b"".join(
            struct.pack("=HBBI", *insn)
            for insn in (
                (0x20, 0, 0, 0),  # load the system call's number
                (0x15, 1, 0, NUMBER),
                (0x06, 0, 0, SECCOMP_RET_ALLOW),
                *for_bpf,
            )
        )
        memory = ctypes.create_string_buffer(program)
        fprog = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(memory)))
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")

    return load


def enter_user_namespace() -> None:
    """Root, with every capability, of a user namespace of its own."""
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")


def unprivileged_may_use_bpf() -> bool:
    """Whether this kernel lets processes without capabilities use bpf(2)."""
    return Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip() == "0"


def changed(change: Callable[[], None], task: Callable[[], Any]) -> Any:
    """What a task returns in a child process that gave its privileges up first; skips where that cannot be done."""

    def change_and_do() -> Any:
        change()
        return task()

    try:
        return in_child(change_and_do)
    except AssertionError as error:
        if "unshare(CLONE_NEWUSER)" in str(error):
            pytest.skip("no user namespaces here")
        raise
