"""The Vagrant machines of kernels.toml, run as the runner runs its guests: up, the command, the results back, halted.

A machine that ran already is left running. ``vagrant up`` itself (box, provider, provisioning) is the Vagrantfile's.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import shlex
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from featuredb.load import read
from vagrant.errors import MatrixError, MissingTool, UnknownName
from vagrant.guest import ROOT, Outcome, read_results
from vagrant.result import NOT_OBTAINABLE
from vagrant.rows import TABLE

__all__ = ["Machine", "MachineGuest", "check", "machines", "select"]

_HERE = Path(__file__).resolve().parent
UP_LIMIT = 3600  # seconds; a box is downloaded, and an emulated machine provisioned, in less
_KEYS = {"name", "box", "python", "packages", "kernel_package", "special"}
_SHARED = "/run/matrix/shared"
_ENVIRONMENT = {
    "PATH": "/opt/ebpf/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONUNBUFFERED": "1",
    "MATRIX_SHARED": _SHARED,
    "HYPOTHESIS_STORAGE_DIRECTORY": "/run/matrix/hypothesis",
    "XDG_CACHE_HOME": "/run/matrix/cache",
}
_TIMED_OUT = (124, 137)  # of timeout(1)
_NO_BOX = ("could not be found or", "Couldn't open file", "An error occurred while downloading", "box failed to add")


@dataclass(frozen=True)
class Machine:
    """One [[vagrant]] row, as far as the runner needs it."""

    name: str
    box: str
    special: str = ""


def machines(table: Path = TABLE) -> dict[str, Machine]:
    """Every Vagrant machine, in the order of the file. Raises `MatrixError` naming what is wrong in it."""
    try:
        rows = read(table).get("vagrant", [])
    except (OSError, ValueError) as error:
        raise MatrixError(str(error)) from None
    known: dict[str, Machine] = {}
    for number, row in enumerate(rows, 1):
        name = row.get("name", f"[[vagrant]] number {number}")
        missing = {"name", "box", "python"} - row.keys()
        if missing:
            raise MatrixError(f"{table}: {name}: {', '.join(sorted(missing))} missing")
        strange = row.keys() - _KEYS
        if strange:
            raise MatrixError(f"{table}: {name}: unknown key {', '.join(sorted(strange))}")
        if name in known:
            raise MatrixError(f"{table}: two [[vagrant]] are called {name}")
        known[name] = Machine(name, row["box"], row.get("special", ""))
    return known


def select(names: str, known: dict[str, Machine]) -> list[Machine]:
    """The machines of a list such as ``debian-12,alma-9``, each once. Raises `UnknownName` with the closest names."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise UnknownName(f"--vagrant {names!r} names no machine; known: {', '.join(known)}")
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise UnknownName(f"no Vagrant machine is called {name!r}.{hint} Known: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(wanted)]


def check() -> None:
    """Raise `MissingTool` unless the programs that machines need are installed."""
    packages = {"vagrant": "vagrant vagrant-libvirt", "ssh": "openssh-client", "rsync": "rsync"}
    missing = [program for program in packages if shutil.which(program) is None]
    if missing:
        wanted = " ".join(packages[program] for program in missing)
        raise MissingTool(f"no {', '.join(missing)} on this machine: apt-get install {wanted}")


class MachineGuest:
    """One machine and a command to run in it: what `vagrant.guest.Guest` is for a kernel under QEMU.

    Parameters:
        machine: which one.
        command: the program and its arguments; a path below this tree is the same below the machine's ``/vagrant``.
    """

    def __init__(self, machine: Machine, command: Sequence[str]) -> None:
        self.machine = machine
        self.command = [_inside(word) for word in command]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._halt = False

    def __enter__(self) -> MachineGuest:
        self.directory = Path(tempfile.mkdtemp(prefix="ebpf-matrix-"))
        self.shared = self.directory / "shared"
        self.shared.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        try:
            if self._halt:
                subprocess.run(["vagrant", "halt", self.machine.name], cwd=_HERE, capture_output=True, timeout=600)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, limit: float, output: Callable[[bytes], None]) -> Outcome:
        """Start the machine, run the command, and wait at most ``limit`` seconds for it."""
        outcome = Outcome()
        try:
            self._run(outcome, limit, output)
        except (MatrixError, subprocess.SubprocessError) as error:
            outcome.status = "not started"
            outcome.console.append(str(error))
        return outcome

    def stop(self) -> None:
        """End what is being run; Vagrant is asked to, so that it can leave its machine as it should be."""
        self._stopped = True
        self._end()

    def _run(self, outcome: Outcome, limit: float, output: Callable[[bytes], None]) -> None:
        started = time.monotonic()
        if not self._up(outcome):
            return
        outcome.boot_seconds = time.monotonic() - started
        self._ssh_config = self.directory / "ssh-config"
        self._ssh_config.write_bytes(_output(["vagrant", "ssh-config", self.machine.name]))
        self._ssh(f"sudo rm -rf {_SHARED} && sudo mkdir -p {_SHARED} && sudo tar -x -C {_SHARED}", self._files())
        # The end of ssh is not the end of what it started.
        command = f"sudo timeout -k 10 {limit:.0f} sh /vagrant/vagrant/guest.sh {_SHARED}"
        code = self._process_until([*self._login(), command], time.monotonic() + limit, output, outcome)
        if code in (None, *_TIMED_OUT):
            outcome.status = "stopped" if self._stopped else "hung"
        # What a command that hung has written is still worth having; a machine that panicked no longer answers.
        with contextlib.suppress(subprocess.SubprocessError, tarfile.TarError):
            archive = self._ssh(f"sudo tar -c -C {_SHARED} .", b"")
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                for member in tar:
                    content = tar.extractfile(member)
                    if content is not None:
                        (self.shared / Path(member.name).name).write_bytes(content.read())
        read_results(self.shared, outcome)
        outcome.run_seconds = time.monotonic() - started - outcome.boot_seconds

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for number, patience in ((signal.SIGINT, 30), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break

    def _up(self, outcome: Outcome) -> bool:
        state = _output(["vagrant", "status", "--machine-readable", self.machine.name]).decode(errors="replace")
        running = ",state,running" in state
        self._halt = not running
        lines: list[bytes] = []
        # A running machine has an older copy of this tree.
        command = ["vagrant", "rsync" if running else "up", self.machine.name]
        code = self._process_until(command, time.monotonic() + UP_LIMIT, lines.append, outcome)
        if code == 0:
            return True
        outcome.console[:0] = [line.decode(errors="replace").rstrip() for line in lines if line.strip()][-40:]
        said = " ".join(outcome.console)
        outcome.status = NOT_OBTAINABLE if any(phrase in said for phrase in _NO_BOX) else "not started"
        return False

    def _process_until(
        self, command: Sequence[str], end: float, output: Callable[[bytes], None], outcome: Outcome
    ) -> int | None:
        """The exit code, or `None` when the time was over or `stop` was called."""
        if self._stopped:
            return None
        process = subprocess.Popen(
            command,
            cwd=_HERE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._process = process
        readers = [
            threading.Thread(target=_each, args=(process.stdout, output), daemon=True),
            threading.Thread(target=_keep, args=(process.stderr, outcome.console), daemon=True),
        ]
        for reader in readers:
            reader.start()
        while process.poll() is None and time.monotonic() < end and not self._stopped:
            time.sleep(0.1)
        code = process.poll()
        if code is None:
            self._end()
        for reader in readers:
            reader.join(10)
        self._process = None
        return code

    def _login(self) -> list[str]:
        return ["ssh", "-F", str(self._ssh_config), "-o", "LogLevel=ERROR", self.machine.name]

    def _ssh(self, command: str, data: bytes) -> bytes:
        done = subprocess.run([*self._login(), command], input=data, capture_output=True, timeout=300, check=True)
        return done.stdout

    def _files(self) -> bytes:
        environment = {**_ENVIRONMENT, **{key: value for key, value in os.environ.items() if key.startswith("EBPF_")}}
        texts = {
            "env": "".join(f"export {key}={shlex.quote(value)}\n" for key, value in environment.items()),
            "command": f"cd /vagrant || exit 125\n{shlex.join(self.command)}\n",
            "keep-tmp": "machine",
        }
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, text in texts.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return archive.getvalue()


def _inside(word: str) -> str:
    """A path below this tree, as the machine sees it."""
    root = str(ROOT)
    return "/vagrant" + word[len(root) :] if word.startswith(root + os.sep) else word


def _output(command: Sequence[str]) -> bytes:
    done = subprocess.run(command, cwd=_HERE, capture_output=True, timeout=300)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise MatrixError(f"{' '.join(command)}: {last[0] if last else f'exit code {done.returncode}'}")
    return done.stdout


def _each(stream: Iterable[bytes], use: Callable[[bytes], None]) -> None:
    for line in stream:
        use(line)


def _keep(stream: Iterable[bytes], lines: list[str]) -> None:
    for line in stream:
        lines.append(line.decode(errors="replace").rstrip())
        del lines[:-400]
