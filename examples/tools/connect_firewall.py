"""Run a command that may not connect to some addresses: a program on a cgroup of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ebpf import v2
from examples.tools.common import at_the_end, object_file


def cgroup_root() -> Path:
    """Where the cgroup2 file system is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    sys.exit("there is no cgroup2 file system: mount -t cgroup2 cgroup2 /mnt")


@contextlib.contextmanager
def new_cgroup() -> Iterator[Path]:
    """A cgroup that is removed at the end."""
    path = cgroup_root() / f"connect-firewall-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        path.rmdir()


def address_key(address: str) -> int:
    """An IPv4 address as the program compares it: in network byte order."""
    return int(struct.unpack("=I", socket.inet_aton(address))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--block", action="append", default=[], metavar="ADDRESS", help="an IPv4 address; may be repeated"
    )
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    with v2.Object.open(object_file("connect_firewall")) as firewall, new_cgroup() as cgroup:
        firewall.load()
        blocked = firewall.maps["blocked"]
        for address in arguments.block:
            blocked[address_key(address)] = 0
        with firewall.programs["on_connect"].attach(path=str(cgroup)):

            def enter() -> None:
                (cgroup / "cgroup.procs").write_text(str(os.getpid()))

            code = subprocess.run(arguments.command, preexec_fn=enter, check=False).returncode
        for address in arguments.block:
            print(f"{address}: {blocked[address_key(address)]} connections refused", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    at_the_end(main)
