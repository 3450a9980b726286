"""Intervals that end before they begin, or overlap."""

from __future__ import annotations

from featuredb.lint.database import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from featuredb.lint.database import Database, Finding, Record

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """absent_in comes before since, since before until and not after usable_since; statements do not overlap."""
    for record in database.records:
        statements = record.statements()
        for statement in statements:
            yield from _one(record, statement)
        for first, second in zip(statements, statements[1:]):
            if first.get("arch") != second.get("arch"):
                continue  # each architecture has a history of its own
            end = first.get("until")
            if end is None or before(second["since"], end):
                yield record.finding(f"the statement since {second['since']} overlaps the one since {first['since']}")


def _one(record: Record, statement: dict[str, Any]) -> Iterator[Finding]:
    since = statement["since"]
    absent, until, usable = (statement.get(key) for key in ("absent_in", "until", "usable_since"))
    if absent is not None and "unknown" not in (absent, since) and not before(absent, since):
        yield record.finding(f"absent_in {absent} is not before since {since}")
    if until is not None and "unknown" not in (until, since) and not before(since, until):
        yield record.finding(f"until {until} is not after since {since}")
    if usable is not None and before(usable, since):
        yield record.finding(f"usable_since {usable} is before since {since}")
