"""A partial statement without a note."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """What is partial says in its notes what is missing."""
    for record in database.records:
        for statement in record.statements():
            if statement.get("partial") and not statement.get("notes"):
                yield record.finding("is partial, but no notes say what is missing")
