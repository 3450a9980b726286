"""Versions that no release has."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]

_KEYS = ("since", "until", "absent_in", "usable_since")


def check(database: Database) -> Iterator[Finding]:
    """since, until, absent_in and usable_since name a release of releases.toml, or say "unknown"."""
    known = {"unknown", *database.releases}
    for record in database.records:
        tables = [("", statement) for statement in record.statements()]
        programs = record.keys.get("program_types")
        if isinstance(programs, dict):
            tables += [
                (f"program_types.{name}: ", each if isinstance(each, dict) else {"since": each})
                for name, each in programs.items()
            ]
        for where, table in tables:
            for key in _KEYS:
                version = table.get(key)
                if version is not None and version not in known:
                    yield record.finding(f'{where}{key} = {version!r} is no release (releases.toml), nor "unknown"')
