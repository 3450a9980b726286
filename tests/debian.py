"""Packages of several Debian suites, from the mirror that apt is configured with.

Downloads are checked against the index's SHA-256 and kept, unpacked, in ``EBPF_TEST_CACHE`` (``~/.cache/ebpf-tests``).
A test that cannot have its package is skipped with the reason; with ``EBPF_TESTS_REQUIRE_NETWORK=1`` it fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from vagrant.errors import MatrixError
from vagrant.mirror import configured

__all__ = ["CONFIGURED", "bpftool", "package", "release"]

CONFIGURED = "configured"
"""The suite that this machine's apt is configured with."""


class Unobtainable(Exception):
    """The package cannot be had here; the message says why."""


def bpftool() -> Path:
    """A bpftool that knows the verifier's wordings of 6.9 and later: 7.5, or what ``EBPF_BPFTOOL`` names."""
    named = os.environ.get("EBPF_BPFTOOL")
    program = Path(named) if named else package("bpftool", "bookworm-backports") / "usr/sbin/bpftool"
    done = subprocess.run([str(program), "version"], capture_output=True, text=True, timeout=60)
    if done.returncode:
        # Unpacked, not installed: the libraries are this machine's. A bare Debian has no libelf.
        _give_up(done.stderr.strip() or f"{program} does not run here")
    return program


def package(name: str, suite: str) -> Path:
    """The directory into which a suite's newest package is unpacked; it is named after the package's version."""
    try:
        return _obtain(name, suite)
    except (Unobtainable, MatrixError, OSError, subprocess.SubprocessError) as error:
        _give_up(f"{name} of {suite}: {error}")


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("EBPF_TESTS_REQUIRE_NETWORK") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def release(unpacked: Path) -> str:
    """The kernel release in the version of a package of the kernel's: ``"6.1.176"``."""
    found = re.match(r"\d+\.\d+(\.\d+)?", unpacked.name)
    assert found is not None, f"{unpacked.name} is no version of a kernel package"
    return found.group()


def _obtain(name: str, suite: str) -> Path:
    cache = Path(os.environ.get("EBPF_TEST_CACHE") or Path.home() / ".cache" / "ebpf-tests")
    directory = cache / name / suite
    kept = sorted(directory.glob("[0-9]*"), key=lambda path: _numbers(path.name))
    if kept:
        return kept[-1]
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"no {tool} on this machine")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix="tmp") as temporary:
        archive = _configured(name, temporary) if suite == CONFIGURED else _from_mirror(name, suite, temporary)
        version = archive.name.split("_")[1].replace("%3a", ":").rpartition(":")[2]
        unpacked = Path(temporary) / "unpacked"
        subprocess.run(["dpkg-deb", "-x", str(archive), str(unpacked)], capture_output=True, timeout=300, check=True)
        target = directory / version
        unpacked.replace(target)
    return target


def _configured(name: str, directory: str) -> Path:
    done = subprocess.run(["apt-get", "download", name], cwd=directory, capture_output=True, text=True, timeout=300)
    found = list(Path(directory).glob("*.deb"))
    if done.returncode or not found:
        raise Unobtainable((done.stderr or done.stdout).strip().splitlines()[-1])
    return found[0]


def _from_mirror(name: str, suite: str, directory: str) -> Path:
    mirror = configured()
    package = mirror.find((suite,), name, {})
    archive = Path(directory) / f"{name}_{package.version}_amd64.deb"
    mirror.download(package, archive, lambda _done, _size: None)
    return archive


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
