"""Every relocation comes to what libbpf makes of it: bpftool's debug log says what it patched."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf import elf
from ebpf.btf import Btf, core
from tests import embedded
from tests.clang import compiled

pytestmark = pytest.mark.root

VMLINUX = Path("/sys/kernel/btf/vmlinux")
_PATCHED = re.compile(r"prog '(.+)': relo #\d+: patched insn #(\d+) \(.+\) \w+ (-?\d+) -> (-?\d+)$")
_POISONED = re.compile(r"prog '(.+)': relo #\d+: substituting insn #(\d+) w/ invalid insn")


@pytest.fixture(scope="module")
def vmlinux() -> Btf:
    if not VMLINUX.exists():
        pytest.skip("this kernel has no BTF")
    return Btf.open(VMLINUX)


def libbpf(path: Path) -> dict[tuple[str, int], int | None]:
    """What libbpf put into which instruction of which function; `None` for a poisoned one.

    It relocates every program before it loads the first: whether one is loaded does not matter. Nothing is pinned: the
    directory is not on a BPF file system.
    """
    if shutil.which("bpftool") is None:
        pytest.skip("no bpftool here")
    command = ["bpftool", "-n", "-d", "prog", "loadall", str(path), str(path.parent / "nowhere")]
    log = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False).stderr
    found: dict[tuple[str, int], int | None] = {}
    for line in log.splitlines():
        patched, poisoned = _PATCHED.search(line), _POISONED.search(line)
        if patched:
            found[patched[1], int(patched[2])] = int(patched[4])
        elif poisoned:
            found.setdefault((poisoned[1], int(poisoned[2])), None)
    return found


def ours(object_file: elf.ObjectFile, vmlinux: Btf) -> dict[tuple[str, int], int | None]:
    """The same by this library."""
    assert object_file.btf is not None
    found: dict[tuple[str, int], int | None] = {}
    for function in object_file.functions:
        if function.optional:  # libbpf does not relocate what it does not load
            continue
        for relocation in function.core_relocations:
            resolution = core.resolve(object_file.btf, relocation, [vmlinux])
            code = bytearray(function.insns)
            assert core.apply(code, resolution) == ""
            value = None if code[relocation.instruction * 8 :][:8] == POISONED else resolution.value
            found[function.name, relocation.instruction] = value
    return found


POISONED = b"\x85\0\0\0" + core.POISON.to_bytes(4, "little")


def same(path: Path, vmlinux: Btf) -> int:
    """How many relocations of a file agree; all must."""
    mine, theirs = ours(elf.read(path), vmlinux), libbpf(path)
    assert {key: value for key, value in mine.items() if key in theirs} == {
        key: value for key, value in theirs.items() if key in mine
    }, path.name
    return len(set(mine) & set(theirs))


def test_every_kind(vmlinux: Btf) -> None:
    assert same(compiled("core"), vmlinux) == 28


@pytest.mark.slow
@pytest.mark.network
def test_objects_of_libbpf_tools(vmlinux: Btf, tmp_path: Path) -> None:
    total = 0
    for name, data in embedded.others():
        if name.partition(".")[0] not in TOOLS:
            continue
        path = tmp_path / f"{name}.o"
        path.write_bytes(data)
        total += same(path, vmlinux)
    assert total > 100


TOOLS = {"execsnoop", "opensnoop", "tcplife", "tcpstates", "biosnoop", "runqlat", "klockstat", "fsslower", "ksnoop"}
"""Kprobes, tracepoints, raw tracepoints and fentry; few, for each is loaded into the kernel."""
