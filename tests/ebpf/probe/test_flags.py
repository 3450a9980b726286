"""Flags: accepted by the call that takes them, beside the same call without."""

from __future__ import annotations

import errno

import pytest

from ebpf import uapi
from ebpf.probe import elements, flags, maps


def test_names_are_those_of_the_header() -> None:
    assert {name for name in flags.TABLE if not hasattr(uapi, name)} == set()


def test_flags_of_helpers_have_no_trial() -> None:
    assert flags.trial("BPF_F_USER_STACK") is None


@pytest.mark.root
@pytest.mark.parametrize(
    "row",
    [
        flags._map("HASH", 1 << 30),
        flags._map("SK_STORAGE", 1 << 30),
        flags._map("STRUCT_OPS", 1 << 30),
        flags._load(1 << 30),
        flags._attach(1 << 30),
        flags._test_run(1 << 30, uapi.BPF_PROG_TYPE_SOCKET_FILTER, data=64),
        elements.update(1 << 30),
        elements.update_percpu(1 << 30),
    ],
    ids=["map", "map with BTF", "map with a mistake", "load", "attach", "test run", "update", "per CPU"],
)
def test_a_flag_of_no_kernel_is_absent(row: flags.Trial) -> None:
    outcome = row("it")
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL), outcome


@pytest.mark.root
def test_a_map_type_that_is_not_there_leaves_its_flags_absent_or_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(maps.TABLE, "BPF_MAP_TYPE_NO_SUCH", maps.MapTrial(0x7FFF))
    assert flags._map("NO_SUCH", uapi.BPF_F_NO_PREALLOC)("it").status in ("absent", "unknown")


@pytest.mark.root
def test_elements() -> None:
    for name in ("BPF_ANY", "BPF_NOEXIST", "BPF_EXIST"):
        outcome = flags.trial(name)
        assert outcome is not None
        assert outcome.status == "supported"
