"""<linux/bpf.h> of several kernel releases, out of Debian's linux-libc-dev packages.

The mirror is the one that apt is configured with; other suites than the configured one are read from the same mirror.
Downloads are checked against the index's SHA-256 and kept in ``EBPF_TEST_CACHE`` (``~/.cache/ebpf-tests``).
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

PACKAGE = "linux-libc-dev"
CONFIGURED = "configured"
# The oldest suite the mirrors still carry to the newest, so that every form the header has had since 5.10 is read.
SUITES = (CONFIGURED, "bullseye", "trixie", "trixie-backports", "sid")


class Unobtainable(Exception):
    """The header cannot be had here; the message says why."""


def header(suite: str) -> tuple[Path, str]:
    """The header of a suite's newest linux-libc-dev and its release ("6.1.176"); skips the test if it cannot be had."""
    try:
        return obtain(suite)
    except (Unobtainable, OSError, subprocess.SubprocessError) as error:
        reason = f"linux-libc-dev of {suite}: {error}"
        if os.environ.get("EBPF_TESTS_REQUIRE_NETWORK") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def obtain(suite: str) -> tuple[Path, str]:
    """As `header`, raising what went wrong."""
    directory = Path(os.environ.get("EBPF_TEST_CACHE") or Path.home() / ".cache" / "ebpf-tests") / "headers" / suite
    cached = sorted(directory.glob("*.h"), key=lambda path: _numbers(path.stem))
    if cached:
        return cached[-1], cached[-1].stem
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"no {tool} on this machine")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        package = _configured(temporary) if suite == CONFIGURED else _from_mirror(suite, temporary)
        version = package.name.split("_")[1].replace("%3a", ":")
        release = re.match(r"\d+\.\d+(\.\d+)?", version)
        if release is None:
            raise Unobtainable(f"{package.name} has no kernel release in its name")
        target = directory / f"{release.group()}.h"
        unpacked = Path(temporary) / "bpf.h"
        unpacked.write_bytes(_member(package, "./usr/include/linux/bpf.h"))
        unpacked.replace(target)
    return target, release.group()


def _configured(directory: str) -> Path:
    done = subprocess.run(["apt-get", "download", PACKAGE], cwd=directory, capture_output=True, text=True, timeout=300)
    found = list(Path(directory).glob("*.deb"))
    if done.returncode or not found:
        raise Unobtainable((done.stderr or done.stdout).strip().splitlines()[-1])
    return found[0]


def _from_mirror(suite: str, directory: str) -> Path:
    mirror = _mirror()
    index = lzma.decompress(_get(f"{mirror}/dists/{suite}/main/binary-amd64/Packages.xz")).decode()
    entries = [_fields(entry) for entry in index.split("\n\n") if entry.startswith(f"Package: {PACKAGE}\n")]
    if not entries:
        raise Unobtainable(f"{suite} has no {PACKAGE}")
    newest = max(entries, key=lambda entry: _numbers(entry["Version"]))
    content = _get(f"{mirror}/{newest['Filename']}")
    if hashlib.sha256(content).hexdigest() != newest["SHA256"]:
        raise Unobtainable(f"{newest['Filename']} is not what the index says it is")
    package = Path(directory) / newest["Filename"].rpartition("/")[2]
    package.write_bytes(content)
    return package


def _mirror() -> str:
    """The base of the mirror whose main component apt reads first."""
    command = ["apt-get", "indextargets", "--format", "$(COMPONENT) $(URI)", "Created-By: Packages"]
    for line in subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines():
        component, _, uri = line.partition(" ")
        base, separator, suite = uri.partition("/dists/")
        if component == "main" and separator and "security" not in base + suite and base.startswith("http"):
            return base
    raise Unobtainable("apt is configured with no mirror reached over HTTP")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:
        content: bytes = answer.read()
    return content


def _fields(entry: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line and not line.startswith(" "))


def _member(package: Path, name: str) -> bytes:
    unpack = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True, timeout=120, check=True)
    read = ["tar", "-x", "--to-stdout", "-f", "-", name]
    return subprocess.run(read, input=unpack.stdout, capture_output=True, timeout=120, check=True).stdout


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
