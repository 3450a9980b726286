"""Words out of a fixed vocabulary, spelt otherwise."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from featuredb.lint.database import Database, Finding, Record

__all__ = ["check"]

_WORDS = {
    "confidence": ("certain", "high", "medium", "low", "lower bound", "table only", "tree interval only"),
    "checked_at": ("load", "attach"),
    "category": ("test", "fmod_ret_target", "prologue"),
    "lockdown": ("integrity", "confidentiality"),
}
_CAPABILITIES = ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_SYS_BOOT")


def check(database: Database) -> Iterator[Finding]:
    """confidence, checked_at, category, lockdown and capabilities say one of the words that are understood."""
    for record in database.records:
        tables = [record.keys, *(record.keys.get("statements") or ())]
        programs = record.keys.get("program_types")
        if isinstance(programs, dict):
            tables += [each for each in programs.values() if isinstance(each, dict)]
        for table in tables:
            yield from _words(record, table)


def _words(record: Record, table: dict[str, Any]) -> Iterator[Finding]:
    for key, words in _WORDS.items():
        if key in table and table[key] not in words:
            yield record.finding(f"{key} = {table[key]!r} is none of {', '.join(words)}")
    for name in table.get("capabilities") or ():
        if name not in _CAPABILITIES:
            yield record.finding(f"capabilities: {name!r} is none of {', '.join(_CAPABILITIES)}")
