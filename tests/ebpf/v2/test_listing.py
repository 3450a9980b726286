"""What is loaded on this machine, among it what the test has loaded."""

from __future__ import annotations

import os

import pytest

from ebpf import v2
from ebpf.asm import R0, exit_, mov

pytestmark = [pytest.mark.root, pytest.mark.requires("object_ids")]

PASS = [mov(R0, 2), exit_()]


def test_programs() -> None:
    with v2.Program("xdp", PASS, name="listed") as program:
        number = program.id
        (info,) = [each for each in v2.programs() if each.id == number]
        assert info.type_name == "BPF_PROG_TYPE_XDP"
        assert info.name in ("listed", "")
        assert info.tag == program.tag
    assert number not in [each.id for each in v2.programs()]


@pytest.mark.requires("BPF_LINK_GET_NEXT_ID", "raw_tracepoint_programs")
def test_links() -> None:
    with v2.Program("raw_tracepoint", [mov(R0, 0), exit_()]) as program:
        with v2.attach.raw_tracepoint(program, "sched_process_exit") as link:
            number = link.id
            (info,) = [each for each in v2.links() if each.id == number]
            assert info.kind == "raw_tracepoint"
            assert info.program_id == program.id
        assert number not in [each.id for each in v2.links()]


@pytest.mark.requires("BPF_BTF_GET_NEXT_ID", "bpf_iterators")
def test_btfs() -> None:
    kernel = [info for info in v2.btfs() if info.name == "vmlinux"]
    assert len(kernel) <= 1
    for info in kernel:
        assert info.kernel
        assert info.size > 1_000_000


def test_statistics() -> None:
    with v2.Program("xdp", PASS) as program:
        with v2.statistics():
            program.test_run(bytes(64), repeat=1000)
        info = program.info()
        # Runs by BPF_PROG_TEST_RUN are counted since 5.12 or so; what counts is that the switch was turned and back.
        assert info.run_cnt in (0, 1000)
        program.test_run(bytes(64), repeat=1000)
        assert program.info().run_cnt == info.run_cnt


def test_walking_leaves_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in v2.programs():
        pass
    next(v2.programs(), None)
    assert len(os.listdir("/proc/self/fd")) == before
