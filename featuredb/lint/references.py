"""References to records that do not exist."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]

# Key -> the kind that its names must have; None: any.
_REFERENCES = {
    "depends_on": None,
    "alternatives": None,
    "superseded_by": None,
    "program_types": "program_type",
    "attach_types": "attach_type",
    "link_types": "link_type",
    "sets": "kfunc_set",
}


def check(database: Database) -> Iterator[Finding]:
    """Lists of names (depends_on, alternatives, program_types, sets …) name records, and none names its own."""
    for record in database.records:
        for key, kind in _REFERENCES.items():
            for name in record.keys.get(key) or ():
                other = database.find(name)
                if other is None:
                    yield record.finding(f"{key}: there is no record {name!r}")
                elif kind is not None and other.kind != kind:
                    yield record.finding(f"{key}: {name} is a {other.kind}, not a {kind}")
                elif other is record:
                    yield record.finding(f"{key} names the record itself")
        for key in ("joined", "left"):
            for name in record.keys.get(key) or ():
                if name not in (record.keys.get("sets") or ()):
                    yield record.finding(f"{key}: {name} is none of its sets")
