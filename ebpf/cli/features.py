"""``ebpf features``: what a kernel can do, as a table, as JSON, as Markdown."""

from __future__ import annotations

import sys

from ebpf.cli import output
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, STATUSES, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ebpf.kernel.base import Kernel, Report
    from ebpf.verdict import Verdict

# Names without an ability of their own: shown when asked for, counted always.
_QUIET = frozenset(("constant", "struct_field", "kfunc_set"))


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    output.add_kernel(parser)
    parser.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        help="only this kind of feature: map_type, helper, kfunc … (repeatable)",
    )
    parser.add_argument(
        "--status",
        action="append",
        choices=STATUSES,
        metavar="STATUS",
        help=f"only with this status: {', '.join(STATUSES)}",
    )
    parser.add_argument("--all", action="store_true", help="list constants and fields too")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, the format that --kernel FILE reads")
    form.add_argument("--markdown", action="store_true", help="as Markdown")


def run(options: argparse.Namespace) -> int:
    """Print what the kernel can do."""
    kernel = output.kernel_of(options.kernel)
    report = kernel.report(options.kind)
    if options.json:
        profile = report.profile()
        if options.status:
            profile["features"] = {
                name: entry for name, entry in profile["features"].items() if entry["status"] in options.status
            }
            for key in ("helpers", "kfuncs"):
                profile[key] = {
                    program_type: {name: status for name, status in row.items() if status in options.status}
                    for program_type, row in profile[key].items()
                }
        output.dump(profile)
        return 0
    kinds: dict[str, list[Verdict]] = {}
    for verdict in report.features.values():
        kinds.setdefault(verdict.kind, []).append(verdict)
    if options.markdown:
        _markdown(kernel, kinds, options)
    else:
        _table(kernel, report, kinds, options)
    return 0


def _chosen(kind: str, verdicts: list[Verdict], options: argparse.Namespace) -> list[Verdict]:
    if kind in _QUIET and not (options.all or options.kind or options.status):
        return []
    return [verdict for verdict in verdicts if not options.status or verdict.status in options.status]


def _table(kernel: Kernel, report: Report, kinds: dict[str, list[Verdict]], options: argparse.Namespace) -> None:
    write = sys.stdout.write
    write(output.paint(_title(kernel), "bold") + "\n")
    for kind, verdicts in kinds.items():
        chosen = _chosen(kind, verdicts, options)
        if not chosen:
            continue
        write("\n" + output.paint(output.words(kind), "bold") + "\n")
        rows = [(output.symbol(verdict.status), verdict.name, verdict.status, _note(verdict)) for verdict in chosen]
        longest = max(len(row[1]) for row in rows)
        for mark, name, status, note in rows:
            note = output.shorten(note, output.width() - longest - 19)
            said = output.paint(output.words(status).ljust(12), status)
            why = output.paint(note, "dim") if note else ""
            line = f"  {output.paint(mark, status)} {name.ljust(longest)}  {said} {why}"
            write(line.rstrip() + "\n")
    write("\n" + _summary(report, kinds))
    hidden = [kind for kind, verdicts in kinds.items() if verdicts and not _chosen(kind, verdicts, options)]
    if hidden and not options.status:
        write(f"\nNot listed: {', '.join(output.words(kind) for kind in hidden)}. List them with --all.\n")


def _title(kernel: Kernel) -> str:
    parts = [kernel.name]
    if kernel.version and kernel.version != kernel.name:
        parts.append(f"mainline {kernel.version}")
    parts += [part for part in (kernel.distribution, kernel.architecture) if part]
    return ", ".join(parts)


def _note(verdict: Verdict) -> str:
    """The shortest thing worth saying beside a status."""
    if verdict.status == SUPPORTED:
        return ""
    if verdict.status == ABSENT and verdict.needs:
        return f"needs {verdict.needs}"
    strongest = {COMPILED_OUT: "kconfig", DENIED: "host"}.get(verdict.status, "")
    chosen = [reason for reason in verdict.reasons if reason.source == strongest] or list(verdict.reasons)
    return chosen[0].text if chosen else ""


def _summary(report: Report, kinds: dict[str, list[Verdict]]) -> str:
    counts = {
        kind: [sum(verdict.status == status for verdict in verdicts) for status in STATUSES]
        for kind, verdicts in kinds.items()
    }
    for label, table in (("helper pairs", report.helpers), ("kfunc pairs", report.kfuncs)):
        statuses = [status for row in table.values() for status in row.values()]
        if statuses:
            counts[label] = [statuses.count(status) for status in STATUSES]
    rows = [(output.words(kind), *(str(number) if number else "." for number in row)) for kind, row in counts.items()]
    return output.table(rows, header=("", *(output.words(status) for status in STATUSES)))


def _markdown(kernel: Kernel, kinds: dict[str, list[Verdict]], options: argparse.Namespace) -> None:
    sys.stdout.write(f"# {_title(kernel)}\n")
    for kind, verdicts in kinds.items():
        chosen = _chosen(kind, verdicts, options)
        if chosen:
            rows = [(f"`{verdict.name}`", output.words(verdict.status), _note(verdict)) for verdict in chosen]
            sys.stdout.write(f"\n## {output.words(kind)}\n\n")
            sys.stdout.write(output.markdown_table(("name", "status", "why"), rows))
