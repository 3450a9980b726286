"""``python -m tests.prediction``: foretell, load, compare, and write docs/prediction.md."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import debian
from tests.prediction import compare, objects
from tests.prediction.report import document
from vagrant import cache, rows, tools
from vagrant.mirror import configured
from vagrant.result import Result
from vagrant.runner import Runner

_DOCUMENT = Path("docs/prediction.md")


def main() -> int:
    """Returns 0 when nothing was foretold wrongly, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.prediction", description=__doc__)
    parser.add_argument("--kernels", metavar="NAMES", help="names of vagrant/kernels.toml, separated by commas")
    parser.add_argument("--jobs", type=int, default=1, help="guests at a time (1)")
    parser.add_argument("--time-limit", type=float, default=3600, metavar="SECONDS", help="for each kernel (3600)")
    parser.add_argument("--only", metavar="GLOB", default="*", help="only objects of these names")
    parser.add_argument("--work", metavar="DIRECTORY", help="where objects and results are kept")
    parser.add_argument("--compare", action="store_true", help="boot nothing: compare with the results that are kept")
    options = parser.parse_args()
    work = Path(options.work) if options.work else Path.home() / ".cache/ebpf-tests/prediction"
    gathered = work / "objects"
    if not options.compare:
        shutil.rmtree(gathered, ignore_errors=True)
        objects.gather(gathered)
        for path in gathered.glob("*.o"):
            if not path.match(options.only):
                path.unlink()
    chosen = rows.select(options.kernels, rows.kernels()) if options.kernels else list(rows.kernels().values())
    if not options.compare:
        _load(chosen, gathered, work, options.jobs, options.time_limit)
    found = []
    for kernel in chosen:
        kept = work / kernel.name
        if not (kept / "loads.json").exists():
            print(f"{kernel.name}: no results", file=sys.stderr)
            continue
        loads = json.loads((kept / "loads.json").read_text())
        target = compare.target_of(kept, loads["release"])
        found += compare.cases(
            kernel.name, target, sorted(gathered.glob("*.o")), loads["loads"], loads.get("sized", False)
        )
    missing = [name for name in rows.kernels() if name not in {case.kernel for case in found}]
    _DOCUMENT.write_text(document(found, missing), encoding="utf-8")
    wrong = [case for case in found if case.verdict in (compare.FALSE_YES, compare.FALSE_NO)]
    for case in wrong:
        print(f"{case.verdict}: {case.object} on {case.kernel} with {case.loader}: {case.why}")
    print(f"{len(found)} loads, {len(wrong)} foretold wrongly; see {_DOCUMENT}")
    return 1 if wrong else 0


def _load(chosen: Sequence[rows.Kernel], gathered: Path, work: Path, jobs: int, limit: float) -> None:
    why_not = tools.accelerated()

    def keep(result: Result, shared: Path) -> None:
        kept = work / result.kernel
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for name in ("loads.json", "vmlinux.btf", "kconfig"):
            if (shared / name).exists():
                shutil.copyfile(shared / name, kept / name)

    runner = Runner(
        cache.Cache(cache.default()),
        configured,
        lambda name, text: print(f"{name}: {text}", flush=True),
        lambda name, line: print(f"{name}: {line.decode(errors='replace').rstrip()}", flush=True),
        limit=limit,
        acceleration=not why_not,
        collect=keep,
    )
    command = [sys.executable, "-m", "tests.prediction.guest", str(gathered), str(debian.bpftool())]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no guest is left behind
    runner.run(chosen, command, jobs)


if __name__ == "__main__":
    sys.exit(main())
