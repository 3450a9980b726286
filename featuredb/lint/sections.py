"""Rows of sections.toml that say what no record knows."""

from __future__ import annotations

from featuredb.lint.database import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from featuredb.lint.database import Database

__all__ = ["check"]

_KEYS: dict[str, type] = {
    "name": str,
    "target": str,
    "program_type": str,
    "attach_type": str,
    "attach_type_optional": bool,
    "attach_btf": bool,
    "flags": list,
    "prefix": bool,
    "libbpf": str,
    "libbpf_until": str,
}
_TARGETS = ("none", "optional", "required")


def check(database: Database) -> Iterator[Finding]:
    """A section has a name of its own and known keys, and its types and flags are records of their kinds."""
    seen: set[str] = set()
    for row in database.tables.get("sections", ()):
        name = str(row.get("name", "(no name)"))
        for text in (*_shape(row), *_references(database, row)):
            yield Finding("sections.toml", name, text)
        if name in seen:
            yield Finding("sections.toml", name, "is there twice")
        seen.add(name)


def _shape(row: dict[str, Any]) -> Iterator[str]:
    for key in ("name", "program_type", "libbpf"):
        if not row.get(key):
            yield f"has no {key}"
    for key, value in row.items():
        if key not in _KEYS:
            yield f"unknown key {key!r}; known are {', '.join(_KEYS)}"
        elif not isinstance(value, _KEYS[key]):
            yield f"{key} is {value!r}, which is no {_KEYS[key].__name__}"
    if row.get("target", "none") not in _TARGETS:
        yield f"target = {row['target']!r} is none of {', '.join(_TARGETS)}"
    if str(row.get("name", ""))[-1:] in ("/", "+"):
        yield "ends like libbpf's own table does: say it with `target`"
    if row.get("attach_type_optional") and "attach_type" not in row:
        yield "attach_type_optional says nothing without an attach_type"


def _references(database: Database, row: dict[str, Any]) -> Iterator[str]:
    kinds = ("program_type", "attach_type")
    wanted: list[tuple[str, str, Any]] = [(key, key, row[key]) for key in kinds if key in row]
    flags = row.get("flags")
    wanted += [("flags", "flag", name) for name in (flags if isinstance(flags, list) else ())]
    for key, kind, name in wanted:
        record = database.find(name)
        if record is None or record.kind != kind:
            yield f"{key}: {name!r} is no {kind.replace('_', ' ')} on record"
