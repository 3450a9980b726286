"""<linux/bpf.h> of several kernel releases, out of Debian's linux-libc-dev packages."""

from __future__ import annotations

from pathlib import Path

from tests import debian

CONFIGURED = debian.CONFIGURED
# The oldest suite the mirrors still carry to the newest, so that every form the header has had since 5.10 is read.
SUITES = (CONFIGURED, "bullseye", "trixie", "trixie-backports", "sid")


def header(suite: str) -> tuple[Path, str]:
    """The header of a suite's newest linux-libc-dev and its release ("6.1.176"); skips the test if it cannot be had."""
    unpacked = debian.package("linux-libc-dev", suite)
    (found,) = unpacked.glob("usr/include/linux/bpf.h")
    return found, debian.release(unpacked)
