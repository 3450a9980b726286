"""Every map type of the database can be made by v2, used as far as user space can, opened again, and closed."""

from __future__ import annotations

import os

import pytest

import featuredb
from ebpf import v2
from ebpf.stability import stability
from ebpf.v2.open import CLASSES
from tests.ebpf.v2.every_type import EVERY

pytestmark = pytest.mark.root

# Other names of the same numbers, and the reserved one.
SYNONYMS = {
    "UNSPEC",
    "CGROUP_STORAGE_DEPRECATED",
    "PERCPU_CGROUP_STORAGE_DEPRECATED",
}

HERE = [pytest.param(name, marks=pytest.mark.requires("BPF_MAP_TYPE_" + name)) for name in EVERY]


def test_no_type_of_the_database_is_missing() -> None:
    known = {record.name.replace("BPF_MAP_TYPE_", "") for record in featuredb.features("map_type")} - SYNONYMS
    assert set(EVERY) == known
    assert set(CLASSES) == known
    assert len(known) == 35


@pytest.mark.parametrize("name", HERE)
def test_it_is_made_and_used(name: str) -> None:
    make, use = EVERY[name]
    before = set(os.listdir("/proc/self/fd"))
    with make() as made:
        assert f"BPF_MAP_TYPE_{name}" == made.TYPE
        assert name in ("RINGBUF", "USER_RINGBUF") or stability(type(made)) == "beta"
        assert made.info.type_name.startswith(made.TYPE)
        assert not made.closed
        use(made)
    assert made.closed
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", HERE)
def test_it_is_opened_as_what_it_is(name: str) -> None:
    with EVERY[name][0]() as made, v2.open_map(made.id) as opened:
        assert type(opened).__name__.startswith(CLASSES[name])
        assert opened.id == made.id
        assert opened.max_entries == made.max_entries
        assert (opened.key_type.size, opened.value_type.size) == (made.key_type.size, made.value_type.size)
