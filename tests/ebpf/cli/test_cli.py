"""What all commands have in common: help, errors in one line, exit codes, pipes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.ebpf.cli.run import ebpf

COMMANDS = ["features", "supported", "explain", "kernels", "diff", "doctor", "completion"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = ebpf(command, "--help")
    assert done.returncode == 0
    assert f"ebpf {command}" in done.stdout
    assert done.stderr == ""


def test_help_lists_every_command_and_fits_80_columns() -> None:
    done = ebpf("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version() -> None:
    import ebpf as package

    assert ebpf("--version").stdout == f"ebpf {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: ebpf"),
        (["fetures"], "no command is called 'fetures'. Did you mean features?"),
        (["xyzzy"], "no command is called 'xyzzy': the commands are features"),
        (["features", "--kernel", "debain-12"], "Did you mean debian-12"),
        (["features", "--kernel", "/nonexistent/host.json"], "/nonexistent/host.json: No such file or directory"),
        (["features", "--kind", "maps"], "no kind of feature is called 'maps'"),
        (["features", "--status", "maybe"], "maybe"),
        (["features", "--json", "--markdown"], "not allowed with"),
        (["supported"], "NAME"),
        (["supported", "BPF_MAP_TYPE_HSAH"], "Did you mean BPF_MAP_TYPE_HASH"),
        (["explain", "bpf_map_type_hash"], "Did you mean BPF_MAP_TYPE_HASH"),
        (["diff", "4.18"], "NEW"),
        (["diff", "4.18", "nonsense"], "no kernel is called 'nonsense'"),
    ],
)
def test_what_cannot_be_understood_exits_2_and_says_so(arguments: list[str], said: str) -> None:
    done = ebpf(*arguments)
    assert done.returncode == 2
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m ebpf kernels | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_colour_only_on_a_terminal() -> None:
    arguments = [sys.executable, "-m", "ebpf", "supported", "--kernel", "5.10", "BPF_MAP_TYPE_HASH"]
    assert "\x1b[" not in ebpf("supported", "--kernel", "5.10", "BPF_MAP_TYPE_HASH").stdout

    def on_a_terminal(**environment: str) -> str:
        master, slave = pty.openpty()
        with subprocess.Popen(arguments, stdout=slave, env={**os.environ, "TERM": "xterm", **environment}) as child:
            os.close(slave)
            output = b""
            while True:
                try:
                    data = os.read(master, 4096)
                except OSError:  # EIO: the other side is closed
                    break
                if not data:
                    break
                output += data
            child.wait()
        os.close(master)
        return output.decode()

    assert "\x1b[32m" in on_a_terminal(NO_COLOR="")
    assert "\x1b[" not in on_a_terminal(NO_COLOR="1")
