"""What is measured, against whom, and the goal."""

from __future__ import annotations

import os
import sys

__all__ = ["CASES", "Case"]

BPFTOOL = os.environ.get("EBPF_BPFTOOL", "bpftool")
_SUPPORTED = "import ebpf; ebpf.features.supported('BPF_MAP_TYPE_LRU_HASH')"
_FEATURES = [os.path.join(os.path.dirname(sys.executable), "ebpf"), "features", "--json"]
# What bpftool probes: program types, map types, helpers for each program type, and a few abilities of the verifier.
_SHARED = ["--kind", "program_type", "--kind", "map_type", "--kind", "helper"]


class Case:
    """One measurement: a command, its peer, and the ratio it must not exceed; ``unit`` is "time" or "memory"."""

    def __init__(self, name: str, command: list[str], peer: list[str] | None, goal: float, unit: str = "time") -> None:
        self.name = name
        self.command = command
        self.peer = peer
        self.goal = goal
        self.unit = unit


CASES = [
    Case("supported() from a cold start", [sys.executable, "-c", _SUPPORTED], [sys.executable, "-c", "pass"], 2.0),
    Case("ebpf features --json, all kinds", _FEATURES, [BPFTOOL, "-j", "feature", "probe", "full"], 2.0),
    Case("… only what bpftool covers", [*_FEATURES, *_SHARED], [BPFTOOL, "-j", "feature", "probe", "full"], 1.2),
    Case("… its memory at the peak, MB", _FEATURES, None, 60.0, "memory"),
]
