"""A missing source."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """Every record, or each of its statements, says where the fact comes from."""
    for record in database.records:
        if record.keys.get("source"):
            continue
        if not all(statement.get("source") for statement in record.statements()):
            yield record.finding("has no source: name the file or document that shows it")
