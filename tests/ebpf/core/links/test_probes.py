"""Kprobes, uprobes, tracepoints and perf events, each seen running its program."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time

import pytest

from ebpf import errors, uapi
from ebpf.core.links import kprobe, perf_event, syscall_probe, tracepoint, uprobe
from ebpf.core.links.base import LinkCore

from .counting import counting

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]

KPROBE = pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_kprobe_pmu")
HERTZ = 1000
CPU_CLOCK = 0  # PERF_COUNT_SW_CPU_CLOCK
LIBC = "libc.so.6"


def call_getppid() -> None:
    """One system call that nothing in Python or libc answers by itself."""
    os.getppid()


@KPROBE
@pytest.mark.parametrize("at_return", [False, True])
def test_kprobe_and_kretprobe(at_return: bool) -> None:
    with counting("kprobe") as (program, counter):
        with syscall_probe(program, "getppid", at_return=at_return) as link:
            before = counter.value
            for _ in range(5):
                call_getppid()
            assert counter.value >= before + 5
            assert link.kind == "kprobe"
            assert "getppid" in link.target
        after = counter.value
        call_getppid()
        assert counter.value == after
        assert link.closed


@KPROBE
def test_kprobe_of_a_function_that_is_not_there() -> None:
    with counting("kprobe") as (program, _):
        with pytest.raises(errors.AttachError, match=r"kprobe no_such_function_1 failed .*no such function") as caught:
            kprobe(program, "no_such_function_1")
        assert caught.value.target == "kprobe no_such_function_1"


@KPROBE
@pytest.mark.requires("attach_cookies")
def test_a_cookie_reaches_the_program() -> None:
    from ebpf.asm import DW, R0, R1, R6, call, exit_, load_map_value, mov, store
    from ebpf.v2 import Program

    from .counting import Counter

    with Counter() as counter:
        code = [call("bpf_get_attach_cookie"), mov(R6, R0), load_map_value(R1, counter.fd), store(DW, R1, 0, R6)]
        with Program("kprobe", [*code, mov(R0, 0), exit_()]) as program:
            with syscall_probe(program, "getppid", cookie=0x1234):
                call_getppid()
            assert counter.value == 0x1234


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "uprobe_programs")
@pytest.mark.parametrize("at_return", [False, True])
def test_uprobe_and_uretprobe(at_return: bool) -> None:
    libc = ctypes.CDLL(LIBC)
    with counting("kprobe") as (program, counter):
        with uprobe(program, LIBC, "toupper", at_return=at_return, pid=os.getpid()) as link:
            for _ in range(5):
                libc.toupper(97)
            assert counter.value == 5
            assert "toupper of /" in link.target
        libc.toupper(97)
        assert counter.value == 5


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "uprobe_programs")
def test_uprobe_of_every_process() -> None:
    code = f"import ctypes; ctypes.CDLL({LIBC!r}).toupper(97)"
    with counting("kprobe") as (program, counter), uprobe(program, LIBC, "toupper"):
        subprocess.run([sys.executable, "-c", code], check=True)
        assert counter.value >= 1


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE")
@pytest.mark.parametrize(
    ("path", "function", "says"),
    [
        ("/no/such/file", "main", "is not there"),
        ("no_such_library.so.7", "main", "is in none of"),
        (LIBC, "no_such_function_1", "has no function"),
        ("/etc/passwd", "main", "is no ELF file"),
    ],
)
def test_uprobe_of_what_is_not_there(path: str, function: str, says: str) -> None:
    with counting("kprobe") as (program, _), pytest.raises(errors.ArgumentError, match=says):
        uprobe(program, path, function)


@pytest.mark.requires("tracepoint_programs")
def test_tracepoint(tracefs: None) -> None:
    with counting("tracepoint") as (program, counter), tracepoint(program, "sched", "sched_process_fork") as link:
        subprocess.run(["/bin/true"], check=True)
        assert counter.value >= 1
        assert link.target == "tracepoint sched:sched_process_fork"


@pytest.mark.requires("tracepoint_programs")
def test_tracepoint_that_is_not_there(tracefs: None) -> None:
    with counting("tracepoint") as (program, _), pytest.raises(errors.AttachError, match="no such tracepoint"):
        tracepoint(program, "sched", "sched_process_frok")


@pytest.mark.requires("perf_event_programs")
def test_perf_event() -> None:
    with counting("perf_event") as (program, counter):
        with perf_event(program, config=CPU_CLOCK, frequency=HERTZ, pid=os.getpid()):
            end = time.process_time() + 0.2
            while time.process_time() < end:
                pass
        assert counter.value > 2


def test_perf_event_takes_a_period_or_a_frequency() -> None:
    with counting("perf_event") as (program, _):
        with pytest.raises(errors.ArgumentError, match="either period or frequency"):
            perf_event(program)
        with pytest.raises(errors.ArgumentError, match="give a cpu, or a pid"):
            perf_event(program, period=1)


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_uprobe_pmu", "perf_links")
def test_a_link_is_told_of_and_survives_its_program() -> None:
    libc = ctypes.CDLL(LIBC)
    with counting("kprobe") as (program, counter):
        link = uprobe(program, LIBC, "toupper", pid=os.getpid())
        program_id = program.id
        info = link.info()
        assert (info.kind, info.program_id, info.type) == ("perf_event", program_id, uapi.BPF_LINK_TYPE_PERF_EVENT)
        assert info.id == link.id
        assert link.adaptations == ()
        program.close()
        libc.toupper(97)
        assert counter.value == 1
        with LinkCore.by_id(info.id) as other:
            assert other.kind == "perf_event"
            link.close()
            libc.toupper(97)
            assert counter.value == 2


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_uprobe_pmu")
def test_without_a_link() -> None:
    with counting("kprobe") as (program, _), uprobe(program, LIBC, "toupper", pid=os.getpid()) as link:
        if not link.adaptations:
            uprobe(program, LIBC, "toupper", pid=os.getpid(), adapt=False).close()
            return
        assert [row.name for row in link.adaptations] == ["perf_ioctl"]
        with pytest.raises(errors.UnsupportedFeatureError, match="attached to its perf event by an ioctl"):
            link.info()
        with pytest.raises(errors.UnsupportedFeatureError):
            uprobe(program, LIBC, "toupper", pid=os.getpid(), adapt=False)


@pytest.mark.requires("BPF_PROG_TYPE_KPROBE", "perf_uprobe_pmu")
def test_nothing_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with counting("kprobe") as (program, _):
        uprobe(program, LIBC, "toupper").close()
    with counting("xdp") as (wrong, _), pytest.raises(errors.AttachError, match=r"XDP 'counts'.* to uprobe toupper"):
        uprobe(wrong, LIBC, "toupper")
    assert len(os.listdir("/proc/self/fd")) == before
