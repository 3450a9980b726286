"""The tests of ring buffers run over the C twin and over Python."""

from __future__ import annotations

import pytest

from ebpf.core.events import ring


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "reading" in metafunc.fixturenames:
        metafunc.parametrize("reading", ["c", "python"] if ring.twin is not None else ["python"], indirect=True)


@pytest.fixture
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which implementation reads ring buffers."""
    if request.param == "python":
        monkeypatch.setattr(ring, "twin", None)
    which: str = request.param
    return which
