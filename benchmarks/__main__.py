"""``python -m benchmarks [GROUP…]``: measure, print the tables that docs/speed.md holds.

Run it as root, on a machine that does nothing else, with the package installed (``tox -e bench``): a checkout that may
not write ``__pycache__`` compiles every module at each start. ``EBPF_BPFTOOL`` names another bpftool than the one on
the path. The peers in C need a C compiler, bcc Debian's python3-bpfcc, pylibbpf its package and clang; what is not
there is said, and not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys

from benchmarks import measure, native
from benchmarks.cases import CASES, object_case
from benchmarks.rows import Row

# Groups that are measured inside a process: what the table is called, and the implementations it is made for.
_INSIDE = {
    "maps": ("One element, processor time, against a loop in C", ("c", "ctypes")),
    "batches": ("Each of 100,000 elements, processor time, against one batch lookup in C", ("c", "ctypes")),
    "events": ("Each of 20,000 events, processor time", ("c", "ctypes")),
    "peers": ("One lookup, processor time, against the other libraries", ("c", "ctypes")),
}
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NAMES = {"c": "with the C twin", "ctypes": "with ctypes"}


def main() -> int:
    """Run the groups that are asked for and print their tables; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    groups = ("commands", *_INSIDE)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"which to run: {', '.join(groups)}; all without")
    parser.add_argument("--runs", type=int, default=15, help="how often each is measured (default 15)")
    options = parser.parse_args()
    unknown = set(options.groups) - set(groups)
    if unknown:
        parser.error(f"no group is called {', '.join(sorted(unknown))}: there are {', '.join(groups)}")
    wanted = options.groups or groups
    system = f"CPython {platform.python_version()}, Linux {platform.release()}"
    print(f"{system}, {options.runs} interleaved runs: medians of wall time, least processor time")
    missed = 0
    if "commands" in wanted:
        missed += _commands(options.runs)
    for group, (title, implementations) in _INSIDE.items():
        for implementation in implementations if group in wanted else ():
            missed += _inside(group, title, implementation, options.runs)
    return 1 if missed else 0


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
