"""The C twin for the tests: the one that was built with the package, or one that is built for them."""

from __future__ import annotations

import atexit
import functools
import glob
import importlib.util
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "ebpf" / "twin"


def extension() -> Any:
    """The module ``ebpf._twin``, also where EBPF_SYSCALL keeps it away; skips the test where it cannot be built."""
    try:
        from ebpf import _twin
    except ImportError:
        return _load(built())
    return _twin


@functools.lru_cache(maxsize=1)
def built() -> str:
    """The path of an extension built from the sources; skips the test, saying why, where that cannot be."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    headers = sysconfig.get_paths()["include"]
    if compiler is None:
        pytest.skip("the C twin cannot be built: there is no C compiler")
    if not os.path.exists(f"{headers}/Python.h"):
        pytest.skip(f"the C twin cannot be built: {headers}/Python.h, this Python's headers, is missing")
    directory = tempfile.mkdtemp(prefix="ebpf-twin-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = f"{directory}/_twin{sysconfig.get_config_var('EXT_SUFFIX')}"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-I{headers}", "-o", path]
    done = subprocess.run([*command, *sorted(glob.glob(f"{SOURCES}/*.c"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


@functools.lru_cache(maxsize=1)
def _load(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("ebpf._twin", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
