"""Objects compiled from the sources in tests/objects with the machine's clang, each once a session."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

__all__ = ["SOURCES", "compiled"]

SOURCES = Path(__file__).parent / "objects"


@functools.cache
def compiled(name: str, target: str = "bpf", *options: str) -> Path:
    """The object file of ``tests/objects/NAME.bpf.c``; skips where there is no clang, or no libbpf-dev.

    Parameters:
        target: ``"bpf"``, ``"bpfeb"`` for the big-endian one.
        options: more options of clang.
    """
    problem = _missing()
    if problem:
        if os.environ.get("EBPF_TESTS_REQUIRE_NETWORK") == "1":
            pytest.fail(problem)
        pytest.skip(problem)
    source = SOURCES / f"{name}.bpf.c"
    made = Path(_directory()) / f"{name}.{target}.{len(options)}{abs(hash(options))}.bpf.o"
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    command = ["clang", "-g", "-O2", "-target", target, f"-I{include}", *options, "-c", str(source), "-o", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return made


@functools.cache
def _directory() -> str:
    directory = tempfile.TemporaryDirectory(prefix="ebpf-objects-")
    _kept.append(directory)
    return directory.name


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the interpreter ends


def _missing() -> str:
    if shutil.which("clang") is None:
        return "no clang on this machine"
    if not Path("/usr/include/bpf/bpf_helpers.h").exists():
        return "no libbpf-dev on this machine"
    return ""
