"""Where programs are attached in tests: a cgroup of the test's own, a network namespace with a pair of devices."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNET = 0x40000000


@contextmanager
def cgroup2() -> Iterator[Path]:
    """The root of a cgroup2 file system: the machine's, or one mounted for the test."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            yield Path(fields[1])
            return
    with tempfile.TemporaryDirectory() as parent:
        if _libc.mount(b"cgroup2", parent.encode(), b"cgroup2", 0, None) != 0:
            pytest.skip(f"no cgroup2 file system: {os.strerror(ctypes.get_errno())}")
        try:
            yield Path(parent)
        finally:
            _libc.umount2(parent.encode(), 2)


@contextmanager
def own_cgroup() -> Iterator[Path]:
    """A new cgroup, with this process in it for a while."""
    with cgroup2() as root:
        mine = Path("/proc/self/cgroup").read_text().splitlines()[-1].partition("::")[2].lstrip("/")
        before = root / mine
        group = root / f"ebpf-test-{os.getpid()}"
        group.mkdir()
        try:
            (group / "cgroup.procs").write_text(str(os.getpid()))
            yield group
        finally:
            (before / "cgroup.procs").write_text(str(os.getpid()))
            group.rmdir()


@contextmanager
def own_netns() -> Iterator[None]:
    """A network namespace of this thread's own, with its loopback device up."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if _libc.unshare(_NEWNET) != 0:
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            run("link", "set", "lo", "up")
            yield
        finally:
            _libc.setns(before, _NEWNET)
    finally:
        os.close(before)


def run(*words: str) -> None:
    """One ``ip`` command."""
    if shutil.which("ip") is None:
        pytest.skip("no ip on this machine: apt-get install iproute2")
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ip {' '.join(words)}: {done.stderr.strip()}")


def send_to_self(count: int = 1, port: int = 9) -> None:
    """UDP packets to the loopback device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(b"ebpf", ("127.0.0.1", port))


def need_classic_traffic_control() -> None:
    """Skip where the kernel has no clsact qdisc or BPF filters, not even as modules, or there is no pyroute2."""
    import errno

    from ebpf import errors
    from ebpf.core.links import tc

    from .counting import counting

    pytest.importorskip("pyroute2")
    with own_netns(), counting("sched_cls") as (program, _):
        try:
            tc(program, "lo").close()
        except errors.AttachError as error:
            if error.errno == errno.ENOENT:
                pytest.skip(str(error))
            raise
