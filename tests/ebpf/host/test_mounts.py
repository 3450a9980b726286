"""Mounts out of mountinfo."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.mounts import parse
from tests.ebpf.host.trees import in_child, plant

TEXT = """22 27 0:21 / /proc rw,relatime - proc proc rw
23 27 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw
30 23 0:7 / /sys/kernel/security rw,nosuid shared:8 master:1 - securityfs securityfs rw
31 23 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:9 - cgroup2 cgroup2 rw,nsdelegate
32 23 0:29 / /sys/fs/bpf rw,nosuid,nodev,noexec,relatime shared:11 - bpf bpf rw,mode=700
33 23 0:12 / /sys/kernel/tracing rw shared:13 - tracefs tracefs rw
34 23 0:8 / /sys/kernel/debug rw - debugfs debugfs rw
35 34 0:12 / /sys/kernel/debug/tracing rw - tracefs tracefs rw
36 27 0:40 /sub\\040dir /mnt/a\\040b\\011c\\134d\\012e rw - bpf bpf rw
37 27 0:41 / /mnt/odd rw - fuse.bpf x - y rw
"""


def test_the_first_of_each(tmp_path: Path) -> None:
    mounts = host.read(plant(tmp_path, {"proc/self/mountinfo": TEXT})).mounts
    assert mounts.bpffs == "/sys/fs/bpf"
    assert mounts.tracefs == "/sys/kernel/tracing"
    assert mounts.debugfs == "/sys/kernel/debug"
    assert mounts.cgroup2 == "/sys/fs/cgroup"
    assert mounts.securityfs == "/sys/kernel/security"
    assert mounts.first("nfs") is None
    assert [mount.path for mount in mounts.all("tracefs")] == ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]


def test_escapes() -> None:
    mount = next(mount for mount in parse(TEXT) if mount.path.startswith("/mnt/a"))
    assert mount.path == "/mnt/a b\tc\\d\ne"
    assert mount.root == "/sub dir"
    assert mount.options == ("rw",)


@pytest.mark.parametrize("text", ["", "\n", "garbage", "1 2 3 / /x", " - ", "1 2 3 / /x rw - ", "\\" * 20 + " - bpf"])
def test_garbage(text: str) -> None:
    assert parse(text) == ()


def test_no_proc(tmp_path: Path) -> None:
    assert host.read(str(tmp_path)).mounts.bpffs is None


@pytest.mark.root
def test_a_real_mount(tmp_path: Path) -> None:
    target = tmp_path / "pins and\tneedles"
    target.mkdir()

    def task() -> list[str] | str:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x00020000) != 0 or libc.mount(b"none", b"/", None, 1 << 18 | 1 << 14, None) != 0:
            return os.strerror(ctypes.get_errno())
        machine = host.read()
        machine.mounts.all("bpf")
        if libc.mount(b"bpf", str(target).encode(), b"bpf", 0, None) != 0:
            return os.strerror(ctypes.get_errno())
        return [mount.path for mount in machine.mounts.all("bpf")]

    found = in_child(task)
    if isinstance(found, str):
        pytest.skip(f"bpffs cannot be mounted here: {found}")
    assert str(target) in found
