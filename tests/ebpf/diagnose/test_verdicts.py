"""The exception for each verdict."""

from __future__ import annotations

import errno

import pytest

from ebpf import diagnose, errors
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, UNKNOWN, Reason, Verdict


def verdict(status: str, **more: object) -> Verdict:
    reasons = [Reason("host", "CAP_BPF is missing")]
    return Verdict("BPF_MAP_TYPE_LRU_HASH", "map_type", status, reasons, kernel="4.4.0-210-generic", **more)  # type: ignore[arg-type]


def test_absent_names_feature_need_kernel_and_alternative() -> None:
    error = diagnose.verdict_error(
        verdict(ABSENT, needs="Linux 4.10 (commit 29ba732acbee)", alternatives=["BPF_MAP_TYPE_HASH"])
    )
    assert isinstance(error, errors.UnsupportedFeatureError)
    assert str(error) == (
        "BPF_MAP_TYPE_LRU_HASH is not supported here: it needs Linux 4.10 (commit 29ba732acbee), this is"
        " 4.4.0-210-generic. Alternative: BPF_MAP_TYPE_HASH."
    )
    assert error.verdict is not None
    assert error.verdict.status == ABSENT


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (COMPILED_OUT, errors.UnsupportedFeatureError),
        (DENIED, errors.PermissionDeniedError),
        (UNKNOWN, errors.UndecidedFeatureError),
    ],
)
def test_each_status_has_its_error(status: str, kind: type[Exception]) -> None:
    assert type(diagnose.verdict_error(verdict(status))) is kind


def test_denied_says_what_to_run_with() -> None:
    error = diagnose.verdict_error(verdict(DENIED))
    assert isinstance(error, PermissionError)
    assert error.errno == errno.EPERM
    assert str(error).endswith("CAP_BPF is missing. Run with CAP_BPF or as root.")
