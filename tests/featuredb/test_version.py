"""Versions are compared as numbers, and read out of whatever a kernel calls itself."""

from __future__ import annotations

import pytest

from featuredb import version_key


@pytest.mark.parametrize(
    ("version", "key"),
    [
        ("6.10", (6, 10)),
        ("6.1", (6, 1)),
        ("5.10.223", (5, 10, 223)),
        ("4.18.0-372.el8.x86_64", (4, 18, 0)),
        ("5.15.0-1052-azure", (5, 15, 0)),
        ("6.1.0-13-cloud-amd64", (6, 1, 0)),
        ("6.12-rc3", (6, 12)),
        ("6.12rc3.1", (6, 12)),
        ("3.10.0-1160.el7.x86_64.debug", (3, 10, 0)),
        ("5.10.16.3-microsoft-standard-WSL2", (5, 10, 16)),
    ],
)
def test_the_numeric_prefix_counts(version: str, key: tuple[int, ...]) -> None:
    assert version_key(version) == key


def test_six_ten_is_not_six_one() -> None:
    assert version_key("6.10") != version_key("6.1")
    assert sorted(("6.10", "6.9", "6.1", "6.2"), key=version_key) == ["6.1", "6.2", "6.9", "6.10"]


@pytest.mark.parametrize("version", ["", "6", "unknown", "v6.1", "-", "el8", ".5", "5.", "5.x", "5-rc1"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="does not start with a kernel version"):
        version_key(version)


def test_a_stable_release_lies_between_two_mainline_ones() -> None:
    assert version_key("5.10") < version_key("5.10.223") < version_key("5.11")
