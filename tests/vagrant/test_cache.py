from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.vagrant.mirror import TestMirror
from vagrant import layout
from vagrant.cache import Cache, default
from vagrant.errors import BadDownload, MatrixError, NotObtainable
from vagrant.mirror import Mirror
from vagrant.tools import path_with_sbin

pytestmark = pytest.mark.skipif(
    shutil.which("depmod", path=path_with_sbin()) is None, reason="no depmod on this machine: apt-get install kmod"
)

PATTERN = "linux-image-5.10.*-cloud-amd64"


def fetch(cache: Cache, debian: TestMirror, refresh: bool = False, said: list[str] | None = None) -> Path:
    say = (said if said is not None else []).append
    return cache.entry("5.10", ("old",), (PATTERN,), {}, lambda: Mirror(debian.url), say, refresh)


def left(cache: Cache) -> list[str]:
    return sorted(path.name for path in cache.directory.iterdir())


def test_fetched_once(debian: TestMirror, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    tree = fetch(cache, debian)
    assert layout.of_package(tree).release == "5.10.10-cloud-amd64"
    asked = len(debian.requests)
    assert fetch(cache, debian) == tree
    assert len(debian.requests) == asked
    assert left(cache) == ["5.10", "5.10.lock"]


def test_refreshed_only_when_there_is_a_newer_one(debian: TestMirror, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    fetch(cache, debian)
    pool = len([path for path in debian.requests if path.startswith("/pool")])
    fetch(cache, debian, refresh=True)
    assert len([path for path in debian.requests if path.startswith("/pool")]) == pool
    from vagrant import mirror

    mirror.forget()
    debian.add("old", "linux-image-5.10.11-cloud-amd64", "5.10.11-1", {"boot/vmlinuz-5.10.11-cloud-amd64": b"new"})
    record = json.loads((fetch(cache, debian, refresh=True) / "matrix.json").read_text())
    assert [package["version"] for package in record["packages"]] == ["5.10.11-1"]
    assert left(cache) == ["5.10", "5.10.lock"]


@pytest.mark.parametrize("how", ["broken", "truncated"])
def test_a_broken_download_leaves_nothing(debian: TestMirror, tmp_path: Path, how: str) -> None:
    cache = Cache(tmp_path / "cache")
    getattr(debian, how).add("/pool/linux-image-5.10.10-cloud-amd64_5.10.10-1_amd64.deb")
    with pytest.raises(BadDownload):
        fetch(cache, debian)
    assert left(cache) == ["5.10.lock"]
    assert not cache.has("5.10")
    getattr(debian, how).clear()
    fetch(cache, debian)
    assert cache.has("5.10")


def test_a_broken_refresh_keeps_what_was_there(debian: TestMirror, tmp_path: Path) -> None:
    from vagrant import mirror

    cache = Cache(tmp_path / "cache")
    fetch(cache, debian)
    mirror.forget()
    debian.add("old", "linux-image-5.10.11-cloud-amd64", "5.10.11-1", {"boot/vmlinuz-5.10.11-cloud-amd64": b"new"})
    debian.broken.add("/pool/linux-image-5.10.11-cloud-amd64_5.10.11-1_amd64.deb")
    with pytest.raises(BadDownload):
        fetch(cache, debian, refresh=True)
    assert layout.of_package(cache.directory / "5.10").release == "5.10.10-cloud-amd64"


def test_other_parts_must_be_of_the_same_version(debian: TestMirror, tmp_path: Path) -> None:
    debian.add("old", "linux-modules-5.10.9-cloud-amd64", "5.10.9-1", {"a": b""})
    patterns = (PATTERN, "linux-modules-5.10.*")
    with pytest.raises(NotObtainable, match=r"has no linux-modules-5\.10\.\* 5\.10\.10-1"):
        Cache(tmp_path).entry("5.10", ("old",), patterns, {}, lambda: Mirror(debian.url), lambda _: None)


def test_modules_are_decompressed(debian: TestMirror, tmp_path: Path) -> None:
    files = {"lib/modules/1/extra/a.ko.xz": lzma.compress(b"\x7fELF")}
    debian.add("old", "linux-modules-1", "1", files)
    tree = Cache(tmp_path / "c").entry(
        "1", ("old",), ("linux-modules-1",), {}, lambda: Mirror(debian.url), lambda _: None
    )
    assert (tree / "lib/modules/1/extra/a.ko").read_bytes() == b"\x7fELF"
    assert not list(tree.glob("**/*.xz"))


def test_what_a_killed_run_left_is_swept_up(debian: TestMirror, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    (cache.directory / "5.10.tmp-x").mkdir(parents=True)
    fetch(cache, debian)
    assert left(cache) == ["5.10", "5.10.lock"]


def test_two_at_once_fetch_it_once(debian: TestMirror, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    threads = [threading.Thread(target=fetch, args=(cache, debian)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([path for path in debian.requests if path.startswith("/pool")]) == 1


@pytest.mark.root
def test_a_full_disk_is_said_and_leaves_nothing(debian: TestMirror, tmp_path: Path) -> None:
    debian.add("old", "linux-image-5.10.99-cloud-amd64", "5.10.99-1", {"boot/vmlinuz": b"x" * 300_000})
    small = tmp_path / "small"
    small.mkdir()
    # In a mount namespace of its own, so that nothing is left mounted however it ends.
    script = f"""
import subprocess
from pathlib import Path
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "small", {str(small)!r}], check=True)
from vagrant.cache import Cache
from vagrant.errors import MatrixError
from vagrant.mirror import Mirror
mirror = Mirror({debian.url!r})
try:
    Cache(Path({str(small)!r})).entry("5.10", ("old",), ({PATTERN!r},), {{}}, lambda: mirror, lambda _: None)
except MatrixError as error:
    print(error)
print(sorted(path.name for path in Path({str(small)!r}).iterdir()))
"""
    done = subprocess.run(["unshare", "-m", sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no tmpfs of one's own here: {done.stderr.strip()}")
    assert "is full" in done.stdout, done.stderr
    assert "EBPF_MATRIX_CACHE" in done.stdout
    assert done.stdout.splitlines()[-1] == "['5.10.lock']"


class BrokenOff(Exception):
    pass


def test_there_are_as_many_guests_as_slots_and_waiting_can_be_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    cache = Cache(tmp_path)
    said = []

    def say(text: str) -> None:
        said.append(text)
        if not text:
            raise BrokenOff

    with cache.slot(say), cache.slot(say), pytest.raises(BrokenOff), cache.slot(say):
        pass
    assert said == ["waiting for the guests of other runs", ""]
    with cache.slot(say):
        pass


def test_a_download_can_be_broken_off(debian: TestMirror, tmp_path: Path) -> None:
    def say(_text: str) -> None:
        raise BrokenOff

    cache = Cache(tmp_path / "cache")
    with pytest.raises(BrokenOff):
        cache.entry("5.10", ("old",), (PATTERN,), {}, lambda: Mirror(debian.url), say)
    assert left(cache) == ["5.10.lock"]


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EBPF_MATRIX_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default() == Path("/somewhere/ebpf-matrix")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the specification: to be ignored
    assert default() == Path.home() / ".cache/ebpf-matrix"
    monkeypatch.setenv("EBPF_MATRIX_CACHE", "/mine")
    assert default() == Path("/mine")


def test_a_directory_that_cannot_be_made(debian: TestMirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MatrixError, match="file/cache"):
        fetch(Cache(tmp_path / "file/cache"), debian)
