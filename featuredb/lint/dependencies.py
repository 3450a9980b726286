"""A child older than what it depends on."""

from __future__ import annotations

from featuredb.lint.database import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """Nothing is older than a feature it depends on, and nothing depends on itself, however far around."""
    for record in database.records:
        for name in record.keys.get("depends_on", ()):
            parent = database.find(name)
            if parent is not None and before(record.since(), parent.since()):
                yield record.finding(
                    f"since {record.since()}, but it depends on {name}, which came with {parent.since()}:"
                    " correct one of the two, or the dependency"
                )
        if record.name in _ancestors(database, record.name):
            yield record.finding("depends on itself, through what it depends on")


def _ancestors(database: Database, name: str) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        record = database.find(ahead.pop())
        for parent in record.keys.get("depends_on", ()) if record is not None else ():
            if parent not in found:
                found.add(parent)
                ahead.append(parent)
    return found
