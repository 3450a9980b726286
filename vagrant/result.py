"""What came out of one kernel, and how it is judged."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from vagrant.guest import Outcome

__all__ = ["NOT_OBTAINABLE", "OK", "Result", "read_tests"]

OK = "ok"
NOT_OBTAINABLE = "not obtainable"


@dataclass
class Result:
    """One row of the report. ``status`` is ``"ok"``, or the word for what went wrong."""

    kernel: str
    status: str
    release: str = ""
    explanation: str = ""
    code: int | None = None  # the command's
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    boot_seconds: float | None = None
    run_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    skip_reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    profile: str = ""  # the file it was recorded to

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_command(cls, kernel: str, outcome: Outcome) -> Result:
        """A command's result: ok when it exited with 0."""
        result = cls(kernel, outcome.status, outcome.release)
        result.code = outcome.code
        result.boot_seconds, result.run_seconds = outcome.boot_seconds, outcome.run_seconds
        result.notes = outcome.notes
        if outcome.status == "exited":
            result.status = OK if outcome.code == 0 else "failed"
        if result.status != OK:
            result.console = outcome.console[-40:]
            result.explanation = _explain(outcome)
        return result

    def judge_tests(self, shared: Path) -> None:
        """Count the tests of a run, and see that it has shown something: none passed and no profile is no success."""
        counted = read_tests(shared / "junit.xml")
        if counted is not None:
            self.passed, self.failed, self.skipped, self.failures, self.skip_reasons = counted
        if self.failed and self.status == OK:
            self.status = "failed"
        if self.status == OK and not self.passed:
            self.status, self.explanation = "failed", "no test ran: this has shown nothing"
        if self.status == OK and not _is_profile(shared / "profile.json"):
            self.status, self.explanation = "failed", "no profile was recorded"
        if self.status == "failed" and self.failed:
            self.explanation = f"{self.failed} failed"


def read_tests(path: Path) -> tuple[int, int, int, list[str], list[str]] | None:
    """What pytest's JUnit file tells: tests passed, failed and skipped, the failed ones' names, the skips' reasons."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None
    failures, reasons = [], []
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        for child in case:
            if child.tag in ("failure", "error"):
                failures.append(
                    f"{name}: {(child.get('message') or '').splitlines()[0][:200] if child.get('message') else ''}"
                )
            elif child.tag == "skipped":
                reasons.append(child.get("message") or "")
    failed = len({name.partition(": ")[0] for name in failures})
    return len(cases) - failed - len(reasons), failed, len(reasons), failures, sorted(set(reasons))


def _is_profile(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text())["features"])
    except (OSError, ValueError, KeyError):
        return False


def _explain(outcome: Outcome) -> str:
    last = [line for line in outcome.console if line.strip()]
    if outcome.status == "exited":
        return f"exit code {outcome.code}"
    if outcome.status == "panicked":
        panic = next(line for line in outcome.console if "Kernel panic" in line)
        return re.sub(r"^\[[ \d.]+\] ", "", panic)
    if outcome.status == "hung":
        where = "while booting" if outcome.boot_seconds is None else f"{outcome.run_seconds:.0f} s into the command"
        return f"no end in sight {where}{f'; it last printed: {outcome.last_line[:200]}' if outcome.last_line else ''}"
    return f"ended without a result{': ' + last[-1] if last else ''}"
