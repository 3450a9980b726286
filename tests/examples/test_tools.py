"""Each tool, run as a person runs it, shows what happened meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clang import compiled
from tests.ebpf.core.links.places import cgroup2

pytestmark = [pytest.mark.root]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tools' programs, made by their Makefile."""
    compiled("legacy")  # skips where there is no clang, or no libbpf-dev
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    out = tmp_path_factory.mktemp("tools")
    done = subprocess.run(
        ["make", "-C", str(ROOT / "examples/tools"), f"OUT={out}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def run(build: Path, name: str, *arguments: str, ready: str = "", act: Callable[[], None] | None = None) -> str:
    """What a tool prints; `act` is done once it has printed the line that begins with `ready`."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"examples.tools.{name}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "EBPF_TOOLS_BUILD": str(build)},
    )
    watch = threading.Timer(200, process.kill)
    watch.start()
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if act is not None and line.strip().startswith(ready):
                act()
                act = None
        process.wait()
    finally:
        watch.cancel()
        process.kill()
        process.wait()
    output = "".join(lines)
    assert process.returncode == 0, output
    return output


@pytest.mark.requires("BPF_MAP_TYPE_RINGBUF", "raw_tracepoint_programs", "bpf_probe_read_kernel_str")
def test_exec_snoop(build: Path) -> None:
    def act() -> None:
        subprocess.run(["/bin/true"], check=True)

    output = run(build, "exec_snoop", "--count", "1", ready="PID", act=act)
    pid, parent, uid = map(int, output.splitlines()[1].split()[:3])
    assert pid > 0
    assert parent > 0
    assert uid >= 0


def test_xdp_count(build: Path) -> None:
    def act() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(7):
                sender.sendto(b"ebpf", ("127.0.0.1", 9))

    output = run(build, "xdp_count", "lo", "--mode", "generic", "--seconds", "1.5", ready="counting", act=act)
    packets = [int(number) for number in re.findall(r"^ *udp +(\d+) packets", output, re.MULTILINE)]
    assert packets
    assert packets[-1] >= 7


@pytest.fixture
def cgroups() -> Iterator[None]:
    with cgroup2():
        yield


@pytest.mark.usefixtures("cgroups")
@pytest.mark.requires("BPF_CGROUP_INET4_CONNECT")
def test_connect_firewall(build: Path) -> None:
    code = (
        "import socket\n"
        "for address in ('127.0.0.9', '127.0.0.8'):\n"
        "    try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect((address, 9)); print(address, 'connected')\n"
        "    except PermissionError: print(address, 'refused')\n"
    )
    output = run(build, "connect_firewall", "--block", "127.0.0.9", "--", sys.executable, "-c", code)
    assert "127.0.0.9 refused" in output
    assert "127.0.0.8 connected" in output
    assert "127.0.0.9: 1 connections refused" in output


@pytest.mark.requires("perf_event_programs", "BPF_MAP_TYPE_STACK_TRACE")
def test_profile_stacks(build: Path) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        output = run(build, "profile_stacks", "--seconds", "1.5", "--frequency", "99")
    finally:
        busy.kill()
        busy.wait()
    stacks = dict(line.rsplit(" ", 1) for line in output.splitlines())
    assert any(f"-{busy.pid};" in stack or stack.endswith(f"-{busy.pid}") for stack in stacks), output


@pytest.mark.requires("raw_tracepoint_programs", "BPF_PSEUDO_MAP_VALUE")
def test_tcp_latency(build: Path) -> None:
    def act() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(5):
                socket.create_connection(server.getsockname()).close()

    output = run(build, "tcp_latency", "--seconds", "1.5", ready="measuring", act=act)
    counts = [int(number) for number in re.findall(r"-> \d+ +: (\d+)", output)]
    assert sum(counts) >= 5, output


def test_an_object_that_was_not_built(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.tools.tcp_latency"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "EBPF_TOOLS_BUILD": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert "build it with make -C" in done.stderr
