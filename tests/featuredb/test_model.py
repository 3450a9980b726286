"""Intervals, unknown ends included, and what a record gives for what its source leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from featuredb import Feature, Statement, get
from featuredb.schema import COMMON, STATEMENT


def row(**keys: Any) -> tuple[Any, ...]:
    return tuple(keys.get(key) for key in STATEMENT)


def feature(*statements: dict[str, Any], **keys: Any) -> Feature:
    common = tuple(keys.get(key) for key in COMMON)
    return Feature("ability", "x", (*common, tuple(row(**each) for each in statements), ()))


@pytest.mark.parametrize(
    ("keys", "version", "holds"),
    [
        ({"since": "5.10"}, "5.9", False),
        ({"since": "5.10"}, "5.10", True),
        ({"since": "5.10"}, "5.10.1", True),
        ({"since": "6.10"}, "6.9", False),
        ({"since": "5.1", "until": "5.10"}, "5.9", True),
        ({"since": "5.1", "until": "5.10"}, "5.10", False),
        ({"since": "5.1", "usable_since": "5.3"}, "5.2", False),
        ({"since": "5.1", "usable_since": "5.3"}, "5.3", True),
        # An end that is not known leaves undecided what depends on it, and nothing else.
        ({"since": "unknown"}, "5.10", None),
        ({"since": "unknown", "absent_in": "5.4"}, "5.4", False),
        ({"since": "unknown", "absent_in": "5.4"}, "5.5", None),
        ({"since": "unknown", "until": "5.10"}, "5.10", False),
        ({"since": "unknown", "until": "5.10"}, "5.9", None),
        ({"since": "5.1", "until": "unknown"}, "5.0", False),
        ({"since": "5.1", "until": "unknown"}, "5.1", None),
        ({"since": "5.1", "usable_since": "unknown"}, "5.0", False),
        ({"since": "5.1", "usable_since": "unknown"}, "5.1", None),
    ],
)
def test_an_interval(keys: dict[str, str], version: str, holds: bool | None) -> None:
    assert feature(keys).known_at(version) is holds


def test_any_statement_that_holds_is_enough() -> None:
    twice = feature({"since": "4.4", "until": "4.9"}, {"since": "5.1"})
    assert [twice.known_at(version) for version in ("4.3", "4.4", "4.9", "5.0", "5.1")] == [
        False,
        True,
        False,
        False,
        True,
    ]
    assert feature({"since": "unknown", "until": "5.1"}, {"since": "5.1"}).known_at("5.1") is True


def test_an_architecture_has_its_own_history() -> None:
    parted = feature({"since": "4.4", "arch": ("x86_64",)}, {"since": "5.1", "arch": ("aarch64", "s390x")})
    assert parted.known_at("4.9", "x86_64") is True
    assert parted.known_at("4.9", "aarch64") is False
    assert parted.known_at("5.1", "s390x") is True
    assert parted.known_at("6.10", "riscv64") is False
    assert parted.known_at("4.9") is True, "on any architecture"


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel version"):
        feature({"since": "5.1"}).known_at("newest")


def test_what_a_source_leaves_out() -> None:
    bare = feature({"since": "5.1"})
    assert (bare.value, bare.enum, bare.group, bare.summary, bare.notes, bare.source) == (None, "", "", "", "", "")
    assert (bare.aliases, bare.capabilities, bare.depends_on, bare.alternatives) == ((), (), (), ())
    assert (bare.kconfig_exist, bare.kconfig_load, bare.kconfig_attach) == ("none", "none", "none")
    assert (bare.commit, bare.subject, bare.program_types) == ("unknown", "unknown", {})
    only = bare.statements[0]
    assert isinstance(only, Statement)
    assert (only.until, only.absent_in, only.arch, only.partial) == (None, None, (), False)


def test_a_record_as_its_source_says() -> None:
    lru = get("BPF_MAP_TYPE_LRU_HASH")
    assert (lru.kind, lru.name, lru.value) == ("map_type", "BPF_MAP_TYPE_LRU_HASH", 9)
    assert (lru.since, lru.statements[0].absent_in, lru.commit) == ("4.10", "4.9", "29ba732acbee")
    assert lru.alternatives[0] == "BPF_MAP_TYPE_HASH"
    assert lru.source
    assert [lru.known_at(version) for version in ("4.9", "4.10", "5.10.223")] == [False, True, True]
