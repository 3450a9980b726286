"""The list of security modules."""

from __future__ import annotations

from pathlib import Path

from ebpf import host
from tests.ebpf.host.trees import plant


def test_from_files(tmp_path: Path) -> None:
    root = plant(tmp_path, {"sys/kernel/security/lsm": "lockdown,capability,landlock,yama,apparmor,bpf"})
    assert host.read(root).lsm == ["lockdown", "capability", "landlock", "yama", "apparmor", "bpf"]
    plant(tmp_path, {"sys/kernel/security/lsm": ""})
    assert host.read(root).lsm is None
    assert host.read(str(tmp_path / "nowhere")).lsm is None
