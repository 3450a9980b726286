from __future__ import annotations

import json
from pathlib import Path

import pytest

import featuredb
from ebpf.verdict import STATUSES
from tests.ebpf.cli.run import ebpf


def test_the_table_fits_80_columns_and_shows_status_and_need() -> None:
    done = ebpf("features", "--kernel", "5.4")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    line = next(line for line in done.stdout.splitlines() if " BPF_MAP_TYPE_RINGBUF " in line)
    assert line.split()[1:3] == ["BPF_MAP_TYPE_RINGBUF", "absent"]
    assert "needs Linux 5.8" in line


def test_json_is_the_documented_format() -> None:
    profile = json.loads(ebpf("features", "--json", "--kernel", "rhel8.6").stdout)
    assert list(profile) == ["version", "kernel", "features", "helpers", "kfuncs"]
    assert profile["version"] == "1"
    assert {"release", "version", "distribution", "architecture"} <= set(profile["kernel"])
    assert set(profile["features"]) == set(featuredb.names())
    for entry in profile["features"].values():
        assert set(entry) == {"kind", "status", "reasons"}
        assert entry["status"] in STATUSES
        assert all(set(reason) == {"source", "text"} for reason in entry["reasons"])
    assert profile["helpers"]["BPF_PROG_TYPE_XDP"]["bpf_xdp_adjust_head"] == "supported"


@pytest.mark.root
def test_the_running_kernels_json_covers_every_kind_and_reads_back(tmp_path: Path) -> None:
    done = ebpf("features", "--json")
    assert done.returncode == 0, done.stderr
    profile = json.loads(done.stdout)
    assert {entry["kind"] for entry in profile["features"].values()} == set(featuredb.kinds())
    assert profile["helpers"]["BPF_PROG_TYPE_SOCKET_FILTER"]["bpf_map_lookup_elem"] == "supported"
    path = tmp_path / "host.json"
    path.write_text(done.stdout)
    again = ebpf("features", "--json", "--kernel", str(path))
    assert json.loads(again.stdout) == profile


def test_kind_and_status_choose() -> None:
    done = ebpf("features", "--kernel", "5.4", "--kind", "map_type", "--status", "absent", "--json")
    features = json.loads(done.stdout)["features"]
    assert "BPF_MAP_TYPE_RINGBUF" in features
    assert {(entry["kind"], entry["status"]) for entry in features.values()} == {("map_type", "absent")}


def test_markdown_is_a_table() -> None:
    lines = ebpf("features", "--kernel", "5.4", "--kind", "map_type", "--markdown").stdout.splitlines()
    assert lines[0].startswith("# 5.4")
    assert "| `BPF_MAP_TYPE_HASH` | supported |  |" in lines
