"""Writes the recordings that are kept in the repository: tests/data/profiles, compact, from a report of the matrix.

python -m vagrant.matrix && python -m vagrant.profiles
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ebpf.kernel.compact import compact
from vagrant import rows
from vagrant.guest import ROOT

__all__ = ["main"]

DIRECTORY = ROOT / "tests/data/profiles"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compact every profile of a report directory that belongs to a kernel of kernels.toml; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vagrant.profiles", description=(__doc__ or "").strip())
    parser.add_argument("report", nargs="?", default="matrix-report", help="what the matrix wrote (matrix-report)")
    directory = Path(parser.parse_args(arguments).report)
    found = [path for name in rows.kernels() if (path := directory / f"{name}.json").exists()]
    if not found:
        print(f"{directory} holds no profile; run python -m vagrant.matrix first", file=sys.stderr)
        return 2
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for path in found:
        profile = compact(json.loads(path.read_text()))
        # One name a line, so that a difference between two recordings can be read.
        (DIRECTORY / path.name).write_text(json.dumps(profile, indent=0) + "\n")
        print(f"{path.name}: {profile['kernel']['release']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
