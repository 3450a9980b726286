"""Where the kernel's type information is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.btf import candidates, find
from ebpf.host.files import Files
from tests.ebpf.host.trees import plant

RELEASE = "5.10.0-30-amd64"
RAW = b"\x9f\xeb\x01\x00" + b"\0" * 20
ELF = b"\x7fELF\x02\x01\x01"


@pytest.mark.parametrize("place", candidates(RELEASE))
def test_every_place(tmp_path: Path, place: str) -> None:
    root = plant(tmp_path, {place: RAW if "/sys/" in place else ELF})
    assert find(Files(root), RELEASE) == (root + place, "readable")


def test_order(tmp_path: Path) -> None:
    places = candidates(RELEASE)
    root = plant(tmp_path, dict.fromkeys(places, RAW))
    for place in places:
        assert find(Files(root), RELEASE) == (root + place, "readable")
        (tmp_path / place.lstrip("/")).unlink()
    assert find(Files(root), RELEASE) == (None, "missing")


@pytest.mark.parametrize("data", [b"", b"\x9f", b"hello", b"\x1f\x8b\x08"])
def test_what_is_no_btf_is_unreadable(tmp_path: Path, data: bytes) -> None:
    root = plant(tmp_path, {f"boot/vmlinux-{RELEASE}": data})
    assert find(Files(root), RELEASE) == (f"{root}/boot/vmlinux-{RELEASE}", "unreadable")


def test_either_byte_order(tmp_path: Path) -> None:
    root = plant(tmp_path, {"sys/kernel/btf/vmlinux": b"\xeb\x9f\x01\x00"})
    assert find(Files(root), RELEASE)[1] == "readable"


def test_this_machine() -> None:
    machine = host.read()
    if os.path.exists("/sys/kernel/btf/vmlinux"):
        assert (machine.btf, machine.btf_status) == ("/sys/kernel/btf/vmlinux", "readable")
