"""Build options: expressions that cannot be read, options that no kernel has."""

from __future__ import annotations

from featuredb import kconfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]


def check(database: Database) -> Iterator[Finding]:
    """kconfig expressions parse, and an option is spelt as kconfig_options.toml spells it where case alone differs."""
    spelt = {str(row["name"]).upper(): str(row["name"]) for row in database.tables.get("kconfig_options", ())}
    for record in database.records:
        value = record.keys.get("kconfig")
        expressions = list(value.values()) if isinstance(value, dict) else [value] if value else []
        programs = record.keys.get("program_types")
        if isinstance(programs, dict):
            expressions += [
                each["kconfig"] for each in programs.values() if isinstance(each, dict) and "kconfig" in each
            ]
        for expression in expressions:
            try:
                kconfig.evaluate(expression, lambda option: "y")
            except ValueError as error:
                yield record.finding(f"kconfig {error}")
                continue
            for option in kconfig.options(expression):
                if spelt.get(option.upper(), option) != option:
                    yield record.finding(f"kconfig: {option} is spelt {spelt[option.upper()]}")
