"""What ``ebpf check`` prints for people: text in 80 columns, and Markdown."""

from __future__ import annotations

import sys

from ebpf.cli import output
from ebpf.verdict import ABSENT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ebpf.check import Answer, Finding, Requirement, Requirements, Target

__all__ = ["Markdown", "Report", "Text"]

_STYLES = {"yes": SUPPORTED, "adapted": SUPPORTED, "no": ABSENT, "undecided": UNKNOWN}
_SAYS = {"yes": "yes", "adapted": "adapted", "no": "no", "undecided": "unsure"}
_GRADES = (
    ("needs", "Needs", "the load fails without it"),
    ("adapts", "Adapts", "the loader has another way"),
    ("optional", "Optional", "guarded in the code"),
)
_OWN = {
    "core": "of the kernel's types",
    "function": "functions of the kernel",
    "variable": "variables of the kernel",
    "symbol": "symbols of the kernel",
    "option": "build options",
}
_BTF_KIND, _BTF_FLAG = "btf_kind_", "btf_kind_flag"
_BEYOND = "Whether the verifier accepts what the code does is not foretold."


class Report:
    """Somewhere to tell what was found, file by file."""

    def begin(self) -> None:
        """Before the first file."""

    def file(self, found: Requirements, answers: Sequence[Answer]) -> None:
        """A file that was checked."""

    def unreadable(self, path: str, text: str) -> None:
        """A file that was not."""

    def end(self) -> None:
        """After the last file."""


class Text(Report):
    """The report as text.

    Parameters:
        kernels: those that are asked.
        several: whether there is more than one file, and a summary at the end.
    """

    def __init__(self, kernels: Sequence[Target], several: bool) -> None:
        self._kernels = kernels
        self._several = several
        self._rows: list[tuple[str, str, str]] = []

    def file(self, found: Requirements, answers: Sequence[Answer]) -> None:
        _one(found, answers, self._kernels)
        good = sum(bool(answer) for answer in answers)
        self._rows.append((found.minimum_kernel or "none", found.path, f"{good} of {len(answers)} kernels"))

    def unreadable(self, path: str, text: str) -> None:
        self._rows.append(("-", path, "unreadable"))

    def end(self) -> None:
        if self._several:
            _summary(self._rows)
        if self._rows:
            sys.stdout.write(_BEYOND + "\n")


def _one(found: Requirements, answers: Sequence[Answer], kernels: Sequence[Target]) -> None:
    write = sys.stdout.write
    write(output.paint(found.path, "bold") + f": {_minimum(found)}\n")
    for finding in found.forced_by[:3]:
        write(_cut(f"  because of {_title(finding.requirement)}, {_where(finding.requirement)}"))
    for grade, title, means in _GRADES:
        members = [each for each in found.requirements if each.grade == grade]
        if members:
            write(f"\n{output.paint(title, 'bold')} ({means})\n")
            write(_rows(_feature_rows(members)))
            write(_of_the_kernel(members))
    if found.notes:
        write("\n" + output.paint("Notes", "bold") + "\n")
        for note in found.notes:
            place = f" ({note.places[0]})" if note.places else ""
            write(_wrapped(f"{note.level}: {note.text}{place}"))
    if answers:
        write("\n" + output.paint("Kernels", "bold") + "\n")
        write(_rows(list(_kernel_rows(answers, kernels)), styled=True))
    write("\n")


def _minimum(found: Requirements) -> str:
    oldest = found.minimum_kernel
    return f"Linux {oldest} or newer" if oldest else "no kernel on record runs it"


def _newest_first(members: Sequence[Requirement]) -> list[Requirement]:
    return sorted(members, key=_since, reverse=True)


def _since(requirement: Requirement) -> tuple[int, ...]:
    from featuredb import version_key

    return version_key(requirement.since) if requirement.since else (0,)


def _feature_rows(members: Sequence[Requirement]) -> list[tuple[str, str, str]]:
    """Since, what, where: the newest first, and the kinds of BTF together."""
    rows = []
    kinds = [each for each in members if each.name.startswith(_BTF_KIND) and each.name != _BTF_FLAG]
    for each in _newest_first([each for each in members if each.subject is None]):
        if each not in kinds:
            rows.append((each.since or "-", _title(each), _where(each)))
        elif each is _newest_first(kinds)[0]:
            names = [kind.name[len(_BTF_KIND) :] for kind in _newest_first(kinds)]
            rows.append((each.since, f"BTF of {len(kinds)} kinds", ", ".join(names)))
    return rows


def _of_the_kernel(members: Sequence[Requirement]) -> str:
    """What no release decides but the kernel's own types, symbols and options."""
    texts: dict[str, list[str]] = {}
    for each in members:
        if each.subject is not None:
            texts.setdefault(_OWN.get(each.kind, each.kind), []).append(each.name)
    return "".join(_wrapped(f"{label}: {', '.join(names)}") for label, names in texts.items())


def _short(program_type: str) -> str:
    return program_type.replace("BPF_PROG_TYPE_", "").lower()


def _title(requirement: Requirement) -> str:
    if requirement.program_type:
        return f"{requirement.name} ({_short(requirement.program_type)})"
    return requirement.name + (" to attach" if requirement.stage == "attach" else "")


def _where(requirement: Requirement) -> str:
    if not requirement.places:
        return requirement.because
    first, more = requirement.places[0], len(requirement.places) - 1
    if first.line is None:
        return str(first) + (f" (+{more})" if more else "") or requirement.because
    # What is cut off at the end of the line is the program's name.
    return f"{first.file.rpartition('/')[2]}:{first.line}{f' (+{more})' if more else ''}, {first.program}"


def _kernel_rows(answers: Sequence[Answer], kernels: Sequence[Target]) -> Iterator[tuple[str, str, str]]:
    """One row for each kernel; neighbours of one distribution that answer the same share one."""
    hosts = {target.name: len(target.hosts) for target in kernels}
    rows: list[tuple[str, str, str, list[str]]] = []
    for answer in answers:
        status, why = _SAYS[answer.status], _why(answer)
        family = answer.kernel.rstrip("0123456789.-")
        if rows and rows[-1][:3] == (family, status, why):
            rows[-1][3].append(answer.kernel)
        else:
            rows.append((family, status, why, [answer.kernel]))
    for _, status, why, names in rows:
        count = sum(hosts.get(name, 0) for name in names)
        distinct = list(dict.fromkeys(names))
        label = distinct[0] if len(distinct) == 1 else f"{distinct[0]} … {distinct[-1]}"
        yield (f"{label} ({count} hosts)" if count > 1 else label, status, why)


def _why(answer: Answer) -> str:
    """The shortest thing worth saying beside an answer."""
    chosen = answer.missing or answer.undecided
    if not chosen:
        return "; ".join(dict.fromkeys(_instead(finding) for finding in answer.adapted))
    first = max(chosen, key=lambda each: _since(each.requirement))  # what asks for the newest kernel says most
    more = len(chosen) - 1
    said = f"{_title(first.requirement)}: {first.reason}" if first.requirement.kind != "note" else first.reason
    return f"{said} (+{more})" if more else said


def _instead(finding: Finding) -> str:
    adaptation = finding.requirement.adaptation
    return f"without {finding.requirement.name}: {adaptation.instead}" if adaptation else finding.requirement.name


def _rows(rows: Sequence[tuple[str, str, str]], styled: bool = False) -> str:
    """Three columns; the last one is cut so that lines fit."""
    if not rows:
        return ""
    first = max(len(row[0]) for row in rows)
    second = min(max(len(row[1]) for row in rows), output.width() // 2)
    lines = []
    for one, two, three in rows:
        left = f"  {one.ljust(first)}  "
        middle = output.shorten(two, second).ljust(second)
        status = next((style for word, style in _STYLES.items() if _SAYS[word] == two), None)
        shown = output.paint(middle, status) if styled and status else middle
        room = output.width() - len(left) - second - 2
        lines.append((left + shown + "  " + output.shorten(three, room)).rstrip())
    return "\n".join(lines) + "\n"


def _cut(line: str) -> str:
    return output.shorten(line, output.width()) + "\n"


def _wrapped(line: str) -> str:
    import textwrap

    return textwrap.fill(line, output.width(), initial_indent="  ", subsequent_indent="    ") + "\n"


def _summary(rows: Sequence[tuple[str, str, str]]) -> None:
    write = sys.stdout.write
    write(output.paint("Summary", "bold") + "\n")
    longest = max(len(row[0]) for row in rows)
    for version, path, said in rows:
        room = output.width() - longest - len(said) - 6
        shown = path if len(path) <= room else "…" + path[len(path) - room + 1 :]
        write(f"  {version.ljust(longest)}  {shown.ljust(room)}  {said}".rstrip() + "\n")


class Markdown(Report):
    """The report as Markdown.

    Parameters:
        kernels: those that are asked.
    """

    def __init__(self, kernels: Sequence[Target]) -> None:
        self._kernels = kernels

    def file(self, found: Requirements, answers: Sequence[Answer]) -> None:
        write = sys.stdout.write
        write(f"# {found.path}\n\n{_minimum(found)}.\n")
        for finding in found.forced_by[:3]:
            requirement = finding.requirement
            write(f"Because of `{requirement.title}`, {_where(requirement)}.\n")
        for grade, title, means in _GRADES:
            members = _newest_first([each for each in found.requirements if each.grade == grade])
            if members:
                rows = [(f"`{each.title}`", each.since, _where(each)) for each in members]
                write(f"\n## {title}: {means}\n\n")
                write(output.markdown_table(("feature", "since", "where"), rows))
        if found.notes:
            write("\n## Notes\n\n")
            for note in found.notes:
                write(f"- {note.level}: {note.text}{f' ({note.places[0]})' if note.places else ''}\n")
        if answers:
            write("\n## Kernels\n\n")
            write(output.markdown_table(("kernel", "runs", "why"), _kernel_rows(answers, self._kernels)))
        write("\n")

    def unreadable(self, path: str, text: str) -> None:
        sys.stdout.write(f"# {path}\n\nNot checked: {text}\n\n")

    def end(self) -> None:
        sys.stdout.write(_BEYOND + "\n")
