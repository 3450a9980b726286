"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import subprocess
import sys


def ebpf(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """The finished process of ``ebpf ARGUMENTS``."""
    command = [sys.executable, "-m", "ebpf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
