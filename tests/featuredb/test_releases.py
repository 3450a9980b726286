"""Mainline releases: which, when, and in order."""

from __future__ import annotations

from datetime import date

import featuredb


def test_every_release_from_3_15_to_7_3_is_there_once_and_in_order() -> None:
    versions = [release.version for release in featuredb.releases()]
    expected = (
        [f"3.{minor}" for minor in range(15, 20)]
        + [f"4.{minor}" for minor in range(21)]
        + [f"5.{minor}" for minor in range(20)]
        + [f"6.{minor}" for minor in range(20)]
        + [f"7.{minor}" for minor in range(4)]
    )
    assert versions == expected


def test_dates_are_dates_and_rise() -> None:
    days = [date.fromisoformat(release.date) for release in featuredb.releases()]
    assert days == sorted(days)
    assert len(set(days)) == len(days)


def test_an_end_of_life_is_a_day_after_the_release_or_says_why_not() -> None:
    for release in featuredb.releases():
        if release.eol not in ("supported", "unknown"):
            assert date.fromisoformat(release.eol) > date.fromisoformat(release.date), release


def test_long_term_series() -> None:
    series = {release.version for release in featuredb.releases() if release.lts}
    assert {"3.18", "4.4", "4.9", "4.14", "4.19", "5.4", "5.10", "5.15", "6.1", "6.6", "6.12", "6.18"} <= series
    assert not {"4.18", "5.9", "6.17", "7.0"} & series


def test_every_release_names_its_source() -> None:
    assert all(release.source and release.confidence for release in featuredb.releases())


def test_bpf_came_with_3_18() -> None:
    record = featuredb.get("BPF_PROG_LOAD")
    assert [record.known_at(version) for version in ("3.15", "3.17", "3.18")] == [False, False, True]
