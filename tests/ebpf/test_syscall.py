"""bpf(2), over ctypes and in C: the same answers."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Any

import pytest

from ebpf import syscall, uapi
from ebpf.probe import calls
from tests import twin

pytestmark = pytest.mark.root


@pytest.fixture(params=["ctypes", "c"])
def attempt(request: pytest.FixtureRequest) -> Any:
    return syscall._attempt if request.param == "ctypes" else twin.extension().attempt


@pytest.fixture(params=["ctypes", "c"])
def try_calls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(syscall, "twin", None if request.param == "ctypes" else twin.extension())
    return syscall.try_calls, syscall.try_calls_logged


def create(attempt: Any, attr: bytes) -> int:
    fd: int = attempt(uapi.BPF_MAP_CREATE, attr)
    assert fd >= 0
    return fd


def test_a_result_or_a_negated_errno(attempt: Any) -> None:
    os.close(create(attempt, struct.pack("=5I", uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0)))
    assert attempt(calls.NO_COMMAND, bytes(8)) == -errno.EINVAL
    assert attempt(uapi.BPF_MAP_CREATE, bytes(2000) + b"\1") == -errno.E2BIG


def test_bytes_never_change_and_bytearrays_are_written_to(attempt: Any) -> None:
    """BPF_MAP_GET_NEXT_ID writes the id behind the one it is given. Needs Linux 4.13."""
    fd = create(attempt, struct.pack("=5I", uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0))
    constant = struct.pack("=III", 0, 0, 0)
    copy = bytes(bytearray(constant))
    assert attempt(uapi.BPF_MAP_GET_NEXT_ID, constant) == 0
    assert constant == copy
    for attr in (bytearray(12), ctypes.create_string_buffer(12)):
        assert attempt(uapi.BPF_MAP_GET_NEXT_ID, attr) == 0
        assert struct.unpack_from("=III", attr)[1] > 0
    os.close(fd)


def test_what_is_no_attribute(attempt: Any) -> None:
    for wrong in ("text", None, 5):
        with pytest.raises(TypeError):
            attempt(0, wrong)


def test_many_loads(try_calls: Any) -> None:
    """``call X; r0 = r9; exit`` never loads; ``call X; r0 = 0; exit`` does where the call alone is right."""
    alone, logged = try_calls
    for last, expected in ((b"\xbf\x90", [-errno.EACCES, -errno.EINVAL]), (b"\xb7\0", [0, -errno.EINVAL])):
        insns = ctypes.create_string_buffer(b"\x85" + bytes(7) + last + bytes(6) + b"\x95" + bytes(7), 24)
        log = ctypes.create_string_buffer(4096)
        licence = ctypes.create_string_buffer(b"GPL")
        fields = {"insns": ctypes.addressof(insns), "insn_cnt": 3, "license": ctypes.addressof(licence)}
        words = {"log_buf": ctypes.addressof(log), "log_size": 4096, "log_level": 4}
        silent = calls.attribute(calls.PROG_LOAD, {"prog_type": 1, **fields, "kern_version": 0})
        spoken = calls.attribute(calls.PROG_LOAD, {"prog_type": 1, **fields, **words, "kern_version": 0})
        before = os.listdir("/proc/self/fd")
        numbers = (5, 0x7FFFFFF)
        attr = ctypes.create_string_buffer(bytes(silent), len(silent))
        assert alone(uapi.BPF_PROG_LOAD, attr, insns, numbers) == expected
        attr = ctypes.create_string_buffer(bytes(spoken), len(spoken))
        answers = logged(uapi.BPF_PROG_LOAD, attr, insns, list(numbers), log)
        assert [result for result, _ in answers] == expected
        assert b"invalid func" in answers[1][1]
        assert b"invalid func" not in answers[0][1]
        assert os.listdir("/proc/self/fd") == before
        assert alone(uapi.BPF_PROG_LOAD, attr, insns, ()) == []
    for wrong in ((2**31,), ("x",)):
        with pytest.raises((struct.error, OverflowError, TypeError)):
            alone(uapi.BPF_PROG_LOAD, attr, insns, wrong)


def test_what_raises() -> None:
    with pytest.raises(OSError, match="Invalid argument") as caught:
        syscall.bpf(calls.NO_COMMAND, bytes(8))
    assert caught.value.errno == errno.EINVAL
