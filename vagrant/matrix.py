"""Boots kernel after kernel under QEMU and runs the tests, or a command, in each.

python -m vagrant.matrix                                      every kernel of kernels.toml, the tests that face it
python -m vagrant.matrix --kernels 5.10,newest                some of them
python -m vagrant.matrix --kernels 6.1 -- ebpf supported bpf_loop    a command instead of the tests
python -m vagrant.matrix --image bzImage --config .config     a kernel of your own
python -m vagrant.matrix --vagrant ubuntu-14.04,alma-9        Vagrant's machines, see docs/vagrant.md
"""

from __future__ import annotations

import argparse
import compileall
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from vagrant import cache, machines, report, rows, tools
from vagrant.errors import MatrixError, UnknownName
from vagrant.guest import ROOT
from vagrant.mirror import Mirror, configured
from vagrant.result import NOT_OBTAINABLE, OK, Result
from vagrant.runner import Cancelled, Runner

__all__ = ["main"]

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MISSING = 3
EXIT_INTERRUPTED = 130

_EPILOG = """\
exit codes: 0 every kernel ran and passed; 1 a kernel failed, hung or panicked; 2 wrong use, or a program is missing;
3 nothing failed, but a kernel could not be obtained (0 with --allow-missing); 130 interrupted. A command after -- on a
single kernel passes its own exit code through. docs/matrix.md says more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command: list[str] = []
    if "--" in words:
        command = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
        if not command:
            _complain("a command is missing after --")
            return EXIT_USAGE
    options = _parser().parse_args(words)
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        return _run(options, command)
    except MatrixError as error:
        _complain(str(error))
        return EXIT_USAGE
    except (KeyboardInterrupt, Cancelled):
        _complain("interrupted: every guest has been stopped")
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vagrant.matrix",
        description=(__doc__ or "").strip(),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kernels", metavar="NAMES", help="names of kernels.toml, separated by commas; newest is the last"
    )
    parser.add_argument("--vagrant", metavar="NAMES", help="Vagrant machines of kernels.toml, separated by commas")
    parser.add_argument("--list", action="store_true", help="the names, and which of them are in the cache")
    parser.add_argument("--image", metavar="FILE", help="a bzImage of your own, instead of kernels.toml's")
    parser.add_argument("--config", metavar="FILE", help="the configuration that --image was built with")
    parser.add_argument("--modules", metavar="DIRECTORY", help="the modules of --image, if they are not beside it")
    parser.add_argument("--9p", dest="plan9", action="store_true", help="share the file system with --image by 9p")
    parser.add_argument("--cpu", metavar="MODEL", default="", help="QEMU's -cpu for --image")
    parser.add_argument("--jobs", type=int, metavar="N", help="guests at a time (1 on a single processor, else 2)")
    parser.add_argument("--time-limit", type=float, default=900, metavar="SECONDS", help="for each kernel (900)")
    parser.add_argument("--mirror", metavar="URL", help="the Debian mirror to fetch from (apt's own)")
    parser.add_argument(
        "--security-mirror", metavar="URL", help="where its security suites are (not used with --mirror)"
    )
    parser.add_argument("--refresh", action="store_true", help="fetch newer packages of kernels that are in the cache")
    parser.add_argument("--fetch", action="store_true", help="fill the cache, boot nothing")
    parser.add_argument("--allow-missing", action="store_true", help="a kernel that cannot be obtained is no failure")
    parser.add_argument("--no-kvm", action="store_true", help="emulate, even where KVM is usable")
    parser.add_argument(
        "--report",
        metavar="DIRECTORY",
        default="matrix-report",
        help="where logs, profiles and report.json go (matrix-report)",
    )
    return parser


def _run(options: argparse.Namespace, command: list[str]) -> int:
    known = rows.kernels()
    store = cache.Cache(cache.default())
    if options.list:
        for name in known:
            print(f"{name:8} {'cached' if store.has(name) else 'not fetched yet'}")
        for machine in machines.machines().values():
            print(f"--vagrant {machine.name:20} {machine.special}")
        return 0
    chosen = _chosen(options, known)
    jobs = options.jobs if options.jobs is not None else min(2, os.cpu_count() or 1)
    if jobs < 1 or options.time_limit <= 0:
        raise MatrixError("--jobs and --time-limit must be positive")
    under_qemu = any(isinstance(kernel, rows.Kernel) for kernel in chosen)
    if under_qemu:
        tools.check()
    if any(isinstance(kernel, machines.Machine) for kernel in chosen):
        machines.check()
    _compile(with_tests=not command)
    why_not = tools.accelerated()
    screen = _Screen(chosen, raw=bool(command))
    if not command:
        how = (f", emulated: {why_not}" if why_not else ", with KVM") if under_qemu else ""
        screen.say("", f"{len(chosen)} kernels, {jobs} at a time{how}")
    directory = None if command else _report_directory(options.report)
    runner = Runner(
        store,
        lambda: _mirror(options),
        screen.say,
        screen.output if directory is None else report.Logs(directory, screen.say).line,
        limit=options.time_limit,
        acceleration=not why_not and not options.no_kvm,
        refresh=options.refresh,
        collect=None if directory is None else lambda result, shared: _collect(result, shared, directory, screen),
    )
    if options.fetch:
        return runner.fetch([kernel for kernel in chosen if isinstance(kernel, rows.Kernel)])
    results = runner.run(chosen, command or ["sh", str(ROOT / "vagrant/suite.sh")], jobs)
    if directory is not None:
        report.write(results, directory)
        print(report.table(results))
    else:
        for result in results:
            if result.status not in (OK, "failed"):
                _complain(f"{result.kernel}: {result.status}: {result.explanation}")
                for line in result.console:
                    _complain(f"    {line}")
    return _exit_code(results, command, options.allow_missing)


def _compile(with_tests: bool) -> None:
    """Write byte code beside the sources, pytest its own: a guest cannot write there, and takes long to compile."""
    for package in ("ebpf", "featuredb", "tests"):
        compileall.compile_dir(ROOT / package, quiet=2)
    if with_tests:
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests/ebpf", "tests/examples"]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=600)


def _chosen(options: argparse.Namespace, known: dict[str, rows.Kernel]) -> list[rows.Kernel | machines.Machine]:
    if options.image:
        if options.kernels or options.vagrant:
            raise UnknownName("--image is a kernel of your own: it cannot be used with --kernels or --vagrant")
        name = Path(options.image).name
        return [
            rows.Kernel(
                name,
                cpu=options.cpu,
                image=options.image,
                config=options.config or "",
                modules=options.modules or "",
                plan9=options.plan9,
            )
        ]
    if options.config or options.modules or options.plan9:
        raise UnknownName("--config, --modules and --9p belong to --image")
    chosen: list[rows.Kernel | machines.Machine] = []
    if options.vagrant is not None:
        chosen += machines.select(options.vagrant, machines.machines())
    if options.kernels is not None:
        chosen += rows.select(options.kernels, known)
    elif options.vagrant is None:
        chosen += known.values()
    return chosen


def _mirror(options: argparse.Namespace) -> Mirror:
    if options.mirror:
        return Mirror(options.mirror.rstrip("/"), (options.security_mirror or "").rstrip("/"))
    return configured()


def _report_directory(name: str) -> Path:
    directory = Path(name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MatrixError(f"--report {name}: {error.strerror}") from None
    return directory


def _collect(result: Result, shared: Path, directory: Path, screen: _Screen) -> None:
    result.judge_tests(shared)
    report.keep(result, shared, directory)
    screen.say(result.kernel, report.summary(result))


def _exit_code(results: list[Result], command: list[str], allow_missing: bool) -> int:
    if command and len(results) == 1 and results[0].code is not None:
        return results[0].code
    statuses = {result.status for result in results}
    if statuses - {OK, NOT_OBTAINABLE}:
        return EXIT_FAILED
    if OK not in statuses:
        return EXIT_MISSING
    return EXIT_MISSING if NOT_OBTAINABLE in statuses and not allow_missing else 0


class _Screen:
    """Prints lines as they come, with the kernel's name in front where there are several."""

    def __init__(self, chosen: list[rows.Kernel | machines.Machine], raw: bool) -> None:
        self._width = max(len(kernel.name) for kernel in chosen)
        self._alone = len(chosen) == 1
        self._raw = raw
        self._lock = threading.Lock()

    def say(self, name: str, text: str) -> None:
        with self._lock:
            # Beside a command's output, what the runner says goes to stderr.
            print(f"{name:>{self._width}}  {text}", file=sys.stderr if self._raw else sys.stdout, flush=True)

    def output(self, name: str, line: bytes) -> None:
        with self._lock:
            if not self._alone:
                sys.stdout.write(f"{name:>{self._width}}| ")
                sys.stdout.flush()
            sys.stdout.buffer.write(line)
            sys.stdout.flush()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
