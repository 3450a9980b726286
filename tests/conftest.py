"""What the tests share: markers that skip with their reason, and leave nothing skipped where the machine can run it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast this machine is at the moment says nothing about the code. The examples are the same in each run, so that a
# failure belongs to a change; EBPF_TESTS_RANDOM=1 looks for new ones.
settings.register_profile(
    "ebpf",
    deadline=None,
    derandomize=os.environ.get("EBPF_TESTS_RANDOM") != "1",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ebpf")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: bpf(2) is refused to this user")
    if (item.get_closest_marker("root") or item.get_closest_marker("requires")) and not _kernel_answers():
        pytest.skip(f"this kernel has not answered a BPF_PROG_LOAD for {_PATIENCE} s")
    for marker in item.iter_markers("requires"):
        _require(marker.args, marker.kwargs.get("program_type"))


_PATIENCE = 60
_LOAD = """
import ctypes, struct
from ebpf import syscall, uapi
code = ctypes.create_string_buffer(bytes.fromhex("b700000000000000" "9500000000000000"))  # r0 = 0; exit
licence = ctypes.create_string_buffer(b"GPL")
attr = struct.pack("=IIQQ", uapi.BPF_PROG_TYPE_SOCKET_FILTER, 2, ctypes.addressof(code), ctypes.addressof(licence))
syscall.attempt(uapi.BPF_PROG_LOAD, attr + bytes(24))
"""


@functools.cache
def _kernel_answers() -> bool:
    """Whether loading a program comes to an end, with whatever answer.

    A kernel in which more frees of programs wait than its work queue takes at once waits for itself
    (bpf_prog_pack_free() flushes work of the queue that it runs on): whoever loads a program then sleeps for ever.
    """
    child = subprocess.Popen([sys.executable, "-c", _LOAD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return True


def _require(names: tuple[str, ...], program_type: str | None) -> None:
    from ebpf import features

    for name in names:
        verdict = features.check(name, program_type)
        if not verdict:
            pytest.skip(verdict.explain())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run in which every test was skipped has shown nothing: it fails."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    ran = sum(len(reporter.stats.get(outcome, ())) for outcome in ("passed", "xfailed", "xpassed"))
    if not ran and reporter.stats.get("skipped"):
        reporter.write_line("every test was skipped: this run has shown nothing", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
