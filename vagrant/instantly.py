"""A pytest plugin: a failure is shown when it happens, not at an end that a guest may never reach."""

from __future__ import annotations

import pytest

__all__ = ["pytest_runtest_logreport"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        print(f"\n{report.longreprtext}\n", flush=True)
