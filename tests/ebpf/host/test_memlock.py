"""RLIMIT_MEMLOCK, and the trial whether this kernel counts BPF objects against it."""

from __future__ import annotations

import os
import resource
import signal
import struct
import threading
from pathlib import Path

import pytest

from ebpf import host
from tests.ebpf.host.trees import become_nobody, in_child, plant

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max locked memory         {}                {}                bytes
Max address space         unlimited            unlimited            bytes
"""


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        ("65536", "65536", (65536, 65536)),
        ("8388608", "unlimited", (8388608, None)),
        ("unlimited",) * 2 + ((None, None),),
    ],
)
def test_from_files(tmp_path: Path, soft: str, hard: str, expected: tuple[int | None, int | None]) -> None:
    memlock = host.read(plant(tmp_path, {"proc/self/limits": LIMITS.format(soft, hard)})).memlock
    assert (memlock.soft, memlock.hard) == expected
    assert memlock.known
    assert memlock.needed() is None


def test_unknown(tmp_path: Path) -> None:
    assert not host.read(str(tmp_path)).memlock.known


def test_live() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    memlock = host.read().memlock
    assert memlock.soft == (None if soft == resource.RLIM_INFINITY else soft)
    assert memlock.hard == (None if hard == resource.RLIM_INFINITY else hard)


@pytest.mark.root
def test_needed_agrees_with_a_map_under_a_zero_limit() -> None:
    """The same question asked the other way round: in a process that lowered its limit for good."""
    from ebpf import syscall

    def task() -> bool:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        return syscall.attempt(0, struct.pack("=IIII", 2, 4, 4, 1)) < 0

    needed = host.read().memlock.needed()
    assert needed is not None
    assert needed is in_child(task)


@pytest.mark.root
def test_nothing_is_left_behind() -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    host.read().memlock.needed()
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert resource.getrlimit(resource.RLIMIT_MEMLOCK) == limits
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.root
def test_asked_once() -> None:
    machine = host.read()
    first = machine.memlock.needed()
    forked: list[int] = []
    original = os.fork
    os.fork = lambda: forked.append(1) or original()  # type: ignore[func-returns-value]
    try:
        assert machine.memlock.needed() is first
    finally:
        os.fork = original
    assert not forked


@pytest.mark.root
def test_under_threads() -> None:
    stop = threading.Event()
    threads = [threading.Thread(target=lambda: [sum(range(1000)) for _ in iter(stop.is_set, True)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert {host.read().memlock.needed() for _ in range(5)} == {host.read().memlock.needed()}
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.root
def test_in_a_program_that_reaps_its_own_children() -> None:
    def task() -> bool | None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return host.read().memlock.needed()

    assert in_child(task) is host.read().memlock.needed()


@pytest.mark.root
def test_nobody_cannot_tell() -> None:
    if host.read().sysctls.get("kernel.unprivileged_bpf_disabled") == 0:
        pytest.skip("bpf(2) is open to everyone here")

    def task() -> bool | None:
        become_nobody()
        return host.read().memlock.needed()

    assert in_child(task) is None


@pytest.mark.root
def test_no_process_to_be_had() -> None:
    def task() -> bool | None:
        machine = host.read()
        machine.memlock  # noqa: B018  # imports what it needs first
        become_nobody()
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        return machine.memlock.needed()

    assert in_child(task) is None
