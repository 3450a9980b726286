"""Everything at once: complete, the same however many processes share it, and without a trace."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable

import pytest

import featuredb
from ebpf import probe
from ebpf.probe import helpers, kfuncs, programs, sweep
from tests.ebpf.host.trees import become_nobody
from tests.ebpf.probe.test_trials import _kernel_log, _objects
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

MINE = ("program_type", "helper", "kfunc")


@pytest.fixture(scope="module")
def alone() -> sweep.Survey:
    return sweep.survey(workers=1)


def test_shared_work_gives_the_same(alone: sweep.Survey) -> None:
    shared = sweep.survey(workers=3)
    assert {name: each.status for name, each in shared.features.items()} == {
        name: each.status for name, each in alone.features.items()
    }
    assert shared.helpers == alone.helpers
    assert list(shared.helpers) == list(alone.helpers)
    assert shared.kfuncs == alone.kfuncs
    assert shared.known == alone.known


def test_agrees_with_the_trials_one_by_one(alone: sweep.Survey) -> None:
    for kind in MINE:
        for name in featuredb.names(kind)[::6]:
            outcome = probe.trial(name)
            assert (outcome and outcome.status) == (alone.features[name].status if name in alone.features else None)
    for program_type in list(alone.helpers)[::4]:
        for name, status in list(alone.helpers[program_type].items())[::9]:
            outcome = helpers.trial(name, program_type)
            assert outcome is not None
            assert outcome.status == status, (name, program_type, outcome)


def test_is_complete(alone: sweep.Survey) -> None:
    for kind in ("helper", "kfunc"):
        assert set(featuredb.names(kind)) <= set(alone.features)
    assert set(alone.helpers) == set(featuredb.names("program_type")) - {"BPF_PROG_TYPE_UNSPEC"}
    for record in featuredb.features("helper"):
        for program_type in record.program_types:
            assert record.name in alone.helpers[program_type]
    for record in featuredb.features("kfunc"):
        for program_type in () if kfuncs.is_target(record) else record.program_types:
            assert record.name in alone.kfuncs[program_type] or alone.features[record.name].text.count("module")


def test_only_the_kinds_that_were_asked_for() -> None:
    found = sweep.survey(["map_type"], workers=2)
    assert {featuredb.kind_of(name) for name in found.features} == {"map_type"}
    assert found.helpers == found.kfuncs == {}


def test_a_child_that_dies_is_made_up_for(monkeypatch: pytest.MonkeyPatch, alone: sweep.Survey) -> None:
    parent = os.getpid()
    do = sweep._do

    def fail(job: tuple[str, str], found: sweep.Survey) -> None:
        if os.getpid() != parent:
            os._exit(3)
        do(job, found)

    monkeypatch.setattr(sweep, "_do", fail)
    found = sweep.survey(["program_type", "map_type", "helper"], workers=3)
    assert found.helpers == alone.helpers


def test_without_a_process_to_be_had(monkeypatch: pytest.MonkeyPatch, alone: sweep.Survey) -> None:
    def fork() -> int:
        raise OSError(errno.EAGAIN, "fork")

    monkeypatch.setattr(os, "fork", fork)
    before = os.listdir("/proc/self/fd")
    assert sweep.survey(["program_type", "helper"], workers=3).helpers == alone.helpers
    assert os.listdir("/proc/self/fd") == before


def test_no_fork_beside_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise AssertionError("forked")

    monkeypatch.setattr(os, "fork", fork)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert sweep.survey(["map_type"]).features
    finally:
        stop.set()
        thread.join()


def test_an_exception_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    do = sweep._do

    def fail(job: tuple[str, str], found: sweep.Survey) -> None:
        if os.getpid() == parent:
            raise KeyboardInterrupt
        do(job, found)

    monkeypatch.setattr(sweep, "_do", fail)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(KeyboardInterrupt):
        sweep.survey(["program_type", "map_type", "helper"], workers=2)
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_leaves_no_trace() -> None:
    """Nothing in the kernel log, no descriptor, no child, no program, map, BTF or link."""
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("/dev/kmsg cannot be read")
    import time

    sweep.survey(workers=2)
    descriptors, objects = os.listdir("/proc/self/fd"), _objects()
    with _kernel_log() as lines:
        sweep.survey(workers=2)
    assert [line for line in lines if "bpf" in line.lower() or "btf" in line.lower() or "Lockdown" in line] == []
    assert os.listdir("/proc/self/fd") == descriptors
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    for _ in range(50):  # objects are freed in the background
        left = _objects() - objects
        if not left:
            break
        time.sleep(0.05)
    assert left == set()


def test_memory() -> None:
    """Measured in a process of its own: this one holds the tests."""
    import subprocess
    import sys

    # VmHWM, not ru_maxrss: that keeps what the process was before it became Python.
    program = """
import resource
from ebpf.probe import sweep
sweep.survey(workers=2)
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open("/proc/self/status") as file:
    own = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
print(max(own, children))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60 * 1024


def survey_of_mine() -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    found = sweep.survey(MINE)
    return {name: each.status for name, each in found.features.items()}, found.helpers, found.kfuncs


WITHOUT_ANYTHING: dict[str, Callable[[], None]] = {
    "nobody": become_nobody,
    "seccomp EPERM": refuse_bpf(errno.EPERM),
    "seccomp ENOSYS": refuse_bpf(errno.ENOSYS),
    "user namespace": enter_user_namespace,
}


@pytest.mark.parametrize("who", WITHOUT_ANYTHING)
def test_who_may_do_nothing(who: str, alone: sweep.Survey) -> None:
    if unprivileged_may_use_bpf() and "seccomp" not in who:
        pytest.skip("kernel.unprivileged_bpf_disabled is 0")
    features, helper_table, kfunc_table = changed(WITHOUT_ANYTHING[who], survey_of_mine)
    for name, status in features.items():
        if featuredb.kind_of(name) == "kfunc" and alone.features[name].status in ("absent", "unknown"):
            assert status in ("absent", "unknown", "denied"), name  # the BTF, which anyone may read, does not have it
        else:
            assert status == "denied", (name, status)
    for row in helper_table.values():
        assert set(row.values()) <= {"denied"}
    for program_type, row in kfunc_table.items():
        for name, status in row.items():
            assert status == "denied" or status == alone.kfuncs[program_type][name] != "supported", (program_type, name)


WITH_SOME = {
    "CAP_BPF": (CAP_BPF,),
    "CAP_BPF+CAP_NET_ADMIN": (CAP_BPF, CAP_NET_ADMIN),
    "CAP_BPF+CAP_PERFMON": (CAP_BPF, CAP_PERFMON),
    "CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON": (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON),
}


@pytest.mark.parametrize("who", WITH_SOME)
def test_who_may_do_some(who: str, alone: sweep.Survey) -> None:
    features, helper_table, kfunc_table = changed(keep_only(*WITH_SOME[who]), survey_of_mine)
    wrong = {
        name: (status, alone.features[name].status)
        for name, status in features.items()
        if status not in (alone.features[name].status, "denied")
    }
    assert wrong == {}
    for ours, roots in ((helper_table, alone.helpers), (kfunc_table, alone.kfuncs)):
        for program_type, row in ours.items():
            for name, status in row.items():
                assert status in (roots[program_type].get(name), "denied"), (program_type, name, status)
    if "CAP_NET_ADMIN" in who:
        assert helper_table["BPF_PROG_TYPE_XDP"]["bpf_map_lookup_elem"] == "supported"
    if who == "CAP_BPF+CAP_NET_ADMIN":
        assert programs.trial("BPF_PROG_TYPE_KPROBE") is not None
        assert set(helper_table["BPF_PROG_TYPE_KPROBE"].values()) == {"denied"}
