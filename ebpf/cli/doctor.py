"""``ebpf doctor``: can eBPF be used here, and if not, why."""

from __future__ import annotations

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_STYLE = {"good": "supported", "note": "compiled_out", "problem": "absent"}


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.epilog = "Exit code: 0 eBPF can be used, 1 there is a problem."


def run(options: argparse.Namespace) -> int:
    """Print one finding for each condition; return 1 when one of them is a problem."""
    import textwrap

    from ebpf.doctor import PROBLEM, examine

    findings = examine()
    if options.json:
        output.dump(
            [{"name": item.name, "status": item.status, "text": item.text, "fix": item.fix} for item in findings]
        )
    else:
        longest = max(len(item.name) for item in findings)
        for item in findings:
            indent = " " * (longest + 13)
            said = textwrap.fill(item.text, output.width(), initial_indent=indent, subsequent_indent=indent).lstrip()
            print(f"  {output.paint(item.status.ljust(8), _STYLE[item.status])} {item.name.ljust(longest)}  {said}")
            if item.fix:
                fix = textwrap.fill(f"fix: {item.fix}", output.width(), initial_indent=indent, subsequent_indent=indent)
                print(output.paint(fix, "dim"))
    return 1 if any(item.status == PROBLEM for item in findings) else 0
