"""Lockdown: from securityfs, and from what certainly decides without it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from ebpf import host
from tests.ebpf.host.trees import in_child, plant

RELEASE = {"proc/sys/kernel/osrelease": "6.1.0"}
BUILT = "CONFIG_BPF=y\nCONFIG_SECURITY_LOCKDOWN_LSM=y\n"
LEVEL = "sys/kernel/security/lockdown"
MODULES = "sys/kernel/security/lsm"
CLONE_NEWNS, MS_PRIVATE_REC = 0x00020000, 1 << 18 | 1 << 14


@pytest.mark.parametrize(
    ("files", "level", "source"),
    [
        ({LEVEL: "[none] integrity confidentiality\n"}, "none", "security/lockdown"),
        ({LEVEL: "none [integrity] confidentiality\n"}, "integrity", "security/lockdown"),
        ({LEVEL: "none integrity [confidentiality]\n"}, "confidentiality", "security/lockdown"),
        ({LEVEL: "[strange]"}, None, "security/lockdown"),
        ({LEVEL: ""}, None, "security/lockdown"),
        ({MODULES: "capability,yama"}, None, "shows no lockdown"),
        ({}, None, "not mounted"),
        ({"proc/cmdline": "quiet lockdown=integrity"}, None, "not mounted"),
        ({"proc/cmdline": "lockdown=integrity quiet", "boot/config-6.1.0": BUILT}, "integrity", "cmdline"),
        ({"proc/cmdline": "lockdown=confidentiality", "boot/config-6.1.0": BUILT}, "confidentiality", "cmdline"),
        ({"proc/cmdline": "lockdown=none", "boot/config-6.1.0": BUILT}, None, "not mounted"),
        (
            {"boot/config-6.1.0": BUILT + "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y\n"},
            "integrity",
            "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
        ),
        (
            {LEVEL: "none integrity [confidentiality]\n", "boot/config-6.1.0": BUILT, "proc/cmdline": "lockdown=none"},
            "confidentiality",
            "security/lockdown",
        ),
    ],
)
def test_levels(tmp_path: Path, files: dict[str, str], level: str | None, source: str) -> None:
    machine = host.read(plant(tmp_path, {**RELEASE, **files}))
    assert machine.lockdown == level
    assert source in machine.lockdown_source


@pytest.mark.root
def test_what_is_inferred_is_what_securityfs_says() -> None:
    """Mount securityfs for a child alone, and compare."""

    def task() -> list[object] | str:
        machine = host.read()
        before = machine.lockdown
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_PRIVATE_REC, None) != 0:
            return os.strerror(ctypes.get_errno())
        if libc.mount(b"securityfs", b"/sys/kernel/security", b"securityfs", 0, None) != 0:
            return os.strerror(ctypes.get_errno())
        fresh = host.read()
        return [before, fresh.lockdown, fresh.lsm, fresh.mounts.securityfs]

    found = in_child(task)
    if isinstance(found, str):
        pytest.skip(f"securityfs cannot be mounted here: {found}")
    before, level, modules, mount = found
    if before is not None:
        assert before == level
    assert mount == "/sys/kernel/security"
    assert modules is None or "capability" in modules
