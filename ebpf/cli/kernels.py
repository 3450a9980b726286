"""``ebpf kernels``: the names that ``--kernel`` takes."""

from __future__ import annotations

import featuredb
from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the mainline releases and the distributions."""
    releases, platforms = featuredb.releases(), featuredb.platforms()
    if options.json:
        output.dump(
            {
                "releases": [
                    {"version": item.version, "date": item.date, "lts": item.lts, "eol": item.eol} for item in releases
                ],
                "platforms": [
                    {
                        "name": item.name,
                        "distribution": item.distribution,
                        "kernel": item.kernel,
                        "base": item.base,
                        "released": item.released,
                        "eol": item.eol,
                        "confidence": item.confidence,
                    }
                    for item in platforms
                ],
            }
        )
        return 0
    rows = [(item.version, _text(item.date), "LTS" if item.lts else "", _text(item.eol)) for item in releases]
    print(output.table(rows, header=("release", "date", "", "end of life")))
    rows = [(item.name, _text(item.kernel), _text(item.base), _text(item.eol)) for item in platforms]
    print(output.table(rows, header=("distribution", "kernel", "features of", "end of life")), end="")
    return 0


def _text(value: object) -> str:
    return "" if value in (None, "unknown") else str(value)
