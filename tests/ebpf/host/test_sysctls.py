"""Sysctls: missing and unreadable kept apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.sysctls import NAMES
from tests.ebpf.host.trees import become_nobody, in_child, plant


def test_from_files(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "proc/sys/kernel/unprivileged_bpf_disabled": "2\n",
            "proc/sys/kernel/perf_event_paranoid": "-1\n",
            "proc/sys/kernel/kptr_restrict": "odd\n",
            "proc/sys/net/core/bpf_jit_limit": "528482304\n",
            "proc/sys/net/core/bpf_jit_harden": "",
        },
    )
    sysctls = host.read(root).sysctls
    assert sysctls.get("kernel.unprivileged_bpf_disabled") == sysctls["kernel.unprivileged_bpf_disabled"] == 2
    assert sysctls.get("kernel.perf_event_paranoid") == -1
    assert sysctls.get("kernel.kptr_restrict") == "odd"
    assert sysctls.get("net.core.bpf_jit_limit") == 528482304
    assert sysctls.get("net.core.bpf_jit_harden") is None
    assert sysctls.missing("kernel.unprivileged_userns_clone")
    assert not sysctls.unreadable("kernel.unprivileged_userns_clone")
    assert set(sysctls.as_dict()) == set(NAMES) - {
        "kernel.bpf_stats_enabled",
        "kernel.unprivileged_userns_clone",
        "net.core.bpf_jit_enable",
        "net.core.bpf_jit_kallsyms",
        "user.max_user_namespaces",
    }


def test_a_change_is_seen(tmp_path: Path) -> None:
    root = plant(tmp_path, {"proc/sys/kernel/unprivileged_bpf_disabled": "0"})
    machine = host.read(root)
    assert machine.sysctls.get("kernel.unprivileged_bpf_disabled") == 0
    plant(tmp_path, {"proc/sys/kernel/unprivileged_bpf_disabled": "1"})
    assert machine.sysctls.get("kernel.unprivileged_bpf_disabled") == 1


@pytest.mark.root
def test_as_nobody() -> None:
    name = "net.core.bpf_jit_harden"
    if not os.path.exists("/proc/sys/" + name.replace(".", "/")):
        pytest.skip("this kernel has no JIT")

    def task() -> list[object]:
        become_nobody()
        sysctls = host.read().sysctls
        return [sysctls.get(name), sysctls.unreadable(name), sysctls.missing(name), sysctls.missing("kernel.no_such")]

    assert in_child(task) == [None, True, False, True]
    sysctls = host.read().sysctls
    assert isinstance(sysctls.get(name), int)
    assert not sysctls.unreadable(name)
