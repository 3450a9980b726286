"""Names of types and commands, and which flag a kernel lacks: asked only after a call has failed."""

from __future__ import annotations

import featuredb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.verdict import Verdict

__all__ = [
    "attach_type_name",
    "command_name",
    "map_type_name",
    "program_type_name",
    "unsupported_flag",
]


def map_type_name(map_type: int) -> str:
    """``BPF_MAP_TYPE_HASH`` for 1; ``map type 99`` for a number without a name."""
    return _named("map_type", map_type) or f"map type {map_type}"


def program_type_name(program_type: int) -> str:
    """``BPF_PROG_TYPE_XDP`` for 6; ``program type 99`` for a number without a name."""
    return _named("program_type", program_type) or f"program type {program_type}"


def attach_type_name(attach_type: int) -> str:
    """``BPF_CGROUP_INET_INGRESS`` for 0; ``attach type 999`` for a number without a name."""
    return _named("attach_type", attach_type) or f"attach type {attach_type}"


def command_name(command: int) -> str:
    """``BPF_MAP_LOOKUP_ELEM`` for 1; ``bpf() command 99`` for a number without a name."""
    return _named("command", command) or f"bpf() command {command}"


def _named(kind: str, value: int) -> str:
    for record in featuredb.features(kind):
        if record.value == value:
            return record.name
    return ""


def unsupported_flag(flags: int) -> Verdict | None:
    """The verdict on the first flag of ``BPF_MAP_CREATE`` among `flags` that this kernel lacks, if there is one."""
    from ebpf.kernel import running

    for record in featuredb.features("flag"):
        if record.group == "BPF_MAP_CREATE" and record.value and flags & record.value:
            verdict = running().check(record.name)
            if not verdict:
                return verdict
    return None
