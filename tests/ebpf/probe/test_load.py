"""The loader, held to the plain call."""

from __future__ import annotations

import errno
import os

import pytest

from ebpf import syscall, uapi
from ebpf.probe import calls, code
from ebpf.probe.load import Loader
from ebpf.probe.programs import Shape

pytestmark = pytest.mark.root

_KTIME, _NONE = 5, 0x7FFFFFF
_XDP = uapi.BPF_PROG_TYPE_XDP


def plainly(helper: int) -> int:
    result = calls.load_program(_XDP, code.call(helper) + code.mov(code.R0, 0) + code.exit_())
    return 0 if calls.closing(result) >= 0 else result


def test_says_what_the_plain_call_says() -> None:
    """But that it never loads: what a plain program could be loaded with is EACCES here."""
    loader = Loader(_XDP, Shape())
    for helper in (_KTIME, 1, _NONE, 44, 5, 67, 65):
        assert loader.call(helper) == (plainly(helper) or -errno.EACCES), helper
        assert loader.returns(helper) == plainly(helper), helper
    assert loader.call(_KTIME) == -errno.EACCES, "what `returns` changed is changed back"


def test_many_at_once() -> None:
    loader = Loader(_XDP, Shape())
    numbers = (_KTIME, 1, _NONE, 44)
    alone = [(loader.call(number), loader.log) for number in numbers]
    assert loader.try_all(numbers) == [result for result, _ in alone]
    answers = loader.call_all(numbers)
    assert [result for result, _ in answers] == [result for result, _ in alone]
    for (_, log), (_, said) in zip(answers, alone):
        assert log.splitlines()[0] == said.splitlines()[0]
    assert loader.try_all(()) == []
    assert loader.call_all([]) == []


def test_each_log_is_its_own() -> None:
    loader = Loader(_XDP, Shape())
    assert loader.call(_NONE) == -errno.EINVAL
    assert b"invalid func" in loader.log
    assert loader.call(1) == -errno.EACCES
    assert b"invalid func" not in loader.log
    assert loader.log


def test_the_full_log_is_asked_for_once() -> None:
    loader = Loader(_XDP, Shape())
    loader.call(_NONE)
    assert b"(85) call" not in loader.log
    assert loader.log_fully()
    assert not loader.log_fully()
    loader.call(_NONE)
    assert b"invalid func" in loader.log
    assert b"(85) call" in loader.log  # the instructions themselves, which the summary leaves out


def test_nothing_stays_open() -> None:
    loader = Loader(_XDP, Shape())
    before = os.listdir("/proc/self/fd")
    assert [loader.returns(_KTIME) for _ in range(10)] == [0] * 10
    assert os.listdir("/proc/self/fd") == before


def test_a_prepared_call_is_the_call() -> None:
    attr = calls.buffer(bytes(8))
    assert syscall.prepare(calls.NO_COMMAND, attr)() == syscall.attempt(calls.NO_COMMAND, attr) == -errno.EINVAL
