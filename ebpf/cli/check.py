"""``ebpf check FILE…``: what do these objects need, and where do they run?"""

from __future__ import annotations

import sys

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from ebpf.check import Answer, Requirements, Target

VERSION = "1"
"""The version of the JSON format; docs/check.md describes it."""


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
    from ebpf.check import targets

    asked = _targets(options)
    least = targets.named(options.min) if options.min else None
    shown = asked or (targets.everything() if options.all else [] if least and options.sarif else targets.common())
    checked: list[tuple[Requirements, list[Answer]]] = []
    unreadable: dict[str, str] = {}
    failed = False
    for path in _progress(options.files):
        try:
            found = _read(path)
            answers = [found.check(target) for target in shown]
        except _unusable() as error:
            unreadable[path] = _words(error, path)
            continue
        judged = list(answers if asked else [])
        if least is not None:
            judged.append(found.check(least))
            if least.name not in {answer.kernel for answer in answers}:
                answers = [judged[-1], *answers]
        failed = failed or not all(judged) or any(note.level == "error" for note in found.notes)
        checked.append((found, answers))
    for text in unreadable.values():
        print(f"ebpf: {text}", file=sys.stderr)
    _form(options)(options, checked, unreadable, [*([least] if least else []), *shown])
    return 2 if unreadable else 1 if failed else 0


def _form(options: argparse.Namespace) -> Callable[..., None]:
    if options.json:
        return _json
    if options.sarif:
        return _sarif
    from ebpf.cli import check_report

    return check_report.markdown if options.markdown else check_report.text


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


def _read(path: str) -> Requirements:
    from ebpf import check

    return check.requirements(path)


def _unusable() -> tuple[type[Exception], ...]:
    from ebpf.errors import EbpfError

    return (EbpfError, OSError)


def _words(error: Exception, path: str) -> str:
    if isinstance(error, OSError) and error.strerror and path not in str(error.strerror):
        return f"{path}: {error.strerror}"
    text = " ".join(str(error).split())
    return text if path in text else f"{path}: {text}"


def _progress(files: Sequence[str]) -> Iterator[str]:
    """The files, one by one; on a terminal, after a second, how many are done."""
    import time

    visible = sys.stderr.isatty() and len(files) > 1
    started = time.monotonic()
    drawn = False
    for number, path in enumerate(files):
        if visible and time.monotonic() - started > 1:
            drawn = True
            print(f"\r{number} of {len(files)} files", end="", file=sys.stderr, flush=True)
        yield path
    if drawn:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _json(
    options: argparse.Namespace,
    checked: Sequence[tuple[Requirements, Sequence[Answer]]],
    unreadable: dict[str, str],
    kernels: Sequence[Target],
) -> None:
    files = {}
    for found, answers in checked:
        files[found.path] = {**found.as_dict(), "kernels": [answer.as_dict() for answer in answers]}
    files.update({path: {"path": path, "error": text} for path, text in unreadable.items()})
    described = [
        {**target.kernel.describe(), "name": target.name, "recorded_in": list(target.hosts)} for target in kernels
    ]
    ordered = [files[path] for path in dict.fromkeys(options.files)]
    output.dump({"version": VERSION, "kernels": described, "files": ordered})


def _sarif(
    options: argparse.Namespace,
    checked: Sequence[tuple[Requirements, Sequence[Answer]]],
    unreadable: dict[str, str],
    kernels: Sequence[Target],
) -> None:
    from ebpf import __version__
    from ebpf.check.sarif import sarif

    asked = bool(options.kernel or options.profile or options.btf or options.config or options.min or options.all)
    output.dump(sarif([(found, answers if asked else []) for found, answers in checked], unreadable, __version__))
