"""What a result means beside its control."""

from __future__ import annotations

import errno
import os

import pytest

from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome

ALLOWED = Outcome("supported", "the control succeeded")
REFUSED = Outcome("denied", "the control answered EPERM", errno.EPERM)
GONE = Outcome("absent", "the control answered EINVAL while another succeeded", errno.EINVAL)
PUZZLED = Outcome("unknown", "the control answered ENOMEM", errno.ENOMEM)


@pytest.mark.parametrize(
    ("result", "control", "status"),
    [
        (-errno.EINVAL, ALLOWED, "absent"),
        (-errno.EINVAL, REFUSED, "denied"),
        (-errno.EINVAL, PUZZLED, "unknown"),
        (-errno.EINVAL, GONE, "absent"),
        (-errno.EBADF, GONE, "unknown"),
        (-errno.EBADF, ALLOWED, "supported"),
        (-errno.EBADF, REFUSED, "denied"),
        (-errno.EBADF, PUZZLED, "supported"),
        (-errno.EPERM, ALLOWED, "denied"),
        (-errno.ENOMEM, ALLOWED, "unknown"),
        (-errno.EMFILE, REFUSED, "unknown"),
    ],
)
def test_statuses(result: int, control: Outcome, status: str) -> None:
    outcome = judge(result, "the call", lambda: control, known=(errno.EBADF,))
    assert outcome.status == status
    assert outcome.text.startswith(f"the call answered {errno.errorcode[-result]}")


def test_success_needs_no_control_and_is_closed() -> None:
    def control() -> Outcome:
        raise AssertionError("asked for without need")

    reading, writing = os.pipe()
    os.close(writing)
    assert judge(reading, "the call", control).status == "supported"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


def test_a_value_is_no_descriptor() -> None:
    assert judge(0, "the call", lambda: REFUSED, makes_fd=False).status == "supported"
    os.fstat(0)


def test_the_text_names_both_calls() -> None:
    assert judge(-errno.EINVAL, "A", lambda: ALLOWED).text == "A answered EINVAL while the control succeeded"
    assert judge(-errno.EINVAL, "A", lambda: REFUSED).text == "A answered EINVAL, but the control answered EPERM"
