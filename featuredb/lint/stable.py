"""Rows of stable.toml that add, open or close what no record knows."""

from __future__ import annotations

from featuredb.lint.database import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """A stable release is of its series; what it opens and closes are pairs: a helper or kfunc, and a program type."""
    for row in database.tables.get("stable", ()):
        name = str(row.get("version", "(no version)"))
        if not name.startswith(f"{row.get('series')}."):
            yield Finding("stable.toml", name, f"is no release of the series {row.get('series')!r}")
        for key in ("opened", "closed"):
            for pair in row.get(key, ()):
                function, _, program_type = pair.partition(" for ")
                callee, caller = database.find(function), database.find(program_type)
                if callee is None or callee.kind not in ("helper", "kfunc"):
                    yield Finding("stable.toml", name, f"{key}: {function!r} is no helper or kfunc on record")
                if caller is None or caller.kind != "program_type":
                    yield Finding("stable.toml", name, f"{key}: {program_type!r} is no program type on record")
