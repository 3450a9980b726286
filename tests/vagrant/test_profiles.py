from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf import kernel
from vagrant import profiles

PROFILE = {
    "version": "1",
    "kernel": {"release": "6.1.0-1", "version": "6.1.7"},
    "features": {"BPF_MAP_TYPE_HASH": {"kind": "map_type", "status": "supported", "reasons": []}},
    "helpers": {},
    "kfuncs": {},
}


def test_a_report_becomes_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "DIRECTORY", tmp_path / "profiles")
    report = tmp_path / "report"
    report.mkdir()
    (report / "6.1.json").write_text(json.dumps(PROFILE))
    (report / "report.json").write_text("{}")  # and whatever else is no profile of a kernel
    assert profiles.main([str(report)]) == 0
    assert [path.name for path in (tmp_path / "profiles").iterdir()] == ["6.1.json"]
    recorded = kernel.recorded(tmp_path / "profiles/6.1.json")
    assert recorded.check("BPF_MAP_TYPE_HASH").status == "supported"


def test_a_directory_without_any_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert profiles.main([str(tmp_path)]) == 2
    assert "holds no profile" in capsys.readouterr().err
