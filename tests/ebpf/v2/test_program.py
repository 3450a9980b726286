"""v2's programs on the real kernel."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebpf import errors, uapi
from ebpf.asm import R0, R1, R2, R10, W, add, call, exit_, load, load_map, mov, store, to_be
from ebpf.core.program import ProgramCore
from ebpf.v2 import Program
from tests.bpffs import bpffs

pytestmark = pytest.mark.root

PASS = [mov(R0, 2), exit_()]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def program() -> Iterator[Program]:
    with Program("xdp", PASS, name="pass-all.frames.x") as made:
        yield made


def test_what_the_kernel_says_of_it(program: Program) -> None:
    info = program.info()
    assert info.type == uapi.BPF_PROG_TYPE_XDP
    assert info.type_name == "BPF_PROG_TYPE_XDP"
    assert info.id == program.id > 0
    assert info.tag == program.tag
    assert len(info.tag) == 16
    assert info.created_by_uid == os.getuid()
    assert info.load_time > 0
    assert info.map_ids == ()
    assert info.gpl_compatible
    assert info.xlated_size >= 16
    assert "BPF_PROG_TYPE_XDP" in repr(program)
    assert "BPF_PROG_TYPE_XDP" in repr(info)


@pytest.mark.requires("program_names")
def test_the_name_is_what_the_kernel_takes_of_it(program: Program) -> None:
    assert program.name == "pass-all.frames.x"
    assert program.info().name == "pass_all_frames"
    assert program.adaptations == ()


def test_a_run_on_test_data(program: Program) -> None:
    run = program.test_run(bytes(64), repeat=100)
    assert run.retval == 2
    assert run.data == bytes(64)
    assert run.duration >= 0


def test_a_run_gives_the_packet_back_changed() -> None:
    # Write 0x2a at the start of the packet: data is the first field of struct xdp_md, data_end the second.
    from ebpf.asm import R3, R4, B, jgt

    code = [load(W, R2, R1, 0), load(W, R3, R1, 4), mov(R4, R2), add(R4, 14), jgt(R4, R3, 1), store(B, R2, 0, 0x2A)]
    with Program("xdp", [*code, *PASS]) as program:
        assert program.test_run(bytes(32)).data == b"\x2a" + bytes(31)


@pytest.mark.requires("test_run_context")
def test_a_run_with_a_context() -> None:
    # priority of struct __sk_buff, at 32, may be given; a cls program returns it.
    with Program("sched_cls", [load(W, R0, R1, 32), exit_()]) as program:
        run = program.test_run(bytes(64), struct.pack("=9I", *[0] * 8, 77))
        assert run.retval == 77
        assert struct.unpack_from("=I", run.ctx, 32) == (77,)


@pytest.mark.requires("BPF_PROG_TYPE_SYSCALL")
def test_a_syscall_program_runs_on_its_context_alone() -> None:
    with Program("syscall", [load(W, R0, R1, 4), exit_()], flags=uapi.BPF_F_SLEEPABLE) as program:
        assert program.test_run(ctx=struct.pack("=II", 5, 6)).retval == 6


def test_a_run_of_the_wrong_data(program: Program) -> None:
    with pytest.raises(errors.ArgumentError, match="14 bytes or more"):
        program.test_run(bytes(64), b"\xff" * 24)
    with pytest.raises(errors.ArgumentError, match="repeat is 0"):
        program.test_run(bytes(64), repeat=0)


def test_a_map_it_uses() -> None:
    from ebpf.core.map import MapCore

    with MapCore(uapi.BPF_MAP_TYPE_ARRAY, 4, 8, 1) as numbers:
        code = [
            store(W, R10, -4, 0),
            mov(R2, R10),
            add(R2, -4),
            load_map(R1, numbers.fd),
            call("bpf_map_lookup_elem"),
            mov(R0, 0),
            exit_(),
        ]
        with Program("socket_filter", code) as program:
            assert len(program.info().map_ids) == 1


def test_instructions_text_and_bytes_are_all_code(program: Program) -> None:
    from ebpf.asm import assemble

    with Program("BPF_PROG_TYPE_XDP", assemble(PASS)) as other, Program(6, iter(PASS)) as third:
        assert other.tag == third.tag == program.tag
    with Program("xdp", "r0 = 2; exit") as fourth:
        assert fourth.tag == program.tag


def test_the_instructions_as_the_verifier_left_them(program: Program) -> None:
    assert program.translated() == PASS


def test_closing() -> None:
    before = open_files()
    program = Program("xdp", PASS)
    assert open_files() == before + 1
    program.close()
    program.close()
    assert program.closed
    assert open_files() == before
    with pytest.raises(errors.ClosedError, match="the program is closed"):
        program.test_run(bytes(64))
    assert "closed" in repr(program)


def test_pinning_and_opening(program: Program, tmp_path: Path) -> None:
    with bpffs() as directory:
        path = directory / "program"
        program.pin(path)
        with pytest.raises(errors.SyscallError, match="the path is taken"):
            program.pin(path)
        with Program.open(path) as other:
            assert isinstance(other, Program)
            assert other.id == program.id
            assert other.test_run(bytes(64)).retval == 2
        path.unlink()
        with pytest.raises(errors.SyscallError, match="nothing is pinned there"):
            Program.open(path)
        with pytest.raises(errors.SyscallError, match="is not there"):
            program.pin(directory / "no" / "such")
    with pytest.raises(errors.SyscallError, match="not in a BPF file system"):
        program.pin(tmp_path / "program")


@pytest.mark.requires("object_ids")
def test_opening_by_id(program: Program) -> None:
    number = program.id
    with Program.by_id(number) as other:
        assert other.tag == program.tag
        assert other.program_type == uapi.BPF_PROG_TYPE_XDP
    with pytest.raises(errors.KeyMissingError, match="no such id"):
        ProgramCore.by_id(2**31 - 2)


def test_a_log_of_a_success() -> None:
    with Program("xdp", PASS, log_level=2) as program:
        assert "(b7) r0 = 2" in program.log
    with Program("xdp", PASS) as program:
        assert program.log == ""


@pytest.mark.parametrize("insns", [b"", b"abc", bytes(9)])
def test_code_that_is_none(insns: bytes) -> None:
    with pytest.raises(errors.ArgumentError, match="1 instruction of 8 bytes or more"):
        Program("xdp", insns)


def test_misspelt_types() -> None:
    with pytest.raises(errors.UnknownFeatureError, match="BPF_PROG_TYPE_XDP"):
        Program("xpd", PASS)
    with pytest.raises(errors.UnknownFeatureError, match="BPF_CGROUP_DEVICE"):
        Program("xdp", PASS, attach_type="BPF_CGROUP_DEVICES")


@pytest.mark.requires("BPF_TRACE_RAW_TP")
def test_a_target_in_the_kernel() -> None:
    with Program("tracing", [mov(R0, 0), exit_()], attach_type="BPF_TRACE_RAW_TP", target="sched_switch") as program:
        assert program.attach_btf_id > 0


@pytest.mark.requires("BPF_TRACE_RAW_TP")
def test_a_target_that_is_not_in_the_kernel() -> None:
    with pytest.raises(errors.ArgumentError, match="no tracepoint 'sched_swich'"):
        Program("tracing", [mov(R0, 0), exit_()], attach_type="BPF_TRACE_RAW_TP", target="sched_swich")


def test_failures_leave_no_descriptor() -> None:
    before = open_files()
    for code in ([exit_()], [to_be(R0, 16), exit_()]):
        with pytest.raises(errors.ProgramLoadError):
            Program("xdp", code)
    assert open_files() == before
