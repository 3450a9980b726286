"""One guest: a kernel booted by virtme-ng on this machine's own file system, which it can only read."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vagrant import tools
from vagrant.layout import Files, predates

__all__ = ["BOOT_LIMIT", "ROOT", "Guest", "Outcome", "read_results"]

ROOT = Path(__file__).resolve().parent.parent
# Seconds until the first command; 7 to 15 are usual under emulation.
BOOT_LIMIT = int(os.environ.get("EBPF_MATRIX_BOOT_LIMIT") or 300)
_PASSED_ON = ("LANG", "LC_ALL", "TERM", "COLUMNS", "CI", "NO_COLOR")


class Outcome:
    """How a guest ended.

    Attributes:
        status: ``"exited"``, or what went wrong: ``"panicked"``, ``"hung"``, ``"stopped"`` (it ended without a result).
        code: the command's exit code, when it exited.
        boot_seconds, run_seconds: until the first command, and from then on.
        notes: what could not be set up in the guest, one line each.
        last_line: the last that the command printed.
        console: the kernel's last words.
    """

    def __init__(self) -> None:
        self.status = "stopped"
        self.code: int | None = None
        self.boot_seconds: float | None = None
        self.run_seconds = 0.0
        self.release = ""
        self.notes: list[str] = []
        self.last_line = ""
        self.console: list[str] = []


class Guest:
    """A kernel to boot and a command to run in it; a context manager, after which no process of it is left.

    Parameters:
        files: what is booted.
        command: the program and its arguments; it runs in this process's directory, with this Python first in PATH.
        virtiofsd: the directory with the wrapper for virtiofsd, put in front of PATH.
        cpu: QEMU's -cpu, where the default does not do.
        memory: as QEMU takes it.
        acceleration: whether to use KVM.
        plan9: whether to share the file system by 9p; kernels that are older than virtiofs get it anyway.
    """

    def __init__(
        self,
        files: Files,
        command: Sequence[str],
        *,
        virtiofsd: Path | None = None,
        cpu: str = "",
        memory: str = "1G",
        acceleration: bool = False,
        plan9: bool = False,
    ) -> None:
        self.files = files
        self.command = list(command)
        self._virtiofsd = virtiofsd
        self._cpu = cpu
        self._memory = memory
        self._acceleration = acceleration
        # virtiofs: Linux kernel commit a62a8ef9d97d ("virtio-fs: add virtiofs filesystem") (in v5.4)
        self._plan9 = plan9 or predates(files.release, (5, 4))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Guest:
        self.directory = Path(tempfile.mkdtemp(prefix="ebpf-matrix-"))
        self.shared = self.directory / "shared"
        self.shared.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, limit: float, output: Callable[[bytes], None]) -> Outcome:
        """Boot, run the command, and wait at most ``limit`` seconds for it. ``output`` gets its lines as they come."""
        outcome = Outcome()

        def pass_on(line: bytes) -> None:
            outcome.last_line = line.decode(errors="replace").strip() or outcome.last_line
            output(line)

        self._write_files()
        started = time.monotonic()
        with self._started(limit) as process:
            readers = [
                threading.Thread(target=_copy, args=(process.stdout, pass_on), daemon=True),
                threading.Thread(target=_keep, args=(process.stderr, outcome.console), daemon=True),
            ]
            for reader in readers:
                reader.start()
            outcome.status = self._wait(process, outcome, started, limit)
            words = list(outcome.console)
        for reader in readers:
            reader.join(10)
        if outcome.status == "hung":
            outcome.console = words  # what QEMU says of being stopped is no word of the kernel's
        self._read_results(outcome, started)
        return outcome

    def stop(self) -> None:
        """End the guest, QEMU and virtiofsd at once; nothing of them is left when this returns."""
        process, self._process = self._process, None
        if process is None:
            return
        # virtme-run, its QEMU and its virtiofsd are one process group.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if not _group_alive(process.pid):
                break

    def _wait(self, process: subprocess.Popen[bytes], outcome: Outcome, started: float, limit: float) -> str:
        while process.poll() is None:
            time.sleep(0.1)
            now = time.monotonic() - started
            if outcome.boot_seconds is None and (self.shared / "booted").exists():
                outcome.boot_seconds = now
            if now > (BOOT_LIMIT if outcome.boot_seconds is None else outcome.boot_seconds + limit):
                return "hung"
        return "stopped"

    def _read_results(self, outcome: Outcome, started: float) -> None:
        if outcome.boot_seconds is None and (self.shared / "booted").exists():
            outcome.boot_seconds = 0.0
        outcome.run_seconds = time.monotonic() - started - (outcome.boot_seconds or 0.0)
        outcome.release = self.files.release
        read_results(self.shared, outcome)

    @contextlib.contextmanager
    def _started(self, limit: float) -> Iterator[subprocess.Popen[bytes]]:
        environment = dict(os.environ, TMPDIR=str(self.directory), PATH=tools.path_with_sbin())
        if self._virtiofsd is not None:
            environment["PATH"] = f"{self._virtiofsd}{os.pathsep}{environment['PATH']}"
        # A runner that is killed outright cannot stop its guest: `timeout` is told of its end, and passes that on.
        limited = ["timeout", "-k", "10", str(int(BOOT_LIMIT + limit + 60)), *self._virtme()]
        command = ["setpriv", "--pdeathsig", "TERM", *limited]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # a pipe: what QEMU writes to a regular file is overwritten by its next writer
            env=environment,
            start_new_session=True,
        )
        try:
            yield self._process
        finally:
            self.stop()

    def _virtme(self) -> list[str]:
        command = [tools.virtme_run(), "--kimg", str(self.files.image), "--memory", self._memory, "--cpus", "1"]
        command += ["--mods", "none" if self.files.modules is None else "auto", "--show-boot-console"]
        command += [f"--rwdir={self.shared}", "--script-sh", f"sh {ROOT / 'vagrant/guest.sh'} {self.shared}"]
        if not self._acceleration:
            command.append("--disable-kvm")
        if self._plan9:
            command.append("--force-9p")
        # Walking page tables of five levels takes an emulator longer, and no guest needs them.
        cpu = self._cpu or ("" if self._acceleration else "max,la57=off")
        if cpu:
            command += ["--qemu-opt=-cpu", f"--qemu-opt={cpu}"]
        return command

    def _write_files(self) -> None:
        if self.files.config is not None:
            shutil.copyfile(self.files.config, self.shared / "config")
        if self.files.modules is not None:
            (self.shared / "modules").write_text(str(self.files.modules.parent.parent.parent))
        used = (str(ROOT), sys.prefix, os.getcwd(), str(self.files.image))
        in_tmp = any(path.startswith("/tmp/") for path in used)
        (self.shared / "keep-tmp").write_text("yes" if in_tmp else "no")
        (self.shared / "env").write_text("".join(f"export {key}={shlex.quote(v)}\n" for key, v in _environment()))
        shim = self.shared / "bin"
        shim.mkdir(exist_ok=True)
        (shim / "ebpf").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ebpf "$@"\n')
        (shim / "ebpf").chmod(0o755)
        words = shlex.join(self.command)
        (self.shared / "command").write_text(f"cd {shlex.quote(os.getcwd())} || exit 125\n{words}\n")


def read_results(shared: Path, outcome: Outcome) -> None:
    """What guest.sh has written: the command's exit code, the running release, what could not be set up."""
    outcome.notes = _lines(shared / "notes")
    outcome.release = "".join(_lines(shared / "release")) or outcome.release
    status = _lines(shared / "status")
    if status and status[0].isdigit():
        outcome.status, outcome.code = "exited", int(status[0])
    elif any("Kernel panic" in line for line in outcome.console):
        outcome.status = "panicked"


def _environment() -> Iterator[tuple[str, str]]:
    scripts = os.path.dirname(sys.executable)
    yield "PATH", f"/run/matrix/shared/bin:{scripts}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    yield "PYTHONPATH", str(ROOT)
    yield "PYTHONDONTWRITEBYTECODE", "1"
    yield "PYTHONUNBUFFERED", "1"
    yield "MATRIX_SHARED", "/run/matrix/shared"
    yield "HYPOTHESIS_STORAGE_DIRECTORY", "/run/matrix/home/hypothesis"
    yield "XDG_CACHE_HOME", "/run/matrix/home/cache"
    if sys.prefix != sys.base_prefix:
        yield "VIRTUAL_ENV", sys.prefix
    for key, value in os.environ.items():
        if key in _PASSED_ON or key.startswith("EBPF_"):
            yield key, value


def _copy(stream: object, output: Callable[[bytes], None]) -> None:
    for line in stream:  # type: ignore[attr-defined]  # a pipe's reader
        output(line)


def _keep(stream: object, lines: list[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]  # a pipe's reader
        lines.append(line.decode(errors="replace").rstrip())
        del lines[:-400]


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
