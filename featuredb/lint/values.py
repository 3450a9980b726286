"""Two names for one number of an enum."""

from __future__ import annotations

from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from featuredb.lint.database import Database, Finding, Record

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """In an enum no two names have one value in one release; another name for the same thing is an alias."""
    taken: dict[tuple[str, Any], list[Record]] = {}
    for record in database.records:
        enum, value = record.keys.get("enum"), record.keys.get("value")
        if not enum or value is None:
            continue
        for other in taken.setdefault((enum, value), []):
            if _together(record, other):
                yield record.finding(
                    f"has the value {value} of {enum}, as {other.name} has: make one an alias, or correct the value"
                )
        taken[enum, value].append(record)


def _together(one: Record, other: Record) -> bool:
    return any(_overlap(first, second) for first in one.statements() for second in other.statements())


def _overlap(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return not (_ended(first, second) or _ended(second, first))


def _ended(first: dict[str, Any], second: dict[str, Any]) -> bool:
    until, since = first.get("until"), second["since"]
    return until not in (None, "unknown") and since != "unknown" and version_key(until) <= version_key(since)
