"""What the tests share: markers that skip with their reason, and leave nothing skipped where the machine can run it."""

from __future__ import annotations

import os

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: bpf(2) is refused to this user")
