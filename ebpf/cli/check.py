"""``ebpf check FILE…``: what do these objects need, and where do they run?"""

from __future__ import annotations

import sys

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from ebpf.check import Answer, Requirements, Target
    from ebpf.cli.check_report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="an object file, as clang -target bpf writes it")
    parser.add_argument(
        "--kernel",
        action="append",
        metavar="NAME",
        help="hold it against this kernel: 5.4, rhel8.6, debian-12, host for the running one (repeatable)",
    )
    parser.add_argument(
        "--profile",
        action="append",
        metavar="PATH",
        help="hold it against a kernel recorded with `ebpf features --json`: a file, or a directory of them",
    )
    parser.add_argument("--btf", metavar="PATH", help="resolve CO-RE relocations against this vmlinux BTF, or these")
    parser.add_argument("--config", metavar="FILE", help="the configuration of the kernel")
    parser.add_argument("--min", metavar="NAME", help="exit with 1 when an object does not run on this kernel")
    parser.add_argument("--all", action="store_true", help="hold it against every kernel that is known")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as Markdown")
    form.add_argument("--sarif", action="store_true", help="as SARIF 2.1.0, for annotations in code reviews")


def run(options: argparse.Namespace) -> int:
    """Print what each file needs.

    Returns 0 when every file runs on every kernel that was asked about, 1 when one does not, 2 when one cannot be read.
    """
    from ebpf import check
    from ebpf.check import targets
    from ebpf.errors import EbpfError

    asked = _targets(options)
    least = targets.named(options.min) if options.min else None
    shown = asked or (targets.everything() if options.all else [] if least else targets.common())
    required = [*([least] if least is not None and least not in asked else []), *asked]
    shown = [*(each for each in required if each not in shown), *shown]
    report = _report(options, shown)
    failed = unreadable = False
    report.begin()
    for path in _progress(options.files):
        try:
            found = check.requirements(path)
            answers = [found.check(target) for target in shown]
        except (EbpfError, OSError) as error:
            unreadable = True
            text = _words(error, path)
            print(f"ebpf: {text}", file=sys.stderr)
            report.unreadable(path, text)
            continue
        failed = failed or _fails(found, answers, required, shown)
        report.file(found, answers)
    report.end()
    return 2 if unreadable else 1 if failed else 0


def _fails(found: Requirements, answers: Sequence[Answer], required: Sequence[Target], shown: Sequence[Target]) -> bool:
    impossible = any(note.level == "error" for note in found.notes)
    return impossible or not all(answer for target, answer in zip(shown, answers) if target in required)


def _report(options: argparse.Namespace, shown: Sequence[Target]) -> Report:
    from ebpf.cli import check_data, check_report

    several = len(options.files) > 1
    if options.json:
        return check_data.Json(shown)
    if options.sarif:
        named = options.kernel or options.profile or options.btf or options.config or options.min or options.all
        return check_data.Sarif(bool(named))
    return check_report.Markdown(shown) if options.markdown else check_report.Text(shown, several)


def _targets(options: argparse.Namespace) -> list[Target]:
    """The kernels that the options name; none when they name none."""
    from ebpf.check import targets

    found = [targets.named(name) for name in options.kernel or ()]
    if options.profile:
        found += targets.recorded(options.profile)
    if options.config:
        bases: list[Target | None] = [*found] or [None]
        found = [targets.with_config(options.config, target) for target in bases]
    if options.btf:
        # One kernel and its BTF belong together; otherwise each BTF is a kernel of its own.
        base = found.pop() if len(found) == 1 else None
        found += targets.from_btf(options.btf, base)
    return found


def _words(error: Exception, path: str) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{path}: {error.strerror}"
    text = " ".join(str(error).split())
    return text if path in text else f"{path}: {text}"


def _progress(files: Sequence[str]) -> Iterator[str]:
    """The files, one by one; on a terminal, after a second, how many are done."""
    import time

    visible = sys.stderr.isatty() and not sys.stdout.isatty() and len(files) > 1
    started = time.monotonic()
    drawn = False
    for number, path in enumerate(files):
        if visible and time.monotonic() - started > 1:
            drawn = True
            output.progress(f"{number} of {len(files)} files")
        yield path
    if drawn:
        output.progress("")
