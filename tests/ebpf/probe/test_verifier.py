"""The verifier's abilities: each beside the same program without the need for it."""

from __future__ import annotations

import errno

import pytest

from ebpf.probe import calls, code, verifier


def test_a_name_without_a_trial() -> None:
    assert verifier.trial("no_such_ability") is None


@pytest.mark.root
def test_a_helper_of_no_kernel_is_absent() -> None:
    outcome = verifier._helper(9999)("it")
    assert outcome is not None
    assert outcome.status == "absent"


@pytest.mark.root
def test_a_field_of_no_kernel_is_plain_data() -> None:
    outcome = verifier._field(b"bpf_no_such", 16)("it")
    assert outcome is not None
    assert outcome.status == "absent"
    assert "plain data" in outcome.text


@pytest.mark.root
def test_an_endless_loop_is_no_bounded_loop() -> None:
    """Refused, in words that are not those of a verifier without loops."""
    endless = code.mov(0, 0) + code.ja(-1) + code.exit_()
    outcome = verifier._program(endless, calls.RETURN_0, "no such words")("it")
    assert outcome is not None
    assert outcome.status == "unknown"


@pytest.mark.root
def test_a_program_beyond_the_limit() -> None:
    """A million and one instructions: as 4,097 of them on an older kernel, refused without a word."""
    too_long = code.mov(0, 0) * 1_000_000 + code.exit_()
    outcome = verifier._program(too_long, silent=(errno.E2BIG, errno.EINVAL))("it")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.E2BIG)


@pytest.mark.root
def test_loops_and_calls() -> None:
    for name in ("bounded_loops", "bpf_to_bpf_calls", "instruction_limit_1m", "tail_calls"):
        outcome = verifier.trial(name)
        assert outcome is not None
        assert outcome.status in ("supported", "absent")
