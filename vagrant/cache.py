"""What is fetched once: kernels and tools, unpacked, each in a directory that is whole or not there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import lzma
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from vagrant.errors import MatrixError, MissingTool
from vagrant.layout import index_modules
from vagrant.mirror import Mirror, Package

__all__ = ["Cache", "default"]

_RECORD = "matrix.json"


def default() -> Path:
    """``EBPF_MATRIX_CACHE``, or ``ebpf-matrix`` in the user's cache directory."""
    named = os.environ.get("EBPF_MATRIX_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "ebpf-matrix"


class Cache:
    """A directory of entries, each unpacked from packages of a Debian mirror."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def entry(
        self,
        name: str,
        suites: tuple[str, ...],
        patterns: tuple[str, ...],
        unindexed: dict[str, str],
        mirror: Callable[[], Mirror],
        progress: Callable[[str], None],
        refresh: bool = False,
    ) -> Path:
        """The directory with these packages unpacked, fetched if it is not there (or, with ``refresh``, is outdated).

        ``progress`` is called with what is done, or with an empty text; an exception that it raises breaks it off.
        Raises `MatrixError`; then nothing has been left behind, and what was there before still is.
        """
        target = self.directory / name
        with self._locked(name, progress):
            if (target / _RECORD).exists() and not refresh:
                return target
            packages = _find(mirror(), suites, patterns, unindexed)
            record = {"packages": [vars(package) for package in packages]}
            if (target / _RECORD).exists() and json.loads((target / _RECORD).read_text()) == record:
                return target
            with _full_disk(self.directory), self._scratch(name) as scratch:
                unpacked = scratch / "unpacked"
                unpacked.mkdir()
                for package in packages:
                    archive = scratch / "package.deb"
                    mirror().download(package, archive, _megabytes(package.name, progress))
                    progress(f"unpacking {package.name}")
                    _unpack(archive, unpacked)
                _decompress_modules(unpacked, progress)
                index_modules(unpacked)
                (unpacked / _RECORD).write_text(json.dumps(record, indent=1))
                if target.exists():
                    target.replace(scratch / "old")
                unpacked.replace(target)
        return target

    def has(self, name: str) -> bool:
        """Whether an entry is there."""
        return (self.directory / name / _RECORD).exists()

    @contextlib.contextmanager
    def slot(self, progress: Callable[[str], None]) -> Iterator[None]:
        """One of as many guests as this machine has processors, two at least, however many runs there are.

        More of them at once would only make each other run into their time limits.
        """
        self._make()
        with contextlib.ExitStack() as stack:
            files = [self.directory / f"guest-{number}.lock" for number in range(max(2, os.cpu_count() or 1))]
            locks = [stack.enter_context(file.open("w")) for file in files]
            _wait(lambda: any(_try_lock(lock) for lock in locks), "waiting for the guests of other runs", progress)
            yield

    def _make(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MatrixError(f"the cache {self.directory} cannot be made: {error.strerror}") from None

    @contextlib.contextmanager
    def _locked(self, name: str, progress: Callable[[str], None]) -> Iterator[None]:
        """Only one process at a time fills an entry; the lock ends with the process that holds it."""
        self._make()
        with (self.directory / f"{name}.lock").open("w") as lock:
            _wait(lambda: _try_lock(lock), "waiting for another run to fetch it", progress)
            # What a killed run left half-written; the lock says nobody writes there now.
            for left in self.directory.glob(f"{name}.tmp-*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    @contextlib.contextmanager
    def _scratch(self, name: str) -> Iterator[Path]:
        directory = tempfile.mkdtemp(dir=self.directory, prefix=f"{name}.tmp-")
        try:
            yield Path(directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _wait(attempt: Callable[[], bool], text: str, progress: Callable[[str], None]) -> None:
    """Until an attempt succeeds. ``progress`` is called all the while, so that it can break it off."""
    if attempt():
        return
    progress(text)
    while not attempt():
        time.sleep(0.5)
        progress("")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _find(
    mirror: Mirror, suites: tuple[str, ...], patterns: tuple[str, ...], unindexed: dict[str, str]
) -> list[Package]:
    first = mirror.find(suites, patterns[0], unindexed)
    if "*" not in patterns[0]:
        return [first, *(mirror.find(suites, name, unindexed) for name in patterns[1:])]
    return [first, *(mirror.find(suites, name, unindexed, first.version) for name in patterns[1:])]


def _unpack(archive: Path, target: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        raise MissingTool("no dpkg-deb to unpack Debian packages with: install dpkg")
    command = ["dpkg-deb", "-x", str(archive), str(target)]
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    if done.returncode:
        message = done.stderr.strip() or f"dpkg-deb exited with {done.returncode}"
        # tar says "Wrote only 9728 of 10240 bytes" as often as "No space left on device".
        if os.strerror(errno.ENOSPC) in message or "Wrote only" in message:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise MatrixError(f"{archive.name} cannot be unpacked: {message}")


def _decompress_modules(tree: Path, progress: Callable[[str], None]) -> None:
    # The initramfs loads modules with busybox's insmod, which refuses compressed ones: "Invalid ELF header magic".
    compressed = sorted(tree.glob("**/*.ko.xz"))
    if compressed:
        progress(f"decompressing {len(compressed)} modules")
    for path in compressed:
        path.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()


@contextlib.contextmanager
def _full_disk(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MatrixError(
            f"the disk of {directory} is full: a kernel takes about 250 MB, the whole matrix 3 GB; make room there, or "
            "name another place in EBPF_MATRIX_CACHE"
        ) from None


def _megabytes(name: str, progress: Callable[[str], None]) -> Callable[[int, int], None]:
    last = [-1]

    def report(done: int, size: int) -> None:
        if done >> 22 != last[0]:
            last[0] = done >> 22
            progress(f"fetching {name}: {done >> 20} of {size >> 20} MB")

    return report
