"""`Obstacle`: one reason why an object cannot be loaded."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.verdict import Verdict

__all__ = ["Obstacle"]


class Obstacle:
    """One reason why an object cannot be loaded.

    Attributes:
        part: ``"program"``, ``"map"``, ``"extern"``, ``"btf"``.
        name: its name.
        section: its section.
        instruction: the number of the instruction in the program, ``None`` when it is about the whole.
        line: the source line, ``"sample.bpf.c:12: x = y + 1;"``; empty when not known.
        reason: what it needs and what is here, in words.
        verdict: the kernel's answer about the feature that is missing, when that is the reason.
        error: the exception that the kernel's refusal became, when it was tried.
    """

    __slots__ = ("error", "instruction", "line", "name", "part", "reason", "section", "verdict")

    def __init__(
        self,
        part: str,
        name: str,
        reason: str,
        *,
        section: str = "",
        instruction: int | None = None,
        line: str = "",
        verdict: Verdict | None = None,
        error: Exception | None = None,
    ) -> None:
        self.part = part
        self.name = name
        self.reason = reason
        self.section = section
        self.instruction = instruction
        self.line = line
        self.verdict = verdict
        self.error = error

    def __str__(self) -> str:
        place = f"{self.part} {self.name!r}" if self.name else self.part
        if self.section and self.section != self.name:
            place += f" ({self.section})"
        if self.instruction is not None and f"instruction {self.instruction}" not in self.reason:
            place += f", instruction {self.instruction}"
        if self.line and self.line not in self.reason:
            place += f", {self.line}"
        return f"{place}: " + self.reason.replace("\n", "\n  ")

    def __repr__(self) -> str:
        return f"<Obstacle {self}>"
