"""Every symbol of the ground truth has a record that agrees with it.

symbols.tsv holds one line a symbol, gathered from the headers and sources of 67 releases without looking at this
database.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from featuredb import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Record = dict[str, Any]


SYMBOLS = Path(__file__).with_name("symbols.tsv")


@pytest.fixture(scope="module")
def truth() -> list[Record]:
    symbols = []
    for line in SYMBOLS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            category, name, value, since, absent_in = (None if each == "-" else each for each in line.split("\t"))
            number = None if value is None else int(value)
            symbols.append(
                {"category": category, "name": name, "value": number, "since": since, "absent_in": absent_in}
            )
    assert len(symbols) > 1800
    return symbols


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    """Every name, alias and former name -> its record."""
    found: dict[str, Record] = {}
    for rows in load.features().values():
        for record in rows:
            for name in record.get("aliases", ()):
                found.setdefault(name, record)
            for statement in record.get("statements", ()):
                if "alternative_name" in statement:
                    found.setdefault(statement["alternative_name"], record)
    for rows in load.features().values():
        found.update({record["name"]: record for record in rows})
    return found


def record_of(symbol: Record, records: dict[str, Record]) -> Record | None:
    name: str = symbol["name"]
    return records.get(name) or records.get(name.removeprefix("feature:"))


def statements(record: Record, name: str) -> list[Record]:
    """The intervals in which the record speaks of this name; all when it never names one."""
    every = record.get("statements") or [record]
    return [each for each in every if each.get("alternative_name", record["name"]) == name] or every


def test_no_symbol_is_missing(truth: list[Record], records: dict[str, Record]) -> None:
    assert [symbol["name"] for symbol in truth if record_of(symbol, records) is None] == []


def test_values_agree(truth: list[Record], records: dict[str, Record]) -> None:
    wrong = []
    for symbol in truth:
        record, value = record_of(symbol, records), symbol.get("value")
        if record is not None and value is not None and record.get("value") != value:
            wrong.append((symbol["name"], record.get("value"), value))
    assert wrong == []


@pytest.mark.parametrize("key", ["since", "absent_in"])
def test_intervals_agree(truth: list[Record], records: dict[str, Record], key: str) -> None:
    wrong = []
    for symbol in truth:
        record, value = record_of(symbol, records), symbol.get(key)
        if record is not None and value is not None:
            recorded = [statement.get(key) for statement in statements(record, symbol["name"])]
            if value not in recorded:
                wrong.append((symbol["category"], symbol["name"], recorded, value))
    assert wrong == []
