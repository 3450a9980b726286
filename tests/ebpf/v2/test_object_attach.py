"""Objects attached: their programs run."""

from __future__ import annotations

import os
import socket

import pytest

from ebpf import v2
from ebpf.errors import EbpfError, ObjectLoadError
from tests.clang import compiled

pytestmark = [pytest.mark.root, pytest.mark.requires("map_global_data", "bpf_to_bpf_calls")]


def call(times: int) -> None:
    """System calls that nothing else makes here."""
    for _ in range(times):
        os.getpgid(os.getpid())  # of process 0 the security hook is not asked


@pytest.mark.requires("BPF_MAP_TYPE_RINGBUF", "vmlinux_btf", "raw_tracepoint_programs")
def test_tracepoints(tracefs: None) -> None:
    with v2.Object.open(compiled("tracing")) as loaded:
        loaded.programs["kprobe"].autoload = False
        loaded.variables["process"] = os.getpid()
        loaded.load()
        assert len(loaded.attach()) == 2
        call(5)
        assert loaded.variables["by_tracepoint"] == 5
        assert loaded.variables["by_raw_tracepoint"] >= 5
        with open("/proc/self/comm", encoding="ascii") as file:
            assert loaded.variables["name"] == file.read().strip()
        assert loaded.maps["events"].max_entries == os.sysconf("SC_PAGE_SIZE"), "rounded up"
        for link in loaded.links:
            link.close()
        call(2)
        assert loaded.variables["by_tracepoint"] == 5, "detached"
        with loaded.programs["tracepoint"].attach("tracepoint/syscalls/sys_enter_getsid"):
            os.getsid(0)
        assert loaded.variables["by_tracepoint"] == 6
        loaded.programs["tracepoint"].attach("tracepoint/syscalls/sys_enter_getsid")
        os.getsid(0)
        assert loaded.variables["by_tracepoint"] == 7, "the object holds on to the link"
        kept = loaded.links[-1]
    assert kept.closed
    call(1)


@pytest.mark.requires("vmlinux_btf", "kprobe_programs", "perf_kprobe_pmu", "BPF_MAP_TYPE_RINGBUF")
def test_kprobes_of_system_calls() -> None:
    with v2.Object.open(compiled("tracing")) as loaded:
        for program in loaded.programs.values():
            program.autoload = program.name == "kprobe"
        loaded.variables["process"] = os.getpid()
        loaded.load()
        assert len(loaded.attach()) == 1
        call(5)
        assert loaded.variables["by_kprobe"] == 5
        with loaded.programs["kprobe"].attach("ksyscall/getsid"):
            os.getsid(0)
        assert loaded.variables["by_kprobe"] == 6


@pytest.mark.requires("perf_kprobe_pmu")
def test_when_one_cannot_be_attached_none_is(tracefs: None) -> None:
    with v2.Object.open(compiled("tracing")) as loaded:
        loaded.programs["kprobe"].target = "no_such_system_call"
        loaded.load()
        with pytest.raises(EbpfError, match="no_such_system_call"):
            loaded.attach()
        assert not loaded.links
        call(1)
        assert loaded.variables["by_tracepoint"] == 0


@pytest.mark.requires("BPF_PROG_TYPE_TRACING", "fentry_fexit", "tp_btf_programs")
def test_trampolines() -> None:
    with v2.Object.open(compiled("trampolines")) as loaded:
        loaded.variables["process"] = os.getpid()
        loaded.load()
        loaded.attach()
        call(3)
        assert loaded.variables["entered"] == loaded.variables["left"] == 3
        assert loaded.variables["traced"] >= 3


@pytest.mark.requires("BPF_PROG_TYPE_EXT", "freplace")
def test_a_function_is_replaced() -> None:
    with v2.Object.open(compiled("everything")) as whole, v2.Object.open(compiled("trampolines")) as other:
        # What a tail call can reach cannot be extended since 6.13 ("bpf: Prevent tailcall infinite loop caused by
        # freplace"; kernel/bpf/syscall.c, prog_array_member_cnt).
        whole.specs["jumps"].initial_values.clear()
        for program in whole.programs.values():
            program.autoload = program.name == "tail"
        whole.load()
        for program in other.programs.values():
            program.autoload = program.name == "replacement"
        other.programs["replacement"].extends = whole.programs["tail"]
        other.load()
        before = whole.programs["tail"].test_run(bytes(64)).retval
        with other.programs["replacement"].attach():
            assert whole.programs["tail"].test_run(bytes(64)).retval == 1003
        assert whole.programs["tail"].test_run(bytes(64)).retval == before


def test_an_extension_of_nothing() -> None:
    with v2.Object.open(compiled("trampolines")) as opened:
        for program in opened.programs.values():
            program.autoload = program.name == "replacement"
        with pytest.raises(ObjectLoadError, match="it is an extension: set"):
            opened.load()


@pytest.mark.requires("BPF_PROG_TYPE_STRUCT_OPS", "BPF_MAP_TYPE_STRUCT_OPS")
def test_a_structure_of_functions() -> None:
    name = b"ebpf_nothing"
    with v2.Object.open(compiled("structure")) as loaded:
        loaded.load()
        assert not loaded.programs["unused"].loaded
        loaded.attach()
        with socket.socket() as server, socket.socket() as client:
            server.bind(("127.0.0.1", 0))
            server.listen()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
            client.connect(server.getsockname())
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") == name
        assert loaded.variables["started"] == 1
    with socket.socket() as client, pytest.raises(FileNotFoundError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
