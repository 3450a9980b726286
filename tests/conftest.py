"""What the tests share: markers that skip with their reason, and leave nothing skipped where the machine can run it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast this machine is at the moment says nothing about the code.
settings.register_profile("ebpf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ebpf")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: bpf(2) is refused to this user")
    for marker in item.iter_markers("requires"):
        _require(marker.args, marker.kwargs.get("program_type"))


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
