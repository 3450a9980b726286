"""An alternative that is of no use."""

from __future__ import annotations

from featuredb.lint.database import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """At least one of the alternatives is older than what it stands in for, unless that has been dropped or renamed."""
    for record in database.records:
        names = record.keys.get("alternatives") or ()
        others = [other for name in names if (other := database.find(name)) is not None]
        if not others or any(statement.get("until") for statement in record.statements()):
            continue
        if all(before(record.since(), other.since()) for other in others):
            yield record.finding(
                f"its alternatives ({', '.join(names)}) all came later, so none helps on an older kernel"
            )
