"""Seccomp, under a real filter."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from pathlib import Path

import pytest

from ebpf import host, syscall
from tests.ebpf.host.trees import in_child, plant

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000


def refuse_bpf(error: int) -> None:
    """Make bpf(2) fail with an errno for the rest of this process's life."""
    filters = (
        struct.pack("HBBI", 0x20, 0, 0, 0)  # load the system call's number
        + struct.pack("HBBI", 0x15, 0, 1, syscall.NUMBER)  # not bpf: skip one
        + struct.pack("HBBI", 0x06, 0, 0, SECCOMP_RET_ERRNO | error)
        + struct.pack("HBBI", 0x06, 0, 0, SECCOMP_RET_ALLOW)
    )
    code = ctypes.create_string_buffer(filters, len(filters))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(len(filters) // 8, ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    arguments = [ctypes.c_ulong(number) for number in (1, 0, 0, 0)]
    assert prctl(PR_SET_NO_NEW_PRIVS, *arguments) == 0
    if prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_a_real_filter(error: int) -> None:
    def task() -> list[object]:
        machine = host.read()
        before = machine.seccomp.mode
        refuse_bpf(error)
        return [before, machine.seccomp.mode, machine.seccomp.filters, machine.memlock.needed()]

    before, mode, filters, needed = in_child(task)
    assert before in (0, 2)
    assert mode == 2
    assert filters is None or filters >= 1
    assert needed is None  # the control in the child is refused as well: nothing follows from that


@pytest.mark.parametrize(
    ("status", "mode", "filters"),
    [
        ("Seccomp:\t2\nSeccomp_filters:\t3\n", 2, 3),
        ("Seccomp:\t0\nSeccomp_filters:\t0\n", 0, 0),
        ("Seccomp:\t2\n", 2, None),
        ("Name:\tcat\n", None, None),
        ("Seccomp:\tx\n", None, None),
        ("", None, None),
    ],
)
def test_from_files(tmp_path: Path, status: str, mode: int | None, filters: int | None) -> None:
    found = host.read(plant(tmp_path, {"proc/self/status": status})).seccomp
    assert (found.mode, found.filters) == (mode, filters)
