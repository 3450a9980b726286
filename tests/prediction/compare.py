"""What was foretold against what happened."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ebpf import check
from ebpf.check import Answer, Target, targets
from ebpf.errors import EbpfError

__all__ = ["Case", "cases", "target_of"]

RIGHT, VERIFIER, LOADER, FALSE_YES, FALSE_NO, UNDECIDED = (
    "right",
    "verifier",
    "loader",
    "false yes",
    "false no",
    "undecided",
)
"""``VERIFIER``: foretold yes, and refused for what the code does; ``LOADER``: refused before the kernel was asked."""

# The verifier's own judgement: it knew everything that the program uses, and did not accept what is done with it.
_JUDGED = re.compile(r"processed \d+ insns|\n\s+verifier: ")
_LACKS = re.compile(
    r"unknown func|invalid func|cannot use helper|unknown opcode|invalid attach|BTF ID|is not supported|not allowed"
    r"|needs Linux|is not in its BTF|was left out|function calls are not allowed|loops|back-edge|reserved fields"
    r"|call unknown|too large"
)
# What no kernel was asked about: libbpf and this library refuse the object itself.
_LOADER = re.compile(
    r"legacy map definitions|missing BPF prog type|no program type|says no type|failed to guess|can't guess"
    r"|isn't referenced anywhere|attach_prog_fd|target program|no attach target|freplace|bad map relo against"
)


_NOT_PINNED = "can't pin program that wasn't loaded"


@dataclass
class Case:
    """One object on one kernel with one loader."""

    kernel: str
    object: str
    loader: str
    foretold: str
    verdict: str
    said: str
    why: str


def target_of(shared: Path, release: str) -> Target:
    """The kernel of a guest, as files describe it: its release, types and configuration."""
    target = targets.named(release)
    if (shared / "kconfig").exists():
        target = targets.with_config(str(shared / "kconfig"), target)
    if (shared / "vmlinux.btf").exists():
        (target,) = targets.from_btf(str(shared / "vmlinux.btf"), target)
    return target


def cases(
    kernel: str, target: Target, objects: Sequence[Path], loads: Mapping[str, Mapping[str, str]], sized: bool
) -> list[Case]:
    """Every object on one kernel, with each loader; `sized`: this library's was told sizes that objects leave out."""
    found = []
    for path in objects:
        results = dict(loads.get(path.name, {}))
        # An object compiled anew since then has no results.
        if results.pop("sha256", "") != hashlib.sha256(path.read_bytes()).hexdigest():
            continue
        try:
            wanted = check.requirements(path)
            answer = wanted.check(target)
        except EbpfError as error:
            found += [
                Case(kernel, path.name, who, "unreadable", FALSE_NO, "", str(error)) for who in ("bpftool", "ebpf")
            ]
            continue
        unsized = any(note.rule == "unsized" for note in wanted.notes)
        for who, said in results.items():
            if _NOT_PINNED in said:
                said = ""  # bpftool leaves out optional programs, and wonders where they are
            verdict, why = _judge(answer, said, unsized and not (sized and who == "ebpf"))
            found.append(Case(kernel, path.name, who, _foretold(answer), verdict, said, why))
    return found


def _foretold(answer: Answer) -> str:
    if answer.loads:
        return "yes"
    return "no" if any(finding.requirement.stage == "load" for finding in answer.missing) else "undecided"


def _judge(answer: Answer, said: str, unsized: bool) -> tuple[str, str]:
    foretold = _foretold(answer)
    lacking = "; ".join(str(each) for each in answer.missing if each.requirement.stage == "load")
    if foretold == "undecided":
        return UNDECIDED, "; ".join(str(each) for each in answer.undecided)
    if foretold == "no":
        return (RIGHT, lacking) if said else (FALSE_NO, lacking)
    if not said:
        return RIGHT, ""
    if _LOADER.search(said) or unsized:
        return LOADER, _last(said)
    if _JUDGED.search(said) and not _LACKS.search(said):
        return VERIFIER, _last(said)
    return FALSE_YES, _last(said)


def _last(said: str) -> str:
    """The line that says most: the one before the verifier's count, or the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line.startswith("processed ") and number:
            return lines[number - 1]
    return lines[-1] if lines else ""


def count(found: Sequence[Case]) -> Counter[tuple[str, str, str]]:
    """How often each verdict came, by kernel and loader."""
    return Counter((case.kernel, case.loader, case.verdict) for case in found)
