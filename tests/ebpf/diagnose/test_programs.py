"""Programs that kernels refuse, and the reason that comes out; each is refused by the running one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ebpf import errors
from ebpf.asm import (
    DW,
    R0,
    R1,
    R2,
    R3,
    R4,
    R10,
    Instruction,
    W,
    add,
    call,
    call_kfunc,
    exit_,
    gotol,
    gotox,
    ja,
    load,
    load_acquire,
    may_goto,
    mov,
    sdiv,
    store,
)
from ebpf.v2 import Program
from tests.privileges import CAP_BPF, CAP_NET_ADMIN, changed, keep_only

pytestmark = pytest.mark.root


def refused(program_type: str, insns: list[Instruction], **more: object) -> errors.ProgramLoadError:
    with pytest.raises(errors.ProgramLoadError) as caught:
        Program(program_type, insns, **more)  # type: ignore[arg-type]  # as the test names them
    assert isinstance(caught.value, errors.SyscallError)
    assert caught.value.command == "BPF_PROG_LOAD"
    assert "None" not in str(caught.value)
    return caught.value


def test_a_helper_that_is_not_for_the_type() -> None:
    error = refused("xdp", [call("bpf_get_socket_cookie"), exit_()], name="asks")
    assert isinstance(error, errors.UnsupportedProgramError)
    assert isinstance(error, errors.UnsupportedFeatureError)
    assert error.verdict is not None
    assert error.verdict.name == "bpf_get_socket_cookie"
    assert error.instruction == 0
    text = str(error)
    assert text.startswith("BPF_PROG_LOAD of 'asks' (BPF_PROG_TYPE_XDP) failed (EINVAL): bpf_get_socket_cookie")
    assert "at instruction 0, `call bpf_get_socket_cookie#46`" in text


def test_a_helper_that_no_kernel_has() -> None:
    error = refused("xdp", [call(9999), exit_()])
    assert "a helper with the number 9999" in str(error)


def test_every_need_is_named_at_once() -> None:
    code = [call("bpf_get_socket_cookie"), mov(R0, 0), call("bpf_get_netns_cookie"), mov(R0, 0), exit_()]
    error = refused("xdp", code)
    assert [verdict.name for verdict in error.verdicts] == ["bpf_get_socket_cookie", "bpf_get_netns_cookie"]


@pytest.mark.requires("bpf_probe_read_kernel")
def test_a_gpl_only_helper() -> None:
    code = [mov(R1, R10), add(R1, -8), mov(R2, 8), mov(R3, 0), call("bpf_probe_read_kernel"), mov(R0, 0), exit_()]
    error = refused("kprobe", code, license="Proprietary")
    assert "bpf_probe_read_kernel is for GPL-compatible programs only" in str(error)
    assert "the licence of this one is 'Proprietary'" in str(error)


def test_the_verifiers_own_words_and_the_instruction() -> None:
    error = refused("socket_filter", [mov(R0, 0), load(W, R0, R4, 8), exit_()])
    assert "R4 !read_ok" in str(error)
    assert "at instruction 1, `r0 = *(u32 *)(r4 +8)`" in str(error)
    assert error.instruction == 1
    assert "R4 !read_ok" in error.log


def test_where_an_instruction_comes_from() -> None:
    error = refused("socket_filter", [mov(R0, 0), load(W, R0, R4, 8), exit_()], describe=lambda at: f"x.c:{at}: y")
    assert error.source == "x.c:1: y"
    assert "from x.c:1: y" in str(error)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (lambda: [load(W, R0, R1, 4000), exit_()], "its context has no field there"),
        (lambda: [exit_()], "without a return value in r0"),
        (lambda: [mov(R0, 0), ja(1), exit_()], "jump out of range"),
        (lambda: [Instruction(0xE4), exit_()], "unknown opcode e4|invalid BPF_ALU opcode|BPF_ALU uses reserved"),
        (lambda: [store(DW, R10, -520, 0), exit_()], "invalid stack|invalid write to stack"),
    ],
)
def test_mistakes(code: Callable[[], list[Instruction]], says: str) -> None:
    with pytest.raises(errors.ProgramLoadError, match=says):
        Program("socket_filter", code())


@pytest.mark.requires("kfunc_calls")
def test_a_call_of_what_is_no_kernel_function() -> None:
    error = refused("sched_cls", [call_kfunc(1), mov(R0, 0), exit_()])
    assert "kernel btf_id 1 is not a function" in str(error)


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK_ADDR")
def test_an_attach_type_that_is_missing() -> None:
    error = refused("cgroup_sock_addr", [mov(R0, 1), exit_()])
    assert "does not say what it is to be attached as" in str(error)
    assert "BPF_CGROUP_INET4_CONNECT" in str(error)


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "BPF_XDP")
def test_an_attach_type_of_another_program_type() -> None:
    error = refused("cgroup_sock_addr", [mov(R0, 1), exit_()], attach_type="BPF_XDP")
    assert "expected_attach_type is BPF_XDP" in str(error)


def test_a_flag_that_no_kernel_has() -> None:
    assert "0x40000000, which no known kernel takes" in str(refused("xdp", [mov(R0, 2), exit_()], flags=1 << 30))


def test_a_type_that_no_kernel_has() -> None:
    with pytest.raises(errors.ProgramLoadError, match="program type 77 is no type that any known kernel has"):
        Program(77, [mov(R0, 2), exit_()])


LACKING: dict[str, tuple[str, list[Instruction]]] = {
    "bpf_loop": ("xdp", [call("bpf_loop"), mov(R0, 2), exit_()]),
    "bpf_dynptr_data": ("xdp", [call("bpf_dynptr_data"), mov(R0, 2), exit_()]),
    "bpf_cgrp_storage_get": ("raw_tracepoint", [call("bpf_cgrp_storage_get"), mov(R0, 0), exit_()]),
    "long_jump": ("socket_filter", [gotol(0), mov(R0, 0), exit_()]),
    "signed_division": ("socket_filter", [mov(R0, 6), sdiv(R0, 2), exit_()]),
    "may_goto": ("socket_filter", [mov(R0, 0), may_goto(0), exit_()]),
    "load_acquire_store_release": (
        "socket_filter",
        [store(DW, R10, -8, 0), load_acquire(DW, R0, R10, -8), exit_()],
    ),
    "indirect_jump": ("socket_filter", [mov(R0, 0), gotox(R0), exit_()]),
    "instruction_limit_1m": ("socket_filter", [*[mov(R0, 0)] * 5000, exit_()]),
}


@pytest.mark.parametrize("feature", LACKING)
def test_what_this_kernel_is_too_old_for(feature: str) -> None:
    from ebpf import features

    verdict = features.check(feature)
    if verdict.status != "absent":
        pytest.skip(f"{feature} is {verdict.status} here")
    program_type, code = LACKING[feature]
    error = refused(program_type, code)
    assert isinstance(error, errors.UnsupportedProgramError)
    assert feature in [each.name for each in error.verdicts]
    assert f"needs {verdict.needs.partition(' (')[0]}" in str(error)


def test_a_process_that_may_not() -> None:
    def act() -> list[object]:
        try:
            Program("xdp", [mov(R0, 2), exit_()])
        except errors.ProgramDeniedError as error:
            return [isinstance(error, PermissionError), error.errno, str(error)]
        return []

    is_permission_error, number, text = changed(keep_only(), act)
    assert is_permission_error
    assert number == 1
    assert "CAP_BPF" in text or "unprivileged_bpf_disabled" in text


@pytest.mark.requires("cap_bpf", "bpf_probe_read_kernel")
def test_a_helper_that_needs_a_capability() -> None:
    def act() -> list[object]:
        try:
            Program("socket_filter", [call("bpf_get_current_task"), mov(R0, 0), exit_()])
        except errors.ProgramLoadError as error:
            return [type(error).__name__, str(error)]
        return []

    found = changed(keep_only(CAP_BPF, CAP_NET_ADMIN), act)
    if found:
        assert found[0] == "ProgramDeniedError", found
        assert "CAP_PERFMON" in found[1]
