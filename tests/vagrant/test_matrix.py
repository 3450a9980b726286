"""The command itself: what it refuses, and, with a real guest, what it leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.vagrant.test_layout import bzimage
from vagrant import matrix
from vagrant.guest import ROOT
from vagrant.result import NOT_OBTAINABLE, OK, Result

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kernels", "6.13"], "Did you mean 6.1"),
        (["--kernels", "5.10", "--"], "a command is missing after --"),
        (["--image", "x", "--kernels", "5.10"], "cannot be used with --kernels"),
        (["--config", "x"], "belong to --image"),
        (["--kernels", "5.10", "--jobs", "0"], "must be positive"),
        (["--kernels", "5.10", "--time-limit", "-1"], "must be positive"),
    ],
)
def test_wrong_use_is_refused(words: list[str], said: str, capsys: Captured) -> None:
    assert matrix.main(words) == 2
    assert said in capsys.readouterr().err


def test_the_list(capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EBPF_MATRIX_CACHE", str(tmp_path))
    assert matrix.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=1) == ["5.10", "not fetched yet"]


def test_no_qemu_says_what_to_install(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vagrant.tools.path_with_sbin", lambda: "/nowhere")
    assert matrix.main(["--kernels", "5.10", "--", "true"]) == 2
    said = capsys.readouterr().err
    assert "no QEMU on this machine" in said
    assert "apt-get install --no-install-recommends" in said
    assert "qemu-system-x86 busybox-static udev kmod" in said


@pytest.mark.parametrize(
    ("statuses", "allowed", "code"),
    [
        ([OK, OK], False, 0),
        ([OK, "failed"], False, 1),
        ([OK, "hung"], True, 1),
        ([OK, "panicked"], True, 1),
        ([OK, NOT_OBTAINABLE], False, 3),
        ([OK, NOT_OBTAINABLE], True, 0),
        ([NOT_OBTAINABLE], True, 3),  # nothing ran: nothing has been shown
    ],
)
def test_exit_codes(statuses: list[str], allowed: bool, code: int) -> None:
    results = [Result(str(number), status) for number, status in enumerate(statuses)]
    assert matrix._exit_code(results, [], allowed) == code


def test_a_single_kernels_command_passes_its_code_through() -> None:
    result = Result("6.1", "failed")
    result.code = 42
    assert matrix._exit_code([result], ["false"], False) == 42


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vagrant.matrix", *words]
    environment = {**os.environ, **more}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, env=environment)


def left_behind() -> list[str]:
    """Command lines of what a guest consists of, of the guests of this test's kernel alone."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "ebpf-matrix-test-" in text and "pytest" not in text:
            found.append(text)
    return found


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where guests of this test are told from others': the directory that their sockets lie in."""
    directory = Path(f"/tmp/ebpf-matrix-test-{os.getpid()}")
    directory.mkdir(exist_ok=True)
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


@pytest.fixture
def guests() -> None:
    from vagrant import tools
    from vagrant.errors import MissingTool

    try:
        tools.check()
    except MissingTool as error:
        if os.environ.get("EBPF_TESTS_REQUIRE_NETWORK") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("guests")
def test_a_command_in_a_guest(scratch: Path) -> None:
    script = (
        "uname -r; pwd; ebpf --version; id -u; cat /proc/mounts; ls /boot; ip link show lo; "
        f"touch /tmp/x && echo writable; touch {ROOT}/x; echo to stderr >&2; exit 7"
    )
    done = run("--kernels", "5.10", "--", "sh", "-c", script)
    assert done.returncode == 7, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("5.10.")
    assert lines[1] == str(ROOT)
    for kind, place in (("bpf", "/sys/fs/bpf"), ("debugfs", "/sys/kernel/debug"), ("cgroup2", "/sys/fs/cgroup")):
        assert any(line.split()[1:3] == [place, kind] for line in lines), place
    assert f"config-{lines[0]}" in lines
    assert "writable" in lines
    assert "to stderr" in lines
    assert any("Read-only file system" in line for line in lines)
    assert "LOOPBACK,UP" in done.stdout
    assert not left_behind()
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("guests")
def test_panics_and_hangs_are_told_apart_and_never_passed(scratch: Path) -> None:
    done = run("--kernels", "5.10", "--", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 60")
    assert done.returncode == 1
    assert "5.10: panicked: Kernel panic - not syncing: sysrq triggered crash" in done.stderr
    done = run("--kernels", "5.10", "--time-limit", "20", "--", "sh", "-c", "echo before; sleep 600")
    assert done.returncode == 1
    assert "5.10: hung: no end in sight" in done.stderr
    assert "it last printed: before" in done.stderr
    assert not left_behind()
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("guests")
def test_an_interrupt_leaves_no_guest(scratch: Path, number: int) -> None:
    command = [sys.executable, "-m", "vagrant.matrix", "--kernels", "5.10", "--", "sh", "-c", "echo up; sleep 600"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert left_behind()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "every guest has been stopped" in said
    deadline = time.monotonic() + 10
    while left_behind() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left_behind()
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("guests")
def test_a_runner_that_is_killed_takes_its_guest_along(scratch: Path) -> None:
    command = [sys.executable, "-m", "vagrant.matrix", "--kernels", "5.10", "--", "sh", "-c", "echo up; sleep 600"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.kill()
    process.wait(10)
    deadline = time.monotonic() + 30
    while left_behind() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left_behind()
    shutil.rmtree(scratch)  # what it could not clear away


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("guests")
def test_what_is_no_kernel_ends_without_a_result(scratch: Path, tmp_path: Path) -> None:
    image = str(bzimage(tmp_path / "bzImage", "6.1.0-mine"))
    done = run("--image", image, "--time-limit", "5", "--", "true", EBPF_MATRIX_BOOT_LIMIT="30")
    assert done.returncode == 1
    assert "bzImage: stopped: ended without a result" in done.stderr or "bzImage: hung" in done.stderr
    assert not left_behind()
