"""Reading the TOML sources: for building and linting only, not shipped to users' imports."""

from __future__ import annotations

import sys
from pathlib import Path

from featuredb.schema import FILES, TABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DATA", "features", "read", "tables"]

DATA = Path(__file__).with_name("data")


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """A source file. Raises `ValueError` naming it when it is no TOML."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None


def features(data: Path = DATA) -> dict[str, list[dict[str, Any]]]:
    """The records of every kind."""
    return {kind: read(path).get(kind, []) for kind, name in FILES.items() if (path := data / f"{name}.toml").exists()}


def tables(data: Path = DATA) -> dict[str, list[dict[str, Any]]]:
    """The tables that are no features, by the name of their file."""
    return {
        name: read(path).get(table, []) for name, table in TABLES.items() if (path := data / f"{name}.toml").exists()
    }
