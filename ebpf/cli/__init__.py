"""The command line: ``ebpf COMMAND``. Each command is a file of its own and only renders what the library answers.

Exit codes: 0 yes or done, 1 no, 2 a name or an argument that cannot be understood, 3 denied or undecided, 130
interrupted.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["entry", "main"]

USAGE = 2

# name, module, the line that --help shows
_COMMANDS = (
    ("features", "what this kernel, or another one, can do"),
    ("supported", "answer by exit code whether features are there"),
    ("explain", "everything that is known of a feature"),
    ("kernels", "the releases and distributions that are known by name"),
    ("diff", "what came between two kernels"),
    ("check", "what an object file needs, and on which kernels it runs"),
    ("doctor", "can eBPF be used here, and if not, why"),
    ("completion", "print a completion script for a shell"),
)


class _Parser(argparse.ArgumentParser):
    """Errors in one line: what is wrong and where help is."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse makes one for each argument, to check it, and imports shutil to ask how wide the terminal is.
        return argparse.HelpFormatter(self.prog, width=output.width() - 2)

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"ebpf: {message}\nTry: {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def entry() -> NoReturn:
    """Run the command line as the whole process, and leave it without taking its objects apart.

    That would take a tenth of the time of a full report, and looking for garbage meanwhile a thirtieth. Nothing here
    registers anything to be done at exit.
    """
    gc.disable()
    try:
        code = main()
    except SystemExit as request:  # argparse, after --help or a mistake
        code = request.code if isinstance(request.code, int) else USAGE
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: list[str]) -> int:
    # Only the command that is asked for is imported.
    known = [name for name, _ in _COMMANDS]
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    parser = _Parser(prog="ebpf", description="What eBPF can do on this kernel, and on any other.")
    from ebpf import __version__

    parser.add_argument("--version", action="version", version=f"ebpf {__version__}")
    # With prog= argparse need not format a usage line now, for which it imports shutil.
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", parser_class=_Parser, prog="ebpf")
    for name, summary in _COMMANDS:
        if wanted in known and name != wanted:
            continue  # a parser that is not asked for is not made
        child = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == wanted:
            _module(name).configure(child)
    if wanted is not None and wanted not in known:
        from difflib import get_close_matches

        close = get_close_matches(wanted, known, 1)
        hint = f". Did you mean {close[0]}?" if close else f": the commands are {', '.join(known)}"
        parser.error(f"no command is called {wanted!r}{hint}")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return USAGE
    return _guarded(options)


def _guarded(options: argparse.Namespace) -> int:
    from ebpf.errors import EbpfError

    try:
        code: int = _module(options.command).run(options)
    except EbpfError as error:
        print(f"ebpf: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"ebpf: {error.filename or 'bpf'}: {error.strerror or error}", file=sys.stderr)
        return USAGE
    return code


def _module(name: str):  # type: ignore[no-untyped-def]  # a command module: configure(parser), run(options)
    from importlib import import_module

    return import_module(f"ebpf.cli.{name}")
