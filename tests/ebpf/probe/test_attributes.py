"""What the attribute can ask for."""

from __future__ import annotations

import pytest

from ebpf.probe import attributes


def test_plain_fields_have_no_trial() -> None:
    assert attributes.trial("bpf_attr.map_type.map_name") is None


@pytest.mark.root
def test_reserved_bits_are_absent() -> None:
    """A log level and a link flag that no kernel knows."""
    assert attributes._log(1 << 20)("it").status == "absent"  # type: ignore[union-attr]  # it has a trial
    outcome = attributes._load(prog_flags=1 << 30)("it")
    assert outcome is not None
    assert outcome.status == "absent"


@pytest.mark.root
def test_a_field_where_the_command_uses_none_is_absent() -> None:
    """map_extra is for bloom filters and arenas: other types refuse it on any kernel."""
    outcome = attributes._map(attributes._ARRAY, map_extra=3)("it")
    assert outcome is not None
    assert outcome.status == "absent"


@pytest.mark.root
def test_the_log_says_its_size() -> None:
    outcome = attributes.trial("log_true_size")
    assert outcome is not None
    assert outcome.status in ("supported", "absent")
