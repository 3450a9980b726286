"""Kernels by name, answered from the database."""

from __future__ import annotations

import pytest

import featuredb
from ebpf import kernel
from ebpf.errors import ArgumentError, UnknownFeatureError, UnknownKernelError
from ebpf.verdict import ABSENT, STATUSES, SUPPORTED

# Well-known facts, with the release that brought them: linux/bpf.h of each release, RHEL's own source trees.
KNOWN = [
    ("3.18", "BPF_MAP_TYPE_HASH", None, ABSENT),
    ("3.19", "BPF_MAP_TYPE_HASH", None, SUPPORTED),
    ("4.4", "BPF_MAP_TYPE_LRU_HASH", None, ABSENT),
    ("4.9", "BPF_MAP_TYPE_LRU_HASH", None, ABSENT),
    ("4.10", "BPF_MAP_TYPE_LRU_HASH", None, SUPPORTED),
    ("5.1", "BPF_MAP_TYPE_RINGBUF", None, ABSENT),
    ("5.10", "BPF_MAP_TYPE_RINGBUF", None, SUPPORTED),
    ("5.10.223", "BPF_MAP_TYPE_RINGBUF", None, SUPPORTED),
    ("5.2", "bounded_loops", None, ABSENT),
    ("5.3", "bounded_loops", None, SUPPORTED),
    ("4.18", "bpf_fib_lookup", "BPF_PROG_TYPE_XDP", SUPPORTED),
    ("4.17", "bpf_fib_lookup", "BPF_PROG_TYPE_XDP", ABSENT),
    ("5.10", "bpf_fib_lookup", "BPF_PROG_TYPE_KPROBE", ABSENT),
    ("rhel8.6", "BPF_MAP_TYPE_RINGBUF", None, SUPPORTED),
    ("4.18", "BPF_MAP_TYPE_RINGBUF", None, ABSENT),
    ("4.18.0-372.el8.x86_64", "BPF_MAP_TYPE_RINGBUF", None, SUPPORTED),
    ("rhel8.1", "BPF_MAP_TYPE_RINGBUF", None, ABSENT),
    ("debian-12", "BPF_MAP_TYPE_USER_RINGBUF", None, SUPPORTED),
    ("ubuntu-20.04", "BPF_MAP_TYPE_RINGBUF", None, ABSENT),
    ("amzn2023", "BPF_MAP_TYPE_RINGBUF", None, SUPPORTED),
]


@pytest.mark.parametrize(("name", "feature", "program_type", "status"), KNOWN)
def test_well_known_facts(name: str, feature: str, program_type: str | None, status: str) -> None:
    verdict = kernel.release(name).check(feature, program_type)
    assert verdict.status == status, verdict.explain()
    assert verdict.reasons


def test_absent_reads_as_one_story() -> None:
    verdict = kernel.release("4.4").check("BPF_MAP_TYPE_LRU_HASH")
    assert repr(verdict) == (
        "Verdict absent: BPF_MAP_TYPE_LRU_HASH needs Linux 4.10 (commit 29ba732acbee), this is 4.4."
        " Alternative: BPF_MAP_TYPE_HASH."
    )


def test_alternatives_are_those_that_the_kernel_has() -> None:
    assert kernel.release("3.18").check("BPF_MAP_TYPE_LRU_HASH").alternatives == ()
    assert kernel.release("3.19").check("BPF_MAP_TYPE_LRU_HASH").alternatives == ("BPF_MAP_TYPE_HASH",)


@pytest.mark.parametrize("name", ["rhel8.66", "debian-bookwurm", "ubuntu-20.40", "", "linux", "x5.4", "5"])
def test_what_names_no_kernel(name: str) -> None:
    with pytest.raises(UnknownKernelError) as caught:
        kernel.release(name)
    assert repr(name) in str(caught.value)


def test_a_misspelt_kernel_is_corrected() -> None:
    with pytest.raises(UnknownKernelError) as caught:
        kernel.release("debain-12")
    assert "debian-12" in caught.value.suggestions


@pytest.mark.parametrize("name", ["bpf_map_type_hash", "BPF_MAP_TYPE_HSAH", "MAP_TYPE_HASH"])
def test_a_misspelt_feature_is_corrected(name: str) -> None:
    with pytest.raises(UnknownFeatureError) as caught:
        kernel.release("5.4").check(name)
    assert "BPF_MAP_TYPE_HASH" in caught.value.suggestions


def test_a_program_type_is_asked_about_only_where_it_means_something() -> None:
    with pytest.raises(ArgumentError, match="BPF_MAP_TYPE_HASH is a map type"):
        kernel.release("5.4").check("BPF_MAP_TYPE_HASH", "BPF_PROG_TYPE_XDP")
    with pytest.raises(ArgumentError, match="BPF_MAP_TYPE_HASH is a map type, not a program type"):
        kernel.release("5.4").check("bpf_fib_lookup", "BPF_MAP_TYPE_HASH")
    with pytest.raises(UnknownFeatureError):
        kernel.release("5.4").check("bpf_fib_lookup", "BPF_PROG_TYPE_XPD")


def test_every_feature_of_every_release_has_an_answer() -> None:
    for version in ("3.15", "3.18", "4.19", "5.10", "6.12", "7.3"):
        report = kernel.release(version).report()
        assert set(report.features) == set(featuredb.names())
        assert {verdict.status for verdict in report.features.values()} <= set(STATUSES)


def test_nothing_of_mainline_is_lost_before_it_is_removed() -> None:
    """From one release to the next, what disappears must have an end in its record."""
    older = kernel.release("5.10").report().features
    newer = kernel.release("7.3").report().features
    lost = [name for name, verdict in older.items() if verdict and not newer[name]]
    for name in lost:
        assert any(statement.until for statement in featuredb.get(name).statements), name


def test_the_report_is_only_of_the_kinds_asked_for() -> None:
    report = kernel.release("5.10").report(["map_type"])
    assert {verdict.kind for verdict in report.features.values()} == {"map_type"}
    assert report.helpers == {}
    with pytest.raises(ArgumentError, match="no kind of feature is called 'maps'"):
        kernel.release("5.10").report(["maps"])


def test_helpers_by_program_type() -> None:
    helpers = kernel.release("4.18").report(["helper"]).helpers
    assert helpers["BPF_PROG_TYPE_XDP"]["bpf_fib_lookup"] == SUPPORTED
    assert helpers["BPF_PROG_TYPE_XDP"]["bpf_ringbuf_output"] == ABSENT
