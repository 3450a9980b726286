"""Objects compiled from the sources in tests/objects with the machine's clang, each once.

They are kept in ``EBPF_TEST_CACHE`` (``~/.cache/ebpf-tests``), named after what they were made from: the guests of the
matrix, where a compiler takes its time, find those of the host.
"""

from __future__ import annotations

import functools
import hashlib
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
    source = SOURCES / f"{name}.bpf.c"
    digest = hashlib.sha256(source.read_bytes() + repr((target, options, platform.machine())).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("EBPF_TEST_CACHE") or Path.home() / ".cache" / "ebpf-tests") / "objects"
    made = cache / digest / f"{name}.bpf.o"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        _compile(source, made, target, options)
    return made


def _compile(source: Path, made: Path, target: str, options: tuple[str, ...]) -> None:
    problem = _missing()
    if problem:
        if os.environ.get("EBPF_TESTS_REQUIRE_NETWORK") == "1":
            pytest.fail(problem)
        pytest.skip(problem)
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    with tempfile.TemporaryDirectory(dir=made.parent) as temporary:
        output = Path(temporary) / made.name
        command = [
            "clang",
            "-g",
            "-O2",
            "-target",
            target,
            f"-I{include}",
            *options,
            "-c",
            source.name,
            "-o",
            str(output),
        ]
        done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        output.replace(made)


def _missing() -> str:
    if shutil.which("clang") is None:
        return "no clang on this machine"
    if not Path("/usr/include/bpf/bpf_helpers.h").exists():
        return "no libbpf-dev on this machine"
    return ""
