"""``ebpf explain NAME``: the record, the verdict, the reasons, the alternatives, the source."""

from __future__ import annotations

from ebpf.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ebpf.kernel.base import Kernel
    from featuredb import Feature, Statement


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("name", metavar="NAME", help="a feature")
    parser.add_argument(
        "--program-type", metavar="TYPE", help="for a helper or kfunc: the program type that is to call it"
    )
    output.add_kernel(parser)


def run(options: argparse.Namespace) -> int:
    """Print what is known of the feature."""
    from ebpf.kernel.base import feature

    record = feature(options.name)
    kernel = output.kernel_of(options.kernel)
    rows = _record(record)
    print(output.paint(record.name, "bold"))
    _print([("", record.summary), *rows] if record.summary else rows)
    _verdict(kernel, record, options.program_type)
    return 0


def _record(record: Feature) -> list[tuple[str, str]]:
    rows = [("kind", output.words(record.kind) + (f" {record.value}" if record.value is not None else ""))]
    for statement in record.statements:
        rows.append(("since", _statement(statement)))
        if statement.notes:
            rows.append(("", statement.notes))
    for label, expression in (
        ("exists with", record.kconfig_exist),
        ("loads with", record.kconfig_load),
        ("attaches with", record.kconfig_attach),
    ):
        if expression and expression not in ("none", "unknown"):
            rows.append((label, expression))
    for label, names in (
        ("capabilities", record.capabilities),
        ("depends on", record.depends_on),
        ("alternatives", record.alternatives),
        ("aliases", [alias for alias in record.aliases if ":" not in alias]),
    ):
        if names:
            rows.append((label, ", ".join(names)))
    for program_type, relation in record.program_types.items():
        span = relation.since + (f" until {relation.until}" if relation.until else "")
        rows.append(("called from", f"{program_type} since {span}"))
    rows += [(label, text) for label, text in (("notes", record.notes), ("source", record.source)) if text]
    return rows


def _statement(statement: Statement) -> str:
    text = f"Linux {statement.since}"
    if statement.until:
        text += f" until {statement.until}"
    if statement.arch:
        text += f" on {', '.join(statement.arch)}"
    if statement.commit not in ("", "unknown"):
        subject = f' ("{statement.subject}")' if statement.subject not in ("", "unknown") else ""
        text += f", commit {statement.commit}{subject}"
    return text


def _verdict(kernel: Kernel, record: Feature, program_type: str | None) -> None:
    verdict = kernel.check(record.name, program_type)
    mark = output.paint(f"{output.symbol(verdict.status)} {output.words(verdict.status)}", verdict.status)
    print(f"\n{mark} on {kernel.name}" + (f" for {program_type}" if program_type else ""))
    _print([(reason.source, reason.text) for reason in verdict.reasons])
    if verdict.alternatives:
        print(f"Use instead: {', '.join(verdict.alternatives)}")


def _print(rows: list[tuple[str, str]]) -> None:
    import textwrap

    for label, text in rows:
        lines = textwrap.wrap(text, output.width() - 16) or [""]
        print(f"  {label.ljust(13)} {lines[0]}")
        for line in lines[1:]:
            print(" " * 16 + line)
