"""Map types: what each insists on, and what a type of no kernel answers."""

from __future__ import annotations

import errno

import pytest

from ebpf import syscall, uapi
from ebpf.probe import calls, context, maps
from ebpf.probe.judge import judge


def test_a_name_without_a_trial() -> None:
    assert maps.trial("BPF_MAP_TYPE_UNSPEC") is None
    assert maps.trial("BPF_MAP_TYPE_NO_SUCH") is None


def test_every_map_type_has_a_trial() -> None:
    names = {name for name in vars(uapi) if name.startswith("BPF_MAP_TYPE_")} - {"BPF_MAP_TYPE_UNSPEC"}
    assert names == set(maps.TABLE)


@pytest.mark.parametrize("name", sorted(maps.TABLE))
def test_numbers(name: str) -> None:
    assert maps.TABLE[name].number == getattr(uapi, name)


@pytest.mark.root
@pytest.mark.parametrize(
    "name",
    [
        "BPF_MAP_TYPE_HASH",
        "BPF_MAP_TYPE_ARRAY",
        "BPF_MAP_TYPE_PROG_ARRAY",
        "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
        "BPF_MAP_TYPE_PERCPU_HASH",
        "BPF_MAP_TYPE_PERCPU_ARRAY",
    ],
)
def test_what_every_kernel_has_since_4_6(name: str) -> None:
    outcome = maps.trial(name)
    assert outcome is not None
    assert outcome.status == "supported"


@pytest.mark.root
def test_a_type_of_no_kernel_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(maps.TABLE, "BPF_MAP_TYPE_NO_SUCH", maps.MapTrial(0x7FFF))
    outcome = maps.trial("BPF_MAP_TYPE_NO_SUCH")
    assert outcome is not None
    assert (outcome.status, outcome.errno) == ("absent", errno.EINVAL)
    assert "while BPF_MAP_CREATE of an array of one element succeeded" in outcome.text


@pytest.mark.root
def test_a_field_of_no_kernel_is_absent() -> None:
    """A byte past the end of any kernel's attribute."""
    attr = bytearray(1024)
    attr[:16] = bytes(
        calls.attribute(calls.MAP_CREATE, {"map_type": 2, "key_size": 4, "value_size": 4, "max_entries": 1})
    )
    attr[-1] = 1
    result = syscall.attempt(uapi.BPF_MAP_CREATE, attr)
    assert judge(result, "it", context.can_create_map, absent=(errno.E2BIG,)).status == "absent"


@pytest.mark.root
def test_flags_and_fields_are_added() -> None:
    row = maps.TABLE["BPF_MAP_TYPE_ARRAY"]
    assert calls.closing(row.create(uapi.BPF_F_RDONLY)) >= 0
    assert row.create(1 << 31) == -errno.EINVAL
    assert calls.closing(row.create(map_name=b"trial")) >= 0
