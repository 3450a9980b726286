"""The compact form of a recording, which the kernels of the matrix are kept in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebpf import kernel
from ebpf.errors import ProfileError
from ebpf.kernel.compact import compact, expand

PROFILE = {
    "version": "1",
    "kernel": {"release": "6.1.0-1", "version": "6.1.7", "architecture": "x86_64", "boot_id": "secret"},
    "features": {
        "BPF_MAP_TYPE_HASH": {"kind": "map_type", "status": "supported", "reasons": []},
        "BPF_MAP_TYPE_ARENA": {"kind": "map_type", "status": "absent", "reasons": []},
        "bpf_fib_lookup": {"kind": "helper", "status": "supported", "reasons": []},
    },
    "helpers": {
        "BPF_PROG_TYPE_XDP": {
            "bpf_fib_lookup": "supported",
            "bpf_ktime_get_ns": "supported",
            "bpf_loop": "compiled_out",
        },
        "BPF_PROG_TYPE_KPROBE": {"bpf_fib_lookup": "absent", "bpf_ktime_get_ns": "supported"},
    },
    "kfuncs": {},
}


def test_names_are_grouped() -> None:
    assert compact(PROFILE) == {
        "version": "1",
        "form": "compact",
        "kernel": {"release": "6.1.0-1", "version": "6.1.7", "architecture": "x86_64"},
        "features": {
            "absent": {"map_type": ["BPF_MAP_TYPE_ARENA"]},
            "supported": {"map_type": ["BPF_MAP_TYPE_HASH"], "helper": ["bpf_fib_lookup"]},
        },
        "helpers": {
            "program_types": ["KPROBE", "XDP"],
            "supported": {"XDP": ["bpf_fib_lookup"], "*": ["bpf_ktime_get_ns"]},
            "compiled_out": {"XDP": ["bpf_loop"]},
        },
        "kfuncs": {"program_types": []},
    }


def test_nothing_is_lost_but_the_evidence_and_the_machine() -> None:
    back = expand(json.loads(json.dumps(compact(PROFILE))))
    features: dict[str, Any] = PROFILE["features"]  # type: ignore[assignment]  # one literal of several types
    assert {name: entry["status"] for name, entry in back["features"].items()} == {
        name: entry["status"] for name, entry in features.items()
    }
    assert back["helpers"] == {
        "BPF_PROG_TYPE_XDP": {
            "bpf_fib_lookup": "supported",
            "bpf_ktime_get_ns": "supported",
            "bpf_loop": "compiled_out",
        },
        "BPF_PROG_TYPE_KPROBE": {"bpf_ktime_get_ns": "supported"},
    }


def test_it_is_read_like_any_recording(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text(json.dumps(compact(PROFILE)))
    recorded = kernel.recorded(path)
    assert recorded.version == "6.1.7"
    assert recorded.check("BPF_MAP_TYPE_HASH").status == "supported"
    assert recorded.check("bpf_fib_lookup", "BPF_PROG_TYPE_XDP").status == "supported"
    assert recorded.check("bpf_fib_lookup", "BPF_PROG_TYPE_KPROBE").status == "absent"
    assert [reason.source for reason in recorded.check("BPF_MAP_TYPE_ARENA").reasons] == ["profile"]


@pytest.mark.parametrize(
    "damage",
    [
        {"features": None},
        {"features": {"supported": ["BPF_MAP_TYPE_HASH"]}},
        {"features": {"perhaps": {"map_type": ["BPF_MAP_TYPE_HASH"]}}},
        {"helpers": {}},
        {"helpers": {"program_types": ["XDP"], "supported": {"SOCKS": ["bpf_loop"]}}},
        {"helpers": {"program_types": ["XDP"], "perhaps": {"XDP": ["bpf_loop"]}}},
        {"kernel": {}},
        {"version": "2"},
    ],
)
def test_a_damaged_one_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = tmp_path / "host.json"
    path.write_text(json.dumps({**compact(PROFILE), **damage}))
    with pytest.raises(ProfileError, match=r"host\.json"):
        kernel.recorded(path)
