"""Configurations: found, read, unreadable and missing kept apart."""

from __future__ import annotations

import gzip
import lzma
import os
import time
from pathlib import Path

import pytest

from ebpf import host
from ebpf.host.files import Files
from ebpf.host.kconfig import KConfig, candidates
from tests.ebpf.host.trees import become_nobody, in_child, plant

RELEASE = "6.1.0-37-amd64"
TEXT = """#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.140 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14) \\"12.2.0\\""
CONFIG_BPF=y
CONFIG_BPF_SYSCALL=y
# CONFIG_BPF_PRELOAD is not set
CONFIG_NET_CLS_BPF=m
CONFIG_HZ=250
CONFIG_NODES_SHIFT=0xa
CONFIG_LSM=""
# CONFIG_TRICK=y
"""


def check(config: KConfig) -> None:
    assert config.status == "read", config.reason
    assert config.get("CONFIG_BPF") == "y"
    assert config.get("BPF_SYSCALL") == "y"
    assert config.get("CONFIG_NET_CLS_BPF") == "m"
    assert config.get("CONFIG_BPF_PRELOAD") == "n"
    assert config.get("CONFIG_NOT_HEARD_OF") == "n"
    assert config.get("CONFIG_TRICK") == "n"
    assert config.get("CONFIG_BP") == "n"
    assert config.get("CONFIG_HZ") == "250"
    assert config.get("CONFIG_NODES_SHIFT") == "0xa"
    assert config.get("CONFIG_LSM") == ""
    assert config.get("CONFIG_CC_VERSION_TEXT") == 'gcc-12 (Debian 12.2.0-14) "12.2.0"'


@pytest.mark.parametrize("place", candidates(RELEASE))
def test_every_place(tmp_path: Path, place: str) -> None:
    data = gzip.compress(TEXT.encode()) if place.endswith(".gz") else TEXT.encode()
    config = KConfig.find(Files(plant(tmp_path, {place: data})), RELEASE)
    check(config)
    assert config.path == str(tmp_path) + place


@pytest.mark.parametrize("packed", [TEXT.encode(), gzip.compress(TEXT.encode()), lzma.compress(TEXT.encode())])
def test_a_file(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(packed)
    check(KConfig.from_file(str(path)))


def test_first_and_last_line(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"CONFIG_FIRST=y\r\nCONFIG_LAST=m")
    config = KConfig.from_file(str(path))
    assert (config.get("FIRST"), config.get("LAST")) == ("y", "m")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (gzip.compress(TEXT.encode())[:-30], "truncated gzip"),
        (gzip.compress(TEXT.encode())[:-1], "truncated gzip"),
        (gzip.compress(TEXT.encode())[:5], "truncated gzip"),
        (b"\x1f\x8b" + b"\xff" * 50, "broken gzip"),
        (gzip.compress(TEXT.encode())[:-8] + b"\0" * 8, "broken gzip"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"hello"), "not a kernel configuration"),
        (lzma.compress(TEXT.encode())[:-20], "truncated xz"),
        (b"\xfd7zXZ\0" + b"\xff" * 50, "broken xz"),
        (bytes(range(256)) * 4, "binary data"),
        (b"CONFIG_BPF=y\n\0\0\0", "binary data"),
        (b"<html>404 not found</html>", "not a kernel configuration"),
    ],
)
def test_what_makes_no_sense_is_unreadable(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(data)
    config = KConfig.from_file(str(path))
    assert config.status == "unreadable"
    assert config.path == str(path)
    assert reason in config.reason
    assert config.get("CONFIG_BPF") is None


def test_missing(tmp_path: Path) -> None:
    config = KConfig.find(Files(str(tmp_path)), RELEASE)
    assert (config.status, config.path) == ("missing", None)
    assert config.get("CONFIG_BPF") is None
    assert KConfig.from_file(str(tmp_path / "nowhere")).status == "missing"
    assert KConfig.from_file(str(tmp_path)).status == "unreadable"


def test_a_broken_one_gives_way_to_a_good_one(tmp_path: Path) -> None:
    root = plant(tmp_path, {"/proc/config.gz": b"\x1f\x8bbroken", f"/boot/config-{RELEASE}": TEXT})
    check(KConfig.find(Files(root), RELEASE))


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config")
    assert KConfig.from_file(str(tmp_path / "config")).status == "unreadable"


@pytest.mark.root
def test_permission_denied(tmp_path: Path) -> None:
    root = plant(tmp_path, {f"/boot/config-{RELEASE}": TEXT})
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.getuid() and str(directory) not in ("/", "/tmp"):
            directory.chmod(0o755)
    (tmp_path / "boot" / f"config-{RELEASE}").chmod(0o600)

    def task() -> list[object]:
        become_nobody()
        config = KConfig.find(Files(root), RELEASE)
        return [config.status, config.path, config.reason, config.get("CONFIG_BPF")]

    status, path, reason, value = in_child(task)
    assert status == "unreadable"
    assert path == f"{root}/boot/config-{RELEASE}"
    assert "Permission denied" in reason
    assert value is None


def test_this_machine_agrees_with_a_full_parse() -> None:
    if not os.path.exists("/proc/config.gz"):
        pytest.skip("this kernel shows no /proc/config.gz")
    config = host.read().kconfig
    assert config.path == "/proc/config.gz"
    with gzip.open("/proc/config.gz", "rt") as stream:
        lines = stream.read().splitlines()
    for line in lines:
        if line.startswith("CONFIG_"):
            name, _, value = line.partition("=")
            assert config.get(name) == value.strip('"').replace('\\"', '"'), line
        elif line.endswith(" is not set"):
            assert config.get(line.split()[1]) == "n"


def test_this_machine_in_no_time() -> None:
    if not os.path.exists("/proc/config.gz"):
        pytest.skip("this kernel shows no /proc/config.gz")
    # Generous: about 3 ms when measured; a full parse takes several times that.
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        host.read().kconfig.get("CONFIG_BPF_SYSCALL")
        best = min(best, time.perf_counter() - start)
    assert best < 0.05
