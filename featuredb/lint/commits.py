"""Commits that are none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]

_DIGITS = 12


def check(database: Database) -> Iterator[Finding]:
    """A commit is 12 hex digits, or "unknown"; a subject that is known has a commit."""
    for record in database.records:
        for statement in record.statements():
            commit = statement.get("commit", "unknown")
            if commit != "unknown" and (len(commit) != _DIGITS or set(commit) - set("0123456789abcdef")):
                yield record.finding(f'commit {commit!r} is not {_DIGITS} hex digits, nor "unknown"')
