"""Runs two commands in turn and compares their medians."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time

from benchmarks.cases import Case

__all__ = ["Result", "compare"]


class Result:
    """What came out: ``here`` and ``peer`` in milliseconds or megabytes; ``peer`` is `None` where there is none."""

    def __init__(self, case: Case, here: float | None, peer: float | None) -> None:
        self.case = case
        self.here = here
        self.peer = peer

    @property
    def ratio(self) -> float | None:
        """``here`` over ``peer``; ``here`` itself without a peer."""
        if self.here is None:
            return None
        if self.case.peer is None:
            return self.here
        return self.here / self.peer if self.peer else None

    @property
    def reached(self) -> bool:
        """Whether the goal is met; what could not be measured counts as met."""
        return self.ratio is None or self.ratio <= self.case.goal

    def line(self) -> str:
        """A row of the table."""
        unit = "ms" if self.case.unit == "time" else "MB"
        if self.ratio is None:
            missing = self.case.peer[0] if self.case.peer else self.case.command[0]
            return f"| {self.case.name} | not measured: {missing} is not installed | | | ≤ {self.case.goal} |"
        here = f"{self.here:.0f} {unit}"
        peer = f"{self.peer:.0f} {unit}" if self.peer else ""
        return f"| {self.case.name} | {here} | {peer} | {self.ratio:.2f} | ≤ {self.case.goal} |"


def compare(case: Case, runs: int) -> Result:
    """Run both commands `runs` times, in turn, after one uncounted run each."""
    if case.peer is not None and shutil.which(case.peer[0]) is None:
        return Result(case, None, None)
    mine: list[float] = []
    theirs: list[float] = []
    for number in range(runs + 1):
        first = _run(case.command, case.unit)
        second = _run(case.peer, case.unit) if case.peer else 0.0
        if number:
            mine.append(first)
            theirs.append(second)
    return Result(case, statistics.median(mine), statistics.median(theirs) if case.peer else None)


def _run(command: list[str], unit: str) -> float:
    """Milliseconds of wall time, or megabytes of the largest process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = (time.perf_counter() - start) * 1000
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {child.returncode}")
    return wall if unit == "time" else usage.ru_maxrss / 1024
