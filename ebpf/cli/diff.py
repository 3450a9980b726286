"""``ebpf diff OLD NEW``: what came between two kernels."""

from __future__ import annotations

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ebpf.kernel.difference import Change


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("old", metavar="OLD", help="a kernel: 4.18, rhel8.6, the file of a recording, or host")
    parser.add_argument("new", metavar="NEW", help="the kernel to compare it with")
    parser.add_argument("--kind", action="append", metavar="KIND", help="only this kind of feature (repeatable)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what the second kernel has gained and lost."""
    from ebpf.kernel.difference import difference

    old, new = output.kernel_of(options.old), output.kernel_of(options.new)
    changes = difference(old, new, options.kind)
    if options.json:
        output.dump(
            [
                {
                    "name": change.name,
                    "kind": change.kind,
                    "program_type": change.program_type,
                    "before": change.before,
                    "after": change.after,
                }
                for change in changes
            ]
        )
        return 0
    kinds: dict[str, list[Change]] = {}
    for change in changes:
        kinds.setdefault(change.kind, []).append(change)
    for kind, members in kinds.items():
        print(output.paint(output.words(kind), "bold"))
        for change in members:
            if change.program_type is None:
                print(_line(change))
        _pairs(members)
        print()
    gained = sum(change.added for change in changes)
    print(f"{old.name} to {new.name}: {gained} gained, {len(changes) - gained} lost or changed")
    return 0


def _line(change: Change) -> str:
    mark = "+" if change.added else "-" if change.before == "supported" else "~"
    note = "" if change.added or mark == "-" else f"  {output.words(change.before)} -> {output.words(change.after)}"
    return output.paint(f"  {mark} {change.name}", "supported" if change.added else "absent") + note


def _pairs(changes: list[Change]) -> None:
    """Functions that both kernels have, and that more or fewer program types may call:

    one line for each program type.
    """
    import textwrap

    rows: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        if change.program_type is not None:
            rows.setdefault(("+" if change.added else "-", change.program_type), []).append(change.name)
    for (mark, program_type), names in rows.items():
        print(f"  {mark} for {program_type}:")
        print(textwrap.fill(", ".join(names), output.width(), initial_indent=" " * 6, subsequent_indent=" " * 6))
