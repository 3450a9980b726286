"""What came, and what went, between two kernels."""

from __future__ import annotations

import featuredb
from ebpf.kernel.base import check_kinds
from ebpf.verdict import ABSENT, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ebpf.kernel.base import Kernel

__all__ = ["Change", "difference"]


class Change:
    """One feature that two kernels answer differently about.

    ``name``, ``kind``, ``program_type`` (``None``, or the program type that may, or may no longer, call a helper or
    kfunc that both kernels have), ``before`` and ``after`` (statuses).
    """

    __slots__ = ("after", "before", "kind", "name", "program_type")

    def __init__(self, name: str, kind: str, program_type: str | None, before: str, after: str) -> None:
        self.name = name
        self.kind = kind
        self.program_type = program_type
        self.before = before
        self.after = after

    @property
    def added(self) -> bool:
        """Whether the second kernel supports it and the first does not."""
        return self.after == SUPPORTED

    def __repr__(self) -> str:
        subject = f"{self.name} for {self.program_type}" if self.program_type else self.name
        return f"<Change {subject}: {self.before} -> {self.after}>"


def difference(before: Kernel, after: Kernel, kinds: Collection[str] | None = None) -> list[Change]:
    """The features that `before` and `after` answer differently about, in the database's order.

    Raises `ebpf.errors.ArgumentError` for a kind that does not exist.
    """
    wanted = check_kinds(kinds)
    first, second = before.report(wanted), after.report(wanted)
    changes = []
    for name, verdict in second.features.items():
        old = first.features[name]
        if old.status != verdict.status:
            changes.append(Change(name, verdict.kind, None, old.status, verdict.status))
    for kind, old_table, new_table in (
        ("helper", first.helpers, second.helpers),
        ("kfunc", first.kfuncs, second.kfuncs),
    ):
        for program_type in dict.fromkeys((*old_table, *new_table)):
            old_row, new_row = old_table.get(program_type, {}), new_table.get(program_type, {})
            for name in dict.fromkeys((*old_row, *new_row)):
                old_status, new_status = old_row.get(name, ABSENT), new_row.get(name, ABSENT)
                # A pair is news only when the function itself is none.
                both = first.features[name].status == second.features[name].status == SUPPORTED
                if old_status != new_status and both and featuredb.kind_of(name) == kind:
                    changes.append(Change(name, kind, program_type, old_status, new_status))
    return changes
