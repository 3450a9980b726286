"""A helper or kfunc set open to a program type that did not exist."""

from __future__ import annotations

from featuredb.lint.database import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from featuredb.lint.database import Database, Finding

__all__ = ["check"]

EVERY = "BPF_PROG_TYPE_UNSPEC"


def check(database: Database) -> Iterator[Finding]:
    """A pair is as young as the younger of the two; only sets of kfuncs may be open to every program type at once."""
    types = {record.name: record for record in database.of("program_type")}
    for record in database.of("helper", "kfunc_set"):
        for name, relation in record.keys.get("program_types", {}).items():
            since = relation if isinstance(relation, str) else relation.get("since", "unknown")
            until = None if isinstance(relation, str) else relation.get("until")
            if until not in (None, "unknown") and since != "unknown" and not before(since, until):
                yield record.finding(f"open to {name} since {since}, until {until}, which is not after it")
            program_type = types.get(name)
            if program_type is None:
                yield record.finding(f"open to {name}, which is no program type")
                continue
            if name == EVERY:
                if record.kind == "helper":
                    yield record.finding(f"open to {EVERY}: name the program types one by one")
                continue
            if before(since, record.since()):
                yield record.finding(f"open to {name} since {since}, before {record.since()}, when it came itself")
            if before(since, program_type.since()):
                yield record.finding(f"open to {name} since {since}, which came with {program_type.since()}")
            dropped = program_type.statements()[-1].get("until")
            if dropped not in (None, "unknown") and not before(since, dropped):
                yield record.finding(f"open to {name} since {since}, which was dropped in {dropped}")
