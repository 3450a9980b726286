"""``ebpf supported NAME…``: an answer for scripts, by exit code."""

from __future__ import annotations

from ebpf.cli import output
from ebpf.verdict import ABSENT, COMPILED_OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

NO, UNDECIDED = 1, 3


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="a feature: BPF_MAP_TYPE_RINGBUF, bpf_loop, bounded_loops …"
    )
    parser.add_argument(
        "--program-type", metavar="TYPE", help="for helpers and kfuncs: the program type that is to call them"
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="answer by exit code only")
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON")
    output.add_kernel(parser)
    parser.epilog = "Exit code: 0 all are supported, 1 one is not, 2 unknown name, 3 denied or undecided."


def run(options: argparse.Namespace) -> int:
    """Print a line for each name; return 0 when all are supported."""
    kernel = output.kernel_of(options.kernel)
    verdicts = [kernel.check(name, options.program_type) for name in options.names]
    if options.json:
        output.dump(
            {
                verdict.name: {
                    "kind": verdict.kind,
                    "status": verdict.status,
                    "reasons": [{"source": reason.source, "text": reason.text} for reason in verdict.reasons],
                }
                for verdict in verdicts
            }
        )
    elif not options.quiet:
        for verdict in verdicts:
            print(f"{output.paint(output.symbol(verdict.status), verdict.status)} {verdict.explain()}")
    if any(verdict.status in (ABSENT, COMPILED_OUT) for verdict in verdicts):
        return NO
    return 0 if all(verdicts) else UNDECIDED
