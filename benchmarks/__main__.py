"""``python -m benchmarks [GROUP…]``: measure, print the tables that docs/speed.md holds.

Run it as root, on a machine that does nothing else, with the package installed (``tox -e bench``): a checkout that may
not write ``__pycache__`` compiles every module at each start. ``EBPF_BPFTOOL`` names another bpftool than the one on
the path. The peers in C need a C compiler, bcc Debian's python3-bpfcc, pylibbpf its package and clang; what is not
there is said, and not measured.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING, TextIO

from benchmarks import measure, native
from benchmarks.cases import CASES, object_case
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Collection

# Groups that are measured inside a process: what the table is called, and the implementations it is made for.
_INSIDE = {
    "maps": ("One element, processor time, against a loop in C", ("c", "ctypes")),
    "batches": ("Each of 100,000 elements, processor time, against one batch lookup in C", ("c", "ctypes")),
    "events": ("Each of 20,000 events, processor time", ("c", "ctypes")),
    "peers": ("One lookup, processor time, against the other libraries", ("c", "ctypes")),
}
_BEGIN, _END = "<!-- tables: python -m benchmarks --write -->", "<!-- end of tables -->"
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NAMES = {"c": "with the C twin", "ctypes": "with ctypes"}


def main() -> int:
    """Run the groups that are asked for and print their tables; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    groups = ("commands", *_INSIDE)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"which to run: {', '.join(groups)}; all without")
    parser.add_argument("--runs", type=int, default=15, help="how often each is measured (default 15)")
    parser.add_argument("--write", metavar="FILE", help="put the tables into this file as well, between its marks")
    options = parser.parse_args()
    unknown = set(options.groups) - set(groups)
    if unknown:
        parser.error(f"no group is called {', '.join(sorted(unknown))}: there are {', '.join(groups)}")
    wanted = options.groups or groups
    if options.write is None:
        return _measure(wanted, options.runs)
    with contextlib.redirect_stdout(_Both(sys.stdout)) as both:
        missed = _measure(wanted, options.runs)
    _write(options.write, both.getvalue())
    return missed


class _Both(io.StringIO):
    """Keeps what is written, and writes it to another stream as well."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text)
        self._stream.flush()
        return super().write(text)


def _measure(wanted: Collection[str], runs: int) -> int:
    system = f"CPython {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} cores"
    print(f"{system}; {runs} interleaved runs: medians of wall time, least processor time")
    missed = 0
    if "commands" in wanted:
        missed += _commands(runs)
    for group, (title, implementations) in _INSIDE.items():
        for implementation in implementations if group in wanted else ():
            missed += _inside(group, title, implementation, runs)
    return 1 if missed else 0


def _write(path: str, tables: str) -> None:
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise SystemExit(f"{path} has no {_BEGIN} and {_END} for the tables to stand between")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n\n{tables.strip()}\n\n{end}{after}")


def _table(title: str) -> None:
    print(f"\n{title}:\n\n| measurement | here | peer | ratio | goal |\n| --- | --- | --- | --- | --- |", flush=True)


def _commands(runs: int) -> int:
    _table("Whole commands, wall time")
    missed = 0
    cases = list(CASES)
    try:
        cases.append(object_case(native.tracing_object()))
    except native.Missing as missing:
        print(f"| open and load an object | not measured: {missing} is not installed | | | ≤ 6.0 |", flush=True)
    for case in cases:
        result = measure.compare(case, runs)
        print(result.line(), flush=True)
        missed += not result.reached
    return missed


def _inside(group: str, title: str, implementation: str, runs: int) -> int:
    """Measure a group in a process of its own; how many goals it missed."""
    environment = {**os.environ, "EBPF_SYSCALL": implementation}
    # The package that is installed, with what was compiled for it, comes before the checkout that this is run from.
    program = f"import sys; sys.path.append({_ROOT!r}); from benchmarks.groups import worker; worker({group!r}, {runs})"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
    _table(f"{title}, {_NAMES[implementation]}")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it failed"])[-1]
        print(Row(group, None, None, missing=reason).line(), flush=True)
        return 0
    rows = [Row(*row) for row in json.loads(done.stdout)]
    for row in rows:
        print(row.line(), flush=True)
    return sum(not row.reached for row in rows)


if __name__ == "__main__":
    sys.exit(main())
