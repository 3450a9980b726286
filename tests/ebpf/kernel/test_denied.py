"""The whole report, by real processes that may do less than root:

*denied* or *unknown*, never a false no, never a false yes.
"""

from __future__ import annotations

import errno

import pytest

from ebpf import kernel
from ebpf.kernel.base import Report
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED
from tests.ebpf.host.trees import become_nobody
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

WHO = {
    "nobody": become_nobody,
    "seccomp EPERM": refuse_bpf(errno.EPERM),
    "seccomp ENOSYS": refuse_bpf(errno.ENOSYS),
    "user namespace": enter_user_namespace,
    "CAP_BPF": keep_only(CAP_BPF),
    "CAP_BPF+CAP_NET_ADMIN": keep_only(CAP_BPF, CAP_NET_ADMIN),
    "CAP_BPF+CAP_PERFMON": keep_only(CAP_BPF, CAP_PERFMON),
}
NOTHING = ("nobody", "seccomp EPERM", "seccomp ENOSYS", "user namespace")
"""Those that bpf(2) refuses everything."""
BY_BPF = (
    "command",
    "map_type",
    "program_type",
    "attach_type",
    "link_type",
    "helper",
    "kfunc",
    "verifier",
    "instruction",
)
"""Kinds that nobody can use without bpf(2)."""

Statuses = dict[str, tuple[str, str]]


def statuses(report: Report) -> Statuses:
    """Kind and status of every feature, and of every pair."""
    found = {name: (verdict.kind, verdict.status) for name, verdict in report.features.items()}
    for table in (report.helpers, report.kfuncs):
        for program_type, row in table.items():
            found.update({f"{name} for {program_type}": ("helper", status) for name, status in row.items()})
    return found


def report() -> Statuses:
    return statuses(kernel.running().report())


@pytest.fixture(scope="module")
def by_root() -> Statuses:
    return report()


@pytest.fixture(scope="module")
def by_others(by_root: Statuses) -> dict[str, Statuses]:
    """What each of the others says; root has imported all that is needed before."""
    return {who: {name: tuple(row) for name, row in changed(change, report).items()} for who, change in WHO.items()}


@pytest.mark.parametrize("who", WHO)
def test_what_is_there_is_never_called_absent(who: str, by_root: Statuses, by_others: dict[str, Statuses]) -> None:
    wrong = {
        name: status
        for name, (_, status) in by_others[who].items()
        if status in (ABSENT, COMPILED_OUT) and by_root.get(name, ("", ""))[1] in (SUPPORTED, DENIED)
    }
    assert wrong == {}


@pytest.mark.parametrize("who", WHO)
def test_what_is_not_there_is_never_called_supported(
    who: str, by_root: Statuses, by_others: dict[str, Statuses]
) -> None:
    wrong = {
        name: by_root[name][1]
        for name, (_, status) in by_others[who].items()
        if status == SUPPORTED and name in by_root and by_root[name][1] != SUPPORTED
    }
    assert wrong == {}


@pytest.mark.parametrize("who", NOTHING)
def test_who_may_do_nothing_supports_nothing(who: str, by_others: dict[str, Statuses]) -> None:
    if unprivileged_may_use_bpf() and "seccomp" not in who:
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    wrong = {
        name
        for name, (kind, status) in by_others[who].items()
        if status == SUPPORTED and kind in BY_BPF and not name.endswith("_UNSPEC")  # the number 0 is there for everyone
    }
    assert wrong == set()


def ask(name: str) -> dict[str, str]:
    """What the running kernel says of a feature, or of ``HELPER for PROGRAM_TYPE``."""
    feature, _, program_type = name.partition(" for ")
    verdict = kernel.running().check(feature, program_type or None)
    return {"status": verdict.status, "text": verdict.explain()}


@pytest.mark.parametrize(
    ("who", "name", "said"),
    [
        ("nobody", "BPF_MAP_TYPE_HASH", "CAP_BPF is missing"),
        ("nobody", "BPF_PROG_TYPE_XDP", "CAP_NET_ADMIN"),
        ("seccomp EPERM", "BPF_MAP_TYPE_HASH", "a seccomp filter is active"),
        ("seccomp ENOSYS", "BPF_MAP_TYPE_HASH", "a seccomp filter is active"),
        ("user namespace", "BPF_MAP_TYPE_HASH", "user namespace"),
        ("CAP_BPF", "BPF_PROG_TYPE_KPROBE", "CAP_PERFMON is missing"),
        ("CAP_BPF", "BPF_PROG_TYPE_XDP", "CAP_NET_ADMIN is missing"),
        # BPF_PROG_TYPE_SYSCALL may call it with CAP_BPF alone.
        ("CAP_BPF+CAP_NET_ADMIN", "bpf_probe_read_kernel for BPF_PROG_TYPE_XDP", "CAP_PERFMON"),
    ],
)
def test_the_reason_is_the_right_one(who: str, name: str, said: str) -> None:
    if unprivileged_may_use_bpf() and who == "nobody":
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    answer = changed(WHO[who], lambda: ask(name))
    assert answer["status"] == DENIED, answer
    assert said in answer["text"], answer


def test_verdicts_are_not_remembered_beyond_the_credentials_they_were_found_with() -> None:
    running = kernel.running()
    assert running.check("BPF_MAP_TYPE_HASH").status == SUPPORTED
    assert changed(become_nobody, lambda: ask("BPF_MAP_TYPE_HASH"))["status"] == DENIED
    assert running.check("BPF_MAP_TYPE_HASH").status == SUPPORTED
