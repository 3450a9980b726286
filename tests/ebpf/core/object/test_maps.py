"""What maps of objects are called and how large they are made."""

from __future__ import annotations

import os

import pytest

from ebpf import uapi
from ebpf.core.object.maps import entries, kernel_name, pin_path
from ebpf.core.percpu import possible_cpus
from ebpf.elf import MapSpec


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("events", "events"),
        ("a_name_that_is_too_long", "a_name_that_is_"),
        (".rodata", "sample_o.rodata"),
        (".bss", "sample_o.bss"),
        (".kconfig", "sample_.kconfig"),
        (".data.own", ".data.own"),
        ("odd-name", "odd_name"),
    ],
)
def test_names(name: str, called: str) -> None:
    assert kernel_name(MapSpec(name, "btf"), "/some/where/sample_object.bpf.o") == called
    assert len(called) <= 15


def test_pins_have_no_dots() -> None:
    assert pin_path("/sys/fs/bpf", MapSpec(".rodata", "data")) == "/sys/fs/bpf/_rodata"


def test_sizes() -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    ring = MapSpec("ring", "btf")
    ring.map_type = uapi.BPF_MAP_TYPE_RINGBUF
    for wanted, made in ((1, page), (page, page), (page + 1, 2 * page), (256 * 1024, 256 * 1024)):
        ring.max_entries = wanted
        assert entries(ring) == made
    perf = MapSpec("perf", "btf")
    perf.map_type = uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY
    assert entries(perf) == possible_cpus()
    perf.max_entries = 3
    assert entries(perf) == 3
