"""Rows of the tables, and how a group of them is measured in one process, interleaved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Row", "interleaved"]


class Row:
    """One line: what it costs here, what it costs the peer, and the ratio that it shall not exceed."""

    def __init__(
        self, name: str, here: float | None, peer: float | None, goal: float | None = None, missing: str = ""
    ) -> None:
        self.name = name
        self.here = here
        self.peer = peer
        self.goal = goal
        self.missing = missing

    @property
    def ratio(self) -> float | None:
        """``here`` over ``peer``; `None` where one of them could not be measured."""
        return self.here / self.peer if self.here is not None and self.peer else None

    @property
    def reached(self) -> bool:
        """Whether the goal is met; what could not be measured counts as met."""
        return self.ratio is None or self.goal is None or round(self.ratio, 2) <= self.goal

    def line(self) -> str:
        """A row of the table, in nanoseconds."""
        goal = "" if self.goal is None else f"≤ {self.goal}"
        if self.ratio is None:
            return f"| {self.name} | not measured: {self.missing} | | | {goal} |"
        return f"| {self.name} | {self.here:.0f} ns | {self.peer:.0f} ns | {self.ratio:.2f} | {goal} |"


def interleaved(
    cases: Mapping[str, Callable[[], object]], count: int, runs: int, prepare: Callable[[], object] | None = None
) -> dict[str, float]:
    """The processor time of one step in nanoseconds, by case: the least of runs in turn, after one that is not counted.

    What else the machine does only ever adds to it.

    Parameters:
        cases: each does `count` steps.
        prepare: called before each, outside the measurement.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(runs + 1):
        for name, case in cases.items():
            if prepare is not None:
                prepare()
            start = time.process_time_ns()
            case()
            spent = time.process_time_ns() - start
            if number:
                found[name].append(spent / count)
    return {name: min(times) for name, times in found.items()}
