"""Build options and the releases that know them."""

from __future__ import annotations

import pytest

from featuredb import options


@pytest.mark.parametrize(
    ("option", "version", "expected"),
    [
        ("CONFIG_BPF_LSM", "5.6", False),
        ("CONFIG_BPF_LSM", "5.7", True),
        ("CONFIG_BPF_LSM", "5.10.223", True),
        ("CONFIG_BPF_LSM", "5.1", False),
        ("CONFIG_BPFILTER", "6.8", True),
        ("CONFIG_BPFILTER", "6.9", False),  # Linux kernel commit 98e20e5e13d2 ("bpfilter: remove bpfilter") (in v6.9)
        ("CONFIG_SCHED_CLASS_EXT", "6.11", False),
        ("CONFIG_KPROBES", "3.14", None),
        ("CONFIG_NONSENSE", "6.12", None),
    ],
)
def test_known(option: str, version: str, expected: bool | None) -> None:
    assert options.known(option, version) is expected


def test_a_renamed_option_has_its_former_name() -> None:
    assert options.former_name("CONFIG_KPROBE_EVENTS") == "CONFIG_KPROBE_EVENT"
    assert options.known("CONFIG_KPROBE_EVENTS", "4.10") is False
    assert options.former_name("CONFIG_BPF_LSM") is None
    assert options.former_name("CONFIG_NONSENSE") is None
