"""The rows of kernels.toml: what the matrix can run, by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from featuredb.load import read
from vagrant.errors import MatrixError, UnknownName

__all__ = ["TABLE", "Kernel", "Tool", "kernels", "select", "tool"]

TABLE = Path(__file__).with_name("kernels.toml")

_KEYS = {
    "qemu": {"name", "suites", "packages", "cpu", "unindexed"},
    "tool": {"name", "suites", "packages"},
}


@dataclass(frozen=True)
class Kernel:
    """One kernel to be booted under QEMU. ``image`` names a person's own one, which is not fetched."""

    name: str
    suites: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    cpu: str = ""
    unindexed: dict[str, str] = field(default_factory=dict)
    image: str = ""
    config: str = ""
    modules: str = ""
    plan9: bool = False


@dataclass(frozen=True)
class Tool:
    """A program and the libraries it was built with, from a suite of its own."""

    name: str
    suites: tuple[str, ...]
    packages: tuple[str, ...]


def kernels(table: Path = TABLE) -> dict[str, Kernel]:
    """Every kernel that runs under QEMU, in the order of the file. Raises `MatrixError` naming what is wrong in it."""
    rows = {}
    for row in _rows(table, "qemu"):
        unindexed = {item["file"]: item["sha256"] for item in row.get("unindexed", ())}
        rows[row["name"]] = Kernel(
            row["name"], tuple(row["suites"]), tuple(row["packages"]), row.get("cpu", ""), unindexed
        )
    return rows


def tool(name: str, table: Path = TABLE) -> Tool:
    """The packages of a program that Debian 12 lacks."""
    for row in _rows(table, "tool"):
        if row["name"] == name:
            return Tool(name, tuple(row["suites"]), tuple(row["packages"]))
    raise MatrixError(f"{table}: no [[tool]] is called {name!r}")


def select(names: str, known: dict[str, Kernel]) -> list[Kernel]:
    """The kernels of a list such as ``5.10,7.3``, in the order asked for, each once.

    ``newest`` is the last of the file. Raises `UnknownName` with the closest names.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise UnknownName(f"--kernels {names!r} names no kernel; known: {', '.join(known)}")
    newest = list(known)[-1]
    chosen: dict[str, Kernel] = {}
    for name in wanted:
        name = newest if name == "newest" else name
        if name not in known:
            raise UnknownName(_unknown(name, known))
        chosen[name] = known[name]
    return list(chosen.values())


def _unknown(name: str, known: dict[str, Kernel]) -> str:
    message = f"no kernel of the matrix is called {name!r}"
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    if close:
        message += f". Did you mean {' or '.join(close)}?"
    return f"{message} Known: {', '.join(known)}" if close else f"{message}; known: {', '.join(known)}"


def _rows(table: Path, kind: str) -> list[dict[str, Any]]:
    try:
        rows = read(table).get(kind, [])
    except (OSError, ValueError) as error:
        raise MatrixError(str(error)) from None
    seen = set()
    for number, row in enumerate(rows, 1):
        name = row.get("name")
        if not isinstance(name, str) or not name:
            raise MatrixError(f"{table}: [[{kind}]] number {number} has no name")
        missing = {"suites", "packages"} - row.keys()
        if missing:
            raise MatrixError(f"{table}: {name}: {', '.join(sorted(missing))} missing")
        strange = row.keys() - _KEYS[kind]
        if strange:
            raise MatrixError(f"{table}: {name}: unknown key {', '.join(sorted(strange))}")
        if name in seen:
            raise MatrixError(f"{table}: two [[{kind}]] are called {name}")
        seen.add(name)
    return rows
