"""Every trial, by real processes that may do less than root: never a false ``absent``, never a false ``supported``."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable

import pytest

from tests.ebpf.host.trees import become_nobody
from tests.ebpf.probe import everything
from tests.privileges import (
    CAP_BPF,
    CAP_NET_ADMIN,
    CAP_PERFMON,
    changed,
    enter_user_namespace,
    keep_only,
    refuse_bpf,
    unprivileged_may_use_bpf,
)

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def by_root() -> dict[str, str]:
    return everything.statuses()


def ask(change: Callable[[], None]) -> dict[str, str]:
    """The statuses of a process that changed."""
    everything.statuses()  # whatever is imported on the way: nobody may not be able to read it

    answer: dict[str, str] = changed(change, everything.statuses)
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
    if unprivileged_may_use_bpf() and "seccomp" not in who:
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
