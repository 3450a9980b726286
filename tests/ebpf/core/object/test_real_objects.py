"""Objects that others compiled: what happens to them is what bpftool makes of the same file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf import v2
from ebpf.errors import ObjectLoadError
from tests import debian, embedded
from tests.bpffs import bpffs

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.slow]

# Tracepoints, raw tracepoints, kprobes, fentry, XDP, extensions of its dispatcher; few, for each is loaded twice.
NAMES = {"execsnoop", "opensnoop", "tcplife", "biosnoop", "runqlat", "fsslower", "xdp-filter", "xdp-monitor"}


def loads(data: bytes, name: str) -> bool:
    with v2.Object.open(data, name=name) as opened:
        try:
            opened.load()
        except ObjectLoadError:
            return False
        return opened.loaded


def bpftool_loads(bpftool: str, path: Path) -> bool:
    with bpffs() as directory:
        command = [bpftool, "prog", "loadall", str(path), str(directory / "pinned")]
        return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0


def test_as_bpftool_does(tmp_path: Path) -> None:
    bpftool = shutil.which("bpftool") or str(debian.bpftool())
    outcomes: dict[str, tuple[bool, bool]] = {}
    for name, data in embedded.others():
        if name.partition(".")[0] in NAMES:
            path = tmp_path / f"{name}.o"
            path.write_bytes(data)
            outcomes[name] = loads(data, name), bpftool_loads(bpftool, path)
    assert len(outcomes) > 10
    assert {name: ours for name, (ours, _) in outcomes.items()} == {
        name: theirs for name, (_, theirs) in outcomes.items()
    }


def test_maps_in_sections_of_their_own() -> None:
    """libbpf 1.0 and later, and so bpftool, do not read ``SEC("maps/NAME")``; opensnitch loads these with gobpf."""
    for path in embedded.opensnitch():
        with v2.Object.open(path) as opened:
            opened.load()
            assert opened.maps
            assert all(program.loaded for program in opened.programs.values())
