"""Every feature and every pair of the running kernel, and of each recorded one, against the entry for its release.

The running kernel is whichever these tests run on; `python -m vagrant.matrix` runs them on each of its kernels. The
recordings are what it wrote there, see docs/matrix.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import featuredb
from ebpf import kernel
from ebpf.verdict import SUPPORTED, UNKNOWN
from tests.ebpf.kernel.agreement import disagreements

PROFILES = sorted((Path(__file__).parents[2] / "data/profiles").glob("*.json"))


@pytest.mark.root
def test_the_running_kernel() -> None:
    running = kernel.running()
    if running.version is None:
        pytest.skip(f"which mainline release {running.release} is made from is not known")
    # A kernel with backports has an entry of its own, which its release string names.
    platform = featuredb.platform(running.release)
    measured = platform.distribution in ("rhel", "amzn")
    assert disagreements(running.report(), running.release if measured else running.version) == {}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_recorded_kernel(path: Path) -> None:
    recorded = kernel.recorded(path)
    assert recorded.version is not None
    assert disagreements(recorded.report(), recorded.version) == {}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_recording_leaves_nothing_open(path: Path) -> None:
    report = kernel.recorded(path).report()
    assert [name for name, verdict in report.features.items() if verdict.status == UNKNOWN] == []
    pairs = [*report.helpers.values(), *report.kfuncs.values()]
    assert [name for row in pairs for name, status in row.items() if status == UNKNOWN] == []
    assert sum(verdict.status == SUPPORTED for verdict in report.features.values()) > 1000


def test_eleven_kernels_are_recorded() -> None:
    assert len(PROFILES) == 11
    assert sorted(path.stem for path in PROFILES) == sorted(
        ".".join((kernel.recorded(path).version or "").split(".")[:2]) for path in PROFILES
    )


def test_a_disagreement_is_noticed() -> None:
    recorded = kernel.recorded(next(path for path in PROFILES if path.stem == "5.10"))
    found = disagreements(recorded.report(), "5.4")
    assert found["BPF_MAP_TYPE_RINGBUF"] == "supported here, absent in 5.4"
    assert found["bpf_ringbuf_output for BPF_PROG_TYPE_XDP"] == "supported here, absent in 5.4"
