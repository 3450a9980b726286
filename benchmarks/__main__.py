"""``python -m benchmarks``: measure, print the table that docs/speed.md holds.

Run it as root with the package installed (``tox -e bench``): a checkout that may not write ``__pycache__`` compiles
every module at each start. ``EBPF_BPFTOOL`` names another bpftool than the one on the path.
"""

from __future__ import annotations

import argparse
import platform
import sys

from benchmarks import measure
from benchmarks.cases import CASES


def main() -> int:
    """Run the cases that are asked for and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which to run: {', '.join(case.name for case in CASES)}")
    parser.add_argument("--runs", type=int, default=15, help="how often each command runs (default 15)")
    options = parser.parse_args()
    unknown = set(options.names) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    print(
        f"CPython {platform.python_version()}, Linux {platform.release()}, medians of {options.runs} interleaved runs\n"
    )
    print("| measurement | here | peer | ratio | goal |\n| --- | --- | --- | --- | --- |")
    worst = 0
    for case in CASES:
        if options.names and case.name not in options.names:
            continue
        print(f"{case.name} …", end="\r", file=sys.stderr, flush=True)
        result = measure.compare(case, options.runs)
        print(result.line(), flush=True)
        worst = max(worst, not result.reached)
    return worst


if __name__ == "__main__":
    sys.exit(main())
