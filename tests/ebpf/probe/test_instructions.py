"""Instructions: accepted by the verifier, or refused in words that mean that it does not know them."""

from __future__ import annotations

import pytest

from ebpf.probe import calls, code, instructions


def test_a_name_without_a_trial() -> None:
    assert instructions.trial("isa_v9") is None


@pytest.mark.parametrize("name", sorted(instructions.TABLE))
def test_programs_are_whole_instructions_and_end(name: str) -> None:
    insns = instructions.TABLE[name]
    assert len(insns) % 8 == 0
    assert insns.endswith(code.exit_())


@pytest.mark.root
@pytest.mark.parametrize(
    ("what", "insns"),
    [
        ("an opcode", calls.instruction(0x8F)),
        ("a jump", calls.instruction(0xF5)),
        ("a wide load", code.load64(1, 9, 0)),
        ("an atomic operation", code.store_imm(code.DW, 10, -8, 0) + code.atomic(code.DW, 10, 1, -8, 0x70)),
        ("a reserved field", calls.instruction(0xB7, 0, 0, 77, 0)),
    ],
)
def test_an_instruction_of_no_kernel_is_absent(what: str, insns: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    insns = code.mov(0, 0) + code.mov(1, 1) + insns + code.exit_()
    monkeypatch.setitem(instructions.TABLE, "no_such", insns)
    outcome = instructions.trial("no_such")
    assert outcome is not None
    assert outcome.status == "absent", outcome


@pytest.mark.root
def test_a_refusal_in_other_words_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register that was never written: the verifier's complaint says nothing of the instruction."""
    monkeypatch.setitem(instructions.TABLE, "broken", code.mov_reg(0, 7) + code.exit_())
    outcome = instructions.trial("broken")
    assert outcome is not None
    assert outcome.status == "unknown"
    assert "R7 !read_ok" in outcome.text


@pytest.mark.root
def test_the_first_instruction_set() -> None:
    outcome = instructions.trial("isa_v1")
    assert outcome is not None
    assert outcome.status == "supported"
