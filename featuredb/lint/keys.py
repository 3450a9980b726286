"""Unknown keys, and values of the wrong type."""

from __future__ import annotations

from featuredb.schema import KEYS, KINDS_OF, RELATION, STATEMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from featuredb.lint.database import Database, Finding, Record

__all__ = ["check"]

_KCONFIG = ("exist", "load", "attach")


def check(database: Database) -> Iterator[Finding]:
    """Every key must be one that the schema knows for the kind, with a value of its type."""
    for record in database.records:
        yield from _keys(record, record.keys, None)
        statements = record.keys.get("statements")
        for statement in statements if isinstance(statements, list) else ():
            if isinstance(statement, dict):
                yield from _keys(record, statement, STATEMENT)
            else:
                yield record.finding(f"statements holds {statement!r}: each must be a table")
        programs = record.keys.get("program_types")
        if isinstance(programs, list) and record.kind in ("helper", "kfunc_set"):
            yield record.finding("program_types must be a table that says since when, not a list")
        if isinstance(programs, dict):
            for program_type, relation in programs.items():
                if isinstance(relation, dict):
                    unknown = [key for key in relation if key not in RELATION]
                    if not isinstance(relation.get("kconfig", ""), str):
                        yield record.finding(f"program_types.{program_type}: kconfig is no str")
                    if unknown:
                        yield record.finding(
                            f"program_types.{program_type}: unknown key {unknown[0]!r}; {_known(RELATION)}"
                        )
                elif not isinstance(relation, str):
                    yield record.finding(f"program_types.{program_type} is {relation!r}: give a release or a table")
        kconfig = record.keys.get("kconfig")
        if isinstance(kconfig, dict):
            for key, value in kconfig.items():
                if key not in _KCONFIG:
                    yield record.finding(f"kconfig: unknown key {key!r}; {_known(_KCONFIG)}")
                elif not isinstance(value, str):
                    yield record.finding(f"kconfig: {key} is {value!r}, which is no str")


def _keys(record: Record, keys: dict[str, Any], allowed: tuple[str, ...] | None) -> Iterator[Finding]:
    for key, value in keys.items():
        kinds = KINDS_OF.get(key)
        if key not in KEYS or (allowed is not None and key not in allowed) or (kinds and record.kind not in kinds):
            yield record.finding(f"unknown key {key!r} for a {record.kind}")
        elif not isinstance(value, KEYS[key]) or (isinstance(value, bool) and bool not in KEYS[key]):
            wanted = " or a ".join(each.__name__ for each in KEYS[key])
            yield record.finding(f"{key} is {value!r}, which is no {wanted}")
        elif isinstance(value, list) and key != "statements" and not all(isinstance(each, str) for each in value):
            yield record.finding(f"{key} must be a list of strings")


def _known(keys: tuple[str, ...]) -> str:
    return f"known are {', '.join(keys)}"
