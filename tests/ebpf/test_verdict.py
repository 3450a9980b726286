from __future__ import annotations

import pytest

from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, STATUSES, SUPPORTED, UNKNOWN, Reason, Verdict


def verdict(status: str, **more: object) -> Verdict:
    reasons = [Reason("trial", "BPF_MAP_CREATE answered EINVAL")]
    return Verdict("BPF_MAP_TYPE_X", "map_type", status, reasons, kernel="4.4", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", STATUSES)
def test_only_supported_is_true(status: str) -> None:
    assert bool(verdict(status)) is (status == SUPPORTED)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_names_the_feature_and_the_kernel(status: str) -> None:
    text = verdict(status).explain()
    assert "BPF_MAP_TYPE_X" in text
    assert "4.4" in text
    assert text.endswith(".")
    assert repr(verdict(status)) == f"Verdict {status}: {text}"


def test_absent_says_what_it_needs_and_what_instead() -> None:
    answer = verdict(ABSENT, needs="Linux 4.10 (commit 29ba732acbee)", alternatives=["BPF_MAP_TYPE_HASH"])
    assert answer.explain() == (
        "BPF_MAP_TYPE_X needs Linux 4.10 (commit 29ba732acbee), this is 4.4. Alternative: BPF_MAP_TYPE_HASH."
    )


def test_no_alternative_is_offered_for_what_is_there() -> None:
    for status in (SUPPORTED, DENIED, UNKNOWN):
        assert "Alternative" not in verdict(status, alternatives=["BPF_MAP_TYPE_HASH"]).explain()
    assert "Alternative" in verdict(COMPILED_OUT, alternatives=["BPF_MAP_TYPE_HASH"]).explain()


def test_a_program_type_belongs_to_the_subject() -> None:
    assert verdict(ABSENT, program_type="BPF_PROG_TYPE_XDP").subject == "BPF_MAP_TYPE_X for BPF_PROG_TYPE_XDP"


def test_reasons_compare_by_what_they_say() -> None:
    assert Reason("btf", "a") == Reason("btf", "a") != Reason("trial", "a")
    assert len({Reason("btf", "a"), Reason("btf", "a")}) == 1
