"""The list of rules, and running them."""

from __future__ import annotations

from featuredb.lint import (
    alternatives,
    commits,
    dependencies,
    duplicates,
    intervals,
    keys,
    options,
    partial,
    references,
    relations,
    required,
    sections,
    sources,
    stable,
    values,
    versions,
    words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from featuredb.lint.database import Database, Finding

    Rule = Callable[[Database], Iterator[Finding]]

__all__ = ["RULES", "run"]

_FIRST: tuple[Rule, ...] = (keys.check, required.check, versions.check)
"""Rules about shape: the others may rely on what they demand."""
_THEN: tuple[Rule, ...] = (
    intervals.check,
    dependencies.check,
    relations.check,
    values.check,
    duplicates.check,
    partial.check,
    sources.check,
    commits.check,
    references.check,
    alternatives.check,
    options.check,
    sections.check,
    stable.check,
    words.check,
)
RULES = _FIRST + _THEN


def run(database: Database) -> list[Finding]:
    """Everything that is wrong; when the shape is, only that."""
    findings = [finding for rule in _FIRST for finding in rule(database)]
    if not findings:
        findings = [finding for rule in _THEN for finding in rule(database)]
    return findings
