"""What is measured, against whom, and the goal."""

from __future__ import annotations

import os
import sys

__all__ = ["CASES", "Case", "object_case"]

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


def object_case(path: str) -> Case:
    """Opening and loading an object, from the start of the process, against bpftool.

    bpftool pins what it loads: it has a BPF file system of its own, in a mount namespace that goes with it.
    """
    load = f"from ebpf import v2; made = v2.Object.open({path!r}); made.load(); made.close()"
    mount = f"mount -t bpf bpf /mnt && exec {BPFTOOL} prog loadall {path} /mnt/made"
    return Case("open and load an object", [sys.executable, "-c", load], ["unshare", "-m", "sh", "-c", mount], 6.0)
