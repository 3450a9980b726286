"""Names that two records claim."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """A name, or an alias, belongs to one record of all kinds."""
    owners: dict[str, str] = {}
    for record in database.records:
        for name in (record.name, *record.keys.get("aliases", ())):
            if name in owners:
                yield record.finding(f"{name!r} is the name or alias of another record too (in {owners[name]})")
            owners.setdefault(name, record.file)
