"""What a verifier's log says: the lines that matter, the instruction it stopped at, the source line of that."""

from __future__ import annotations

import re

__all__ = ["Said", "read"]

_STATISTICS = re.compile(
    r"processed \d+|verification time |stack depth |subprog \d|max_states_per_insn|mark_precise:|from \d+ to \d+:"
)
_INSTRUCTION = re.compile(r"(\d+): (?:R\d+=.*)?\(([0-9a-f]{2})\) ")
_SOURCE = re.compile(r"; (.+?)(?: @ (\S+:\d+))?$")
_STATE = re.compile(r"(?:\d+: )?(?:R\d+\w*=|fp-?\d+\w*=|frame\d+:|caller:|callee:|refs=)")
# "insn 12", "from insn 12 to 3": how an instruction is named where there was no walk through the program.
_NAMED = re.compile(r"\binsn (?:idx )?(\d+)")
_REPORT = "Verification failed:"  # 7.2 and later say everything once more, at length
_SHOWN = 6


class Said:
    """What was made of a log.

    Attributes:
        message: the line that says what was wrong; empty for an empty log.
        lines: the last lines that matter, the message among them.
        instruction: the number of the instruction the verifier stopped at, or ``None``.
        source: its source line, as far as the program carries source lines.
    """

    __slots__ = ("instruction", "lines", "message", "source")

    def __init__(self, message: str, lines: list[str], instruction: int | None, source: str) -> None:
        self.message = message
        self.lines = lines
        self.instruction = instruction
        self.source = source


def read(log: str) -> Said:
    """Take a log apart."""
    instruction: int | None = None
    source = ""
    words: list[str] = []
    for line in log.partition(_REPORT)[0].splitlines():
        line = line.rstrip()
        if not line or _STATISTICS.match(line):
            continue
        stopped = _INSTRUCTION.match(line)
        if stopped:
            instruction = int(stopped.group(1))
            words.append(line.partition(" ;")[0].rstrip())
            continue
        comment = _SOURCE.match(line)
        if comment:
            place = f"{comment.group(2)}: " if comment.group(2) else ""
            source = f"{place}{comment.group(1)}"
            continue
        if not _STATE.match(line):
            words.append(line)
    message = next((line for line in reversed(words) if not _INSTRUCTION.match(line)), "")
    named = _NAMED.search(message)
    if named and instruction is None:
        instruction = int(named.group(1))
    return Said(message, words[-_SHOWN:], instruction, source)
