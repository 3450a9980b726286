"""Keys that must be there: what nobody has looked up is said to be unknown, never left out."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """A record has a name; each of its statements says since when, by which commit, and the commit's subject."""
    for record in database.records:
        if not record.keys.get("name"):
            yield record.finding("has no name")
        if record.keys.get("statements") == []:
            yield record.finding("statements is empty: leave it out, or fill it")
        for statement in record.statements():
            for key in ("since", "commit", "subject"):
                if not statement.get(key):
                    yield record.finding(f'has no {key}; write "unknown" where nobody has looked it up')
