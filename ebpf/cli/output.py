"""How the command line writes: widths, colours, tables, JSON."""

from __future__ import annotations

import os
import sys

from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from ebpf.kernel.base import Kernel

__all__ = [
    "add_kernel",
    "dump",
    "kernel_of",
    "markdown_table",
    "paint",
    "progress",
    "shorten",
    "symbol",
    "table",
    "words",
]

_COLOURS = {SUPPORTED: "32", ABSENT: "31", COMPILED_OUT: "33", DENIED: "35", UNKNOWN: "36", "bold": "1", "dim": "2"}
_SYMBOLS = {SUPPORTED: "✓", ABSENT: "✗", COMPILED_OUT: "○", DENIED: "!", UNKNOWN: "?"}
_PLAIN = {SUPPORTED: "+", ABSENT: "-", COMPILED_OUT: "o", DENIED: "!", UNKNOWN: "?"}


def add_kernel(parser: argparse.ArgumentParser) -> None:
    """The option that names another kernel."""
    parser.add_argument(
        "--kernel",
        metavar="NAME",
        help="ask about this kernel instead of the running one: 5.4, rhel8.6, debian-12, what uname -r prints,"
        " or the file of a recording",
    )


def kernel_of(name: str | None) -> Kernel:
    """The kernel that an option names; the running one for `None`."""
    from ebpf import kernel

    if name is None or name == "host":
        return kernel.running()
    if os.sep in name or name.endswith(".json"):
        return kernel.recorded(name)
    return kernel.release(name)


def width() -> int:
    """Columns to fill: the terminal's, 80 where there is none."""
    if not sys.stdout.isatty():
        return 80
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns)
    except OSError:
        return 80


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """`text` in a colour (a status, ``"bold"``, ``"dim"``), on a terminal only."""
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if _colours() else text


def symbol(status: str) -> str:
    """One character for a status."""
    encoding = (sys.stdout.encoding or "ascii").lower()
    return (_SYMBOLS if "utf" in encoding else _PLAIN)[status]


def words(text: str) -> str:
    """``compiled_out`` as a person reads it."""
    return text.replace("_", " ")


def shorten(text: str, room: int) -> str:
    """`text` cut to `room` columns."""
    if len(text) <= room:
        return text
    return text[: max(0, room - 1)].rstrip() + "…" if room > 0 else ""


def table(rows: Iterable[Sequence[str]], styles: Sequence[str | None] = (), header: Sequence[str] = ()) -> str:
    """Columns, the last one cut so that lines fit. `styles` paints the cells of a column; a cell's own status wins."""
    rows = [tuple(row) for row in rows]
    if header:
        rows.insert(0, tuple(header))
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = width()
    lines = []
    for number, row in enumerate(rows):
        cells, used = [], 0
        for column, cell in enumerate(row):
            last = column == len(row) - 1
            shown = shorten(cell, room - used) if last else cell.ljust(widths[column])
            used += len(shown) + 2
            style = "bold" if header and number == 0 else (styles[column] if column < len(styles) else None)
            style = cell.strip() if cell.strip() in _COLOURS else style
            cells.append(paint(shown, style) if style else shown)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def progress(text: str) -> None:
    """A line on a terminal that the next one takes the place of; an empty one takes it away."""
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()


def dump(data: object) -> None:
    """JSON on standard output."""
    import json

    # Not json.dump(): that writes piece by piece, without the encoder in C.
    sys.stdout.write(json.dumps(data, indent=1 if sys.stdout.isatty() else None) + "\n")
