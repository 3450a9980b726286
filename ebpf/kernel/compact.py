"""The compact form of a recording: names by status, without the evidence, for keeping many kernels in a repository.

::

    {"version": "1", "form": "compact", "kernel": {...},
     "features": {"supported": {"map_type": ["BPF_MAP_TYPE_HASH", ...]}, "absent": {...}},
     "helpers": {"program_types": ["XDP", ...], "supported": {"*": ["bpf_map_lookup_elem", ...], "XDP": [...]}},
     "kfuncs": {...}}

In the tables, helpers are grouped by the program types that may call them, which stand without their prefix, apart by
spaces; ``"*"`` is every program type of the table. A pair that is in no group is *absent*.
"""

from __future__ import annotations

from ebpf.kernel.base import PROFILE_VERSION
from ebpf.verdict import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["FORM", "compact", "expand"]

FORM = "compact"

_KERNEL = ("release", "build", "version", "version_source", "distribution", "architecture")
"""What says which kernel it was; the rest says what the machine and the process were."""

_EVERY = "*"
_PREFIX = "BPF_PROG_TYPE_"


def compact(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The compact form of `Kernel.profile`'s data."""
    kernel = profile["kernel"]
    features: dict[str, dict[str, list[str]]] = {}
    for name, entry in sorted(profile["features"].items()):
        features.setdefault(entry["status"], {}).setdefault(entry["kind"], []).append(name)
    return {
        "version": PROFILE_VERSION,
        "form": FORM,
        "kernel": {key: kernel[key] for key in _KERNEL if kernel.get(key)},
        "features": features,
        "helpers": _compact_table(profile["helpers"]),
        "kfuncs": _compact_table(profile["kfuncs"]),
    }


def _compact_table(table: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    names = sorted({name for row in table.values() for name in row})
    found: dict[str, Any] = {"program_types": [program_type.removeprefix(_PREFIX) for program_type in sorted(table)]}
    for status in sorted({status for row in table.values() for status in row.values()} - {ABSENT}):
        groups: dict[str, list[str]] = {}
        for name in names:
            callers = [program_type for program_type in sorted(table) if table[program_type].get(name) == status]
            every = len(callers) == len(table)
            key = _EVERY if every else " ".join(program_type[len(_PREFIX) :] for program_type in callers)
            if key:
                groups.setdefault(key, []).append(name)
        found[status] = groups
    return found


def expand(data: Mapping[str, Any]) -> dict[str, Any]:
    """The ordinary form of a compact recording.

    Raises `TypeError`, `KeyError` or `AttributeError` when it has not the shape of one. Whether the words in it make
    sense is for the reader of the ordinary form to see.
    """
    return {
        "version": data["version"],
        "kernel": data["kernel"],
        "features": {
            name: {
                "kind": kind,
                "status": status,
                "reasons": [{"source": "profile", "text": f"recorded as {status.replace('_', ' ')}"}],
            }
            for status, kinds in data["features"].items()
            for kind, names in kinds.items()
            for name in names
        },
        "helpers": _expand_table(data["helpers"]),
        "kfuncs": _expand_table(data["kfuncs"]),
    }


def _expand_table(data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    every = data["program_types"]
    table: dict[str, dict[str, str]] = {_PREFIX + program_type: {} for program_type in every}
    for status, groups in data.items():
        if status == "program_types":
            continue
        for callers, names in groups.items():
            for program_type in every if callers == _EVERY else callers.split():
                table[_PREFIX + program_type].update(dict.fromkeys(names, status))
    return table
