"""What one trial said."""

from __future__ import annotations

__all__ = ["Outcome"]


class Outcome:
    """What one trial said.

    Attributes:
        status: one of `ebpf.verdict.STATUSES`.
        text: a clause for a person: what was tried and what came back.
        errno: the errno that decided it; 0 when the call succeeded or none was made.
    """

    __slots__ = ("errno", "status", "text")

    def __init__(self, status: str, text: str, errno: int = 0) -> None:
        self.status = status
        self.text = text
        self.errno = errno

    def __repr__(self) -> str:
        return f"Outcome({self.status!r}, {self.text!r}, errno={self.errno})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        return (self.status, self.text, self.errno) == (other.status, other.text, other.errno)

    def __hash__(self) -> int:
        return hash((self.status, self.text, self.errno))
