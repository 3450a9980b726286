"""Raw tracepoints, fentry, fexit, fmod_ret, LSM, iterators, extensions: each seen running."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from ebpf import errors, uapi
from ebpf.asm import DW, R0, R1, R2, R3, R6, call, exit_, load, load_map_value, mov
from ebpf.core.links import attach, freplace, iterator, lsm_cgroup, raw_tracepoint, read_iterator, tracing
from ebpf.core.map import MapCore
from ebpf.v2 import Program

from .counting import Counter, counting
from .functions import REPLACED, two_functions
from .places import own_cgroup

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]


@pytest.mark.requires("raw_tracepoint_programs")
def test_raw_tracepoint() -> None:
    with counting("raw_tracepoint") as (program, counter):
        with raw_tracepoint(program, "sched_process_fork") as link:
            subprocess.run(["/bin/true"], check=True)
            assert counter.value >= 1
            assert link.kind == "raw_tracepoint"
        with pytest.raises(errors.AttachError, match="no such tracepoint"):
            raw_tracepoint(program, "sched_process_frok")


@pytest.mark.requires("tp_btf_programs", "BPF_TRACE_RAW_TP")
def test_raw_tracepoint_with_types() -> None:
    with counting("tracing", attach_type="BPF_TRACE_RAW_TP", target="sched_process_fork") as (program, counter):
        with tracing(program):
            subprocess.run(["/bin/true"], check=True)
        assert counter.value >= 1


@pytest.mark.requires("fentry_fexit")
@pytest.mark.parametrize("kind", ["BPF_TRACE_FENTRY", "BPF_TRACE_FEXIT"])
def test_fentry_and_fexit(kind: str) -> None:
    with counting("tracing", attach_type=kind, target="vfs_read") as (program, counter):
        with tracing(program) as link:
            Path("/proc/self/stat").read_text()
            assert link.kind == "fentry"
        assert counter.value >= 1


@pytest.mark.requires("fmod_ret")
def test_fmod_ret() -> None:
    # What a security hook answers can be changed: -1 is EPERM.
    code = [mov(R0, -1), exit_()]
    with Program("tracing", code, attach_type="BPF_MODIFY_RETURN", target="security_sb_statfs") as program:
        os.statvfs("/")
        with tracing(program), pytest.raises(PermissionError):
            os.statvfs("/")
        os.statvfs("/")


def lsm_runs() -> bool:
    """Whether BPF is among the security modules that were chosen when the kernel was started."""
    return "bpf" in Path("/sys/kernel/security/lsm").read_text().split(",")


@pytest.mark.requires("bpf_lsm")
def test_lsm(caplog: pytest.LogCaptureFixture) -> None:
    with counting("lsm", attach_type="BPF_LSM_MAC", target="file_open") as (program, counter):
        with tracing(program) as link:
            Path("/proc/self/stat").read_text()
            assert link.kind == "lsm"
        assert lsm_runs() == (counter.value >= 1) == (not caplog.records)


@pytest.mark.requires("bpf_lsm", "lsm_cgroup_programs")
def test_lsm_of_a_cgroup() -> None:
    import socket

    with counting("lsm", returns=1, attach_type="BPF_LSM_CGROUP", target="socket_post_create") as (program, counter):
        if not lsm_runs():
            pytest.skip("bpf is not among the kernel's security modules (lsm=)")
        with own_cgroup() as group, lsm_cgroup(program, str(group)):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        assert counter.value >= 1


@pytest.mark.requires("BPF_TRACE_ITER", "bpf_iterators")
def test_iterator_of_tasks() -> None:
    with counting("tracing", attach_type="BPF_TRACE_ITER", target="task") as (program, counter):
        with iterator(program) as link:
            assert read_iterator(link) == b""
            assert link.kind == "iter"
        assert counter.value > 1  # one run for each task, and a last one


@pytest.mark.requires("BPF_TRACE_ITER", "bpf_iterators")
def test_iterator_that_writes() -> None:
    # struct bpf_iter__task: meta, whose first field is the seq_file to write to.
    with Counter() as text:
        text.update(bytes(4), b"a task\n\0")
        code = [load(DW, R6, R1, 0), load(DW, R1, R6, 0), load_map_value(R2, text.fd), mov(R3, 7)]
        code += [call("bpf_seq_write"), mov(R0, 0), exit_()]
        with Program("tracing", code, attach_type="BPF_TRACE_ITER", target="task") as program:
            with iterator(program) as link:
                written = read_iterator(link)
            assert written.startswith(b"a task\na task\n")


@pytest.mark.requires("BPF_TRACE_ITER", "bpf_iterators")
def test_iterator_of_a_map() -> None:
    with counting("tracing", attach_type="BPF_TRACE_ITER", target="bpf_map_elem") as (program, counter):
        with MapCore(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 16) as numbers, iterator(program, map=numbers) as link:
            read_iterator(link)
            assert counter.value >= 16
        with pytest.raises(errors.AttachError, match="it walks over the elements of a map"):
            iterator(program)


@pytest.mark.requires("freplace", "global_functions")
def test_freplace() -> None:
    code = [mov(R0, 42), exit_()]
    with two_functions() as (program, btf_fd):
        assert program.test_run(bytes(64)).retval == 7
        info = struct.pack("=II", 0, REPLACED)
        with Program(
            "ext", code, extends=program, target="replaced", btf_fd=btf_fd, func_info=info, func_info_rec_size=8
        ) as other:
            with freplace(other):
                assert program.test_run(bytes(64)).retval == 42
            assert program.test_run(bytes(64)).retval == 7


def test_by_the_names_of_sections() -> None:
    with counting("raw_tracepoint") as (program, counter):
        with attach(program, "raw_tp/sched_process_fork"):
            subprocess.run(["/bin/true"], check=True)
        assert counter.value >= 1
        with pytest.raises(errors.ArgumentError, match="does not say what to attach to"):
            attach(program, "raw_tp")
        with attach(program, "raw_tp", target="sched_process_fork"):
            pass
