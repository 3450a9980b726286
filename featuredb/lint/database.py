"""What the rules look at: every record with its kind and file, and the releases there are."""

from __future__ import annotations

from featuredb import load
from featuredb.schema import FILES
from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

__all__ = ["Database", "Finding", "Record", "before"]


class Finding:
    """Something wrong: the file, the record's name, and what is wrong and how to mend it."""

    __slots__ = ("file", "name", "text")

    def __init__(self, file: str, name: str, text: str) -> None:
        self.file = file
        self.name = name
        self.text = text

    def __str__(self) -> str:
        return f"{self.file}: {self.name}: {self.text}"


class Record:
    """One table of a source file."""

    __slots__ = ("file", "keys", "kind")

    def __init__(self, kind: str, file: str, keys: dict[str, Any]) -> None:
        self.kind = kind
        self.file = file
        self.keys = keys

    @property
    def name(self) -> str:
        """Its name; a placeholder for a record without one."""
        return str(self.keys.get("name", "(no name)"))

    def statements(self) -> list[dict[str, Any]]:
        """Its intervals: the list of statements, or the record itself."""
        statements = self.keys.get("statements")
        return statements if isinstance(statements, list) else [self.keys]

    def since(self) -> str:
        """The release it first came with; ``"unknown"`` too when it says none."""
        known = [str(each.get("since", "unknown")) for each in self.statements()]
        known = [version for version in known if version != "unknown"]
        return min(known, key=version_key) if known else "unknown"

    def finding(self, text: str) -> Finding:
        """A finding about this record."""
        return Finding(self.file, self.name, text)


class Database:
    """All records.

    Parameters:
        features: the records of each kind.
        tables: the tables that are no features, by file; ``releases`` and ``kconfig_options`` are used.
    """

    def __init__(self, features: dict[str, list[dict[str, Any]]], tables: dict[str, list[dict[str, Any]]]) -> None:
        self.records = [
            Record(kind, f"{FILES.get(kind, kind)}.toml", keys) for kind, rows in features.items() for keys in rows
        ]
        self.tables = tables
        self.by_name = {record.name: record for record in self.records}
        self.releases = [str(row["version"]) for row in tables.get("releases", ())]

    @classmethod
    def read(cls, data: Path = load.DATA) -> Database:
        """The sources as they are."""
        return cls(load.features(data), load.tables(data))

    def of(self, *kinds: str) -> Iterator[Record]:
        """The records of some kinds."""
        return (record for record in self.records if record.kind in kinds)

    def find(self, name: str) -> Record | None:
        """A record by name or alias."""
        found = self.by_name.get(name)
        if found is None:
            found = next((each for each in self.records if name in each.keys.get("aliases", ())), None)
        return found


def before(one: str, other: str) -> bool:
    """Whether a release comes before another; False when either is not known."""
    return "unknown" not in (one, other) and version_key(one) < version_key(other)
