"""Capabilities as the kernel's checks read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.capabilities import NAMES, Capabilities, names_of
from ebpf.host.files import Files
from tests.ebpf.host.trees import become_nobody, in_child, plant

BPF, PERFMON, NET_ADMIN, SYS_ADMIN = (
    1 << NAMES.index(name) for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN")
)


def test_the_numbers() -> None:
    # include/uapi/linux/capability.h
    assert (NAMES.index("CAP_NET_ADMIN"), NAMES.index("CAP_SYS_ADMIN"), NAMES.index("CAP_SYS_RESOURCE")) == (12, 21, 24)
    assert (NAMES.index("CAP_PERFMON"), NAMES.index("CAP_BPF"), NAMES.index("CAP_CHECKPOINT_RESTORE")) == (38, 39, 40)
    assert len(NAMES) == len(set(NAMES)) == 41
    assert names_of(0) == frozenset()
    assert names_of(1 << 39 | 1) == {"CAP_BPF", "CAP_CHOWN"}
    assert names_of(1 << 45) == {"CAP_45"}


@pytest.mark.parametrize(
    ("mask", "has"),
    [
        (0, set()),
        (BPF, {"CAP_BPF"}),
        (BPF | NET_ADMIN, {"CAP_BPF", "CAP_NET_ADMIN"}),
        (BPF | PERFMON, {"CAP_BPF", "CAP_PERFMON"}),
        (SYS_ADMIN, {"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN"}),
    ],
)
def test_who_stands_in_for_whom(mask: int, has: set[str]) -> None:
    capabilities = Capabilities(mask, mask, mask, 40)
    asked = ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_RESOURCE")
    assert {name for name in asked if capabilities.has(name)} == has


def test_another_user_namespace_does_not_count() -> None:
    capabilities = Capabilities(SYS_ADMIN | BPF, 0, 0, 40, initial=False)
    assert not capabilities.has("CAP_BPF")
    assert not capabilities.has("CAP_SYS_ADMIN")
    assert capabilities.has_in_namespace("CAP_PERFMON")
    assert Capabilities(BPF, 0, 0, 40, initial=None).has("CAP_BPF")


def test_a_kernel_before_cap_bpf() -> None:
    # 5.4, root: 0x3fffffffff; 4.4 through 5.7 know 37 as the last
    capabilities = Capabilities(0x3FFFFFFFFF, 0x3FFFFFFFFF, 0x3FFFFFFFFF, 37)
    assert not capabilities.knows("CAP_BPF")
    assert capabilities.knows("CAP_SYS_ADMIN")
    assert "CAP_BPF" not in capabilities.effective
    assert capabilities.has("CAP_BPF")
    assert not Capabilities(NET_ADMIN, 0, 0, 37).has("CAP_BPF")


def test_a_kernel_that_sets_bits_it_does_not_know() -> None:
    capabilities = Capabilities(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 36)
    assert "CAP_BPF" not in capabilities.effective
    assert len(capabilities.effective) == 37


@pytest.mark.parametrize("task", ["thread-self", "self"])
def test_from_files(tmp_path: Path, task: str) -> None:
    status = (
        "Name:\tcat\nCapInh:\t0000000000000000\nCapPrm:\t000000c000001000\nCapEff:\t0000008000001000\nCapBnd:\tff\n"
    )
    root = plant(tmp_path, {f"proc/{task}/status": status, "proc/sys/kernel/cap_last_cap": "40\n"})
    capabilities = host.read(root).capabilities
    assert capabilities.effective == {"CAP_BPF", "CAP_NET_ADMIN"}
    assert capabilities.permitted == {"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"}
    assert len(capabilities.bounding) == 8
    assert capabilities.last == 40


def test_garbage(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/self/status": "CapEff:\tzz\nCapPrm\n", "proc/sys/kernel/cap_last_cap": "many"})
    capabilities = host.read(root).capabilities
    assert (capabilities.effective, capabilities.last) == (frozenset(), None)


def test_the_system_call_says_the_same() -> None:
    def both() -> list[list[str]]:
        by_file = host.read().capabilities
        by_call = Capabilities.read(Files(), {}, True)
        return [
            sorted(found) for each in (by_file, by_call) for found in (each.effective, each.permitted, each.bounding)
        ]

    found = both()
    assert found[:3] == found[3:]


@pytest.mark.root
def test_the_system_call_says_the_same_as_nobody() -> None:
    def task() -> list[list[str]]:
        become_nobody()
        return [sorted(host.read().capabilities.effective), sorted(Capabilities.read(Files(), {}, True).effective)]

    assert in_child(task) == [[], []]


@pytest.mark.root
def test_a_thread_has_its_own() -> None:
    """capset(2) is for the calling thread: what another thread gave up must not be reported for this one."""

    def task() -> list[bool]:
        import ctypes
        import threading

        seen: list[bool] = []

        def drop() -> None:
            header = (ctypes.c_uint32 * 2)(0x20080522, 0)
            assert ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) == 0
            seen.append(machine.capabilities.has("CAP_SYS_ADMIN"))

        machine = host.read()
        seen.append(machine.capabilities.has("CAP_SYS_ADMIN"))
        thread = threading.Thread(target=drop)
        thread.start()
        thread.join()
        seen.append(machine.capabilities.has("CAP_SYS_ADMIN"))
        return seen

    assert in_child(task) == [True, False, True]
