"""Which implementation is in use, and that both pass the same tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ebpf import syscall
from tests import twin

ROOT = twin.ROOT
# What runs on the C twin's functions.
SHARED = (
    "tests/ebpf/btf",
    "tests/ebpf/core/test_owner.py",
    "tests/ebpf/probe/test_helpers.py",
    "tests/ebpf/probe/test_load.py",
    "tests/ebpf/v1/test_map.py",
    "tests/ebpf/v2/test_array.py",
    "tests/ebpf/v2/test_every_type.py",
    "tests/ebpf/v2/test_keyed.py",
    "tests/ebpf/v2/test_life_cycle.py",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with an extension in it, whether or not it was built in place."""
    path = tmp_path_factory.mktemp("tree")
    for entry in ROOT.iterdir():
        if entry.name not in ("ebpf", ".git", "build", ".tox"):
            (path / entry.name).symlink_to(entry)
    (path / "ebpf").mkdir()
    for entry in (ROOT / "ebpf").iterdir():
        if not entry.name.startswith(("_twin.cpython", "__pycache__")):
            (path / "ebpf" / entry.name).symlink_to(entry)
    shutil.copy(twin.built(), path / "ebpf")
    return path


def run(tree: Path, *arguments: str, chosen: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != "EBPF_SYSCALL"}
    environment["PYTHONPATH"] = str(tree)
    if chosen is not None:
        environment["EBPF_SYSCALL"] = chosen
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)


def implementation(tree: Path, chosen: str | None) -> str:
    # -S: an editable installation would bring the checkout's own extension.
    code = "import ebpf.syscall as it; print(it.implementation, it.attempt.__name__)"
    done = run(tree, "-S", "-c", code, chosen=chosen)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_it_is_said_which_one_is_in_use(tree: Path) -> None:
    assert implementation(tree, None) == "c attempt"
    assert implementation(tree, "c") == "c attempt"
    assert implementation(tree, "ctypes") == "ctypes _attempt"
    assert "EBPF_SYSCALL is 'rust'" in implementation(tree, "rust")
    assert syscall.implementation in ("c", "ctypes")


def test_without_the_extension(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tree, bare, symlinks=True)
    for path in (bare / "ebpf").glob("_twin*.so"):
        path.unlink()
    assert implementation(bare, None) == implementation(bare, "ctypes") == "ctypes _attempt"
    assert "_twin" in implementation(bare, "c")


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("chosen", ["c", "ctypes"])
def test_both_pass_the_same_tests(tree: Path, chosen: str) -> None:
    """The implementation that this run uses has them behind it; here is the other."""
    if chosen == syscall.implementation:
        pytest.skip(f"these tests run over {chosen} already")
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60", *SHARED, chosen=chosen)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_wheel_is_built_installed_and_works_without_a_compiler(tmp_path: Path) -> None:
    source, wheels = tmp_path / "source", tmp_path / "wheels"
    unwanted = shutil.ignore_patterns("__pycache__", "*.so", "build", "*.egg-info")
    for name in ("ebpf", "featuredb"):
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    environment = {**os.environ, "CC": "/bin/false"}
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), str(source)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    assert not [name for name in names if name.endswith((".so", ".c", ".h"))]
    assert implementation(tmp_path / "installed", None) == "ctypes _attempt"
