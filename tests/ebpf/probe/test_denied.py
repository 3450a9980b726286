"""Every trial, by real processes that may do less than root: never a false ``absent``, never a false ``supported``."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ebpf.host.trees import become_nobody, in_child
from tests.ebpf.probe import everything

pytestmark = pytest.mark.root

CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39
PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 8, 38, 22, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
CLONE_NEWUSER = 0x10000000

_libc = ctypes.CDLL(None, use_errno=True)


def keep_only(*capabilities: int) -> Callable[[], None]:
    """Become nobody, but with these capabilities."""

    def drop() -> None:
        _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        become_nobody()
        low = sum(1 << number for number in capabilities if number < 32)
        high = sum(1 << number - 32 for number in capabilities if number >= 32)
        header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
        if _libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
            raise OSError(ctypes.get_errno(), "capset")

    return drop


def refuse_bpf(answer: int) -> Callable[[], None]:
    """A seccomp filter under which bpf(2) answers this errno."""
    from ebpf.syscall import NUMBER

    def load() -> None:
        program = b"".join(
            struct.pack("=HBBI", *insn)
            for insn in (
                (0x20, 0, 0, 0),  # load the system call's number
                (0x15, 0, 1, NUMBER),
                (0x06, 0, 0, SECCOMP_RET_ERRNO | answer),
                (0x06, 0, 0, SECCOMP_RET_ALLOW),
            )
        )
        memory = ctypes.create_string_buffer(program)
        fprog = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(memory)))
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")

    return load


def enter_user_namespace() -> None:
    """Root, with every capability, of a user namespace of its own."""
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")


@pytest.fixture(scope="module")
def by_root() -> dict[str, str]:
    return everything.statuses()


def ask(change: Callable[[], None]) -> dict[str, str]:
    """The statuses of a process that changed."""
    everything.statuses()  # whatever is imported on the way: nobody may not be able to read it

    def change_and_ask() -> dict[str, str]:
        change()
        return everything.statuses()

    try:
        answer: dict[str, str] = in_child(change_and_ask)
    except AssertionError as error:
        if "unshare(CLONE_NEWUSER)" in str(error):
            pytest.skip("no user namespaces here")
        raise
    return answer


WITHOUT_ANYTHING = {
    "nobody": become_nobody,
    "seccomp EPERM": refuse_bpf(errno.EPERM),
    "seccomp ENOSYS": refuse_bpf(errno.ENOSYS),
    "user namespace": enter_user_namespace,
    "CAP_NET_ADMIN alone": keep_only(CAP_NET_ADMIN),
}


@pytest.mark.parametrize("who", WITHOUT_ANYTHING)
def test_who_may_do_nothing_is_denied_everything(who: str, by_root: dict[str, str]) -> None:
    unprivileged = Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip()
    if unprivileged == "0" and "seccomp" not in who:
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    if "seccomp" in who and platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("the filter does not look at the architecture")
    statuses = ask(WITHOUT_ANYTHING[who])
    wrong = {
        name: status for name, status in statuses.items() if status != "denied" and name not in everything.WITHOUT_BPF
    }
    assert wrong == {}


WITH_SOME = {
    "CAP_BPF": (CAP_BPF,),
    "CAP_BPF+CAP_NET_ADMIN": (CAP_BPF, CAP_NET_ADMIN),
    "CAP_BPF+CAP_PERFMON": (CAP_BPF, CAP_PERFMON),
    "CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON": (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON),
}


@pytest.mark.parametrize("who", WITH_SOME)
def test_who_may_do_some_agrees_with_root_or_is_denied(who: str, by_root: dict[str, str]) -> None:
    statuses = ask(keep_only(*WITH_SOME[who]))
    assert statuses.keys() == by_root.keys()
    wrong = {
        name: (status, by_root[name]) for name, status in statuses.items() if status not in (by_root[name], "denied")
    }
    assert wrong == {}
    assert statuses["BPF_MAP_TYPE_HASH"] == "supported"


# What needs more than CAP_BPF, whatever the trial gets to see (kernel/bpf/syscall.c).
NEEDS = {
    CAP_NET_ADMIN: ("BPF_MAP_TYPE_DEVMAP", "BPF_MAP_TYPE_SOCKMAP", "BPF_XDP", "BPF_XDP_CPUMAP", "BPF_LINK_TYPE_TCX"),
    CAP_PERFMON: ("bounded_loops", "BPF_RAW_TRACEPOINT_OPEN", "BPF_PERF_EVENT", "BPF_STRUCT_OPS", "BPF_ITER_CREATE"),
}


@pytest.mark.parametrize(("missing", "names"), NEEDS.items())
def test_a_missing_capability_is_noticed(missing: int, names: tuple[str, ...], by_root: dict[str, str]) -> None:
    others = {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON} - {missing}
    statuses = ask(keep_only(*others))
    assert {name: statuses[name] for name in names if by_root[name] == "supported"} == {
        name: "denied" for name in names if by_root[name] == "supported"
    }


def test_root_again_after_the_children(by_root: dict[str, str]) -> None:
    assert os.geteuid() == 0
    assert everything.statuses() == by_root
