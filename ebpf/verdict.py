"""The answer to *does this kernel have that feature, for this process?*: one of five words and the evidence for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ABSENT", "COMPILED_OUT", "DENIED", "STATUSES", "SUPPORTED", "UNKNOWN", "Reason", "Verdict"]

SUPPORTED = "supported"
"""Works here."""
ABSENT = "absent"
"""This kernel is too old for it, or has dropped it."""
COMPILED_OUT = "compiled_out"
"""The kernel is new enough but was built without it."""
DENIED = "denied"
"""The kernel has it, but not for this process."""
UNKNOWN = "unknown"
"""The evidence does not decide."""

STATUSES = (SUPPORTED, ABSENT, COMPILED_OUT, DENIED, UNKNOWN)


class Reason:
    """One piece of evidence.

    ``source`` is ``"trial"`` (a syscall was tried), ``"btf"`` (the kernel's own type information), ``"kconfig"``,
    ``"host"`` (capabilities, sysctls, files), ``"overlay"`` (what a distribution's kernel is known to have),
    ``"mainline"`` (the release that brought it) or ``"profile"`` (recorded elsewhere); ``text`` is a clause for a
    person.
    """

    __slots__ = ("source", "text")

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text

    def __repr__(self) -> str:
        return f"Reason({self.source!r}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reason):
            return NotImplemented
        return (self.source, self.text) == (other.source, other.text)

    def __hash__(self) -> int:
        return hash((self.source, self.text))


class Verdict:
    """What a kernel answered about one feature. Truthy only when it is supported.

    Attributes:
        name: the feature's name, as the database spells it.
        kind: its kind, for example ``"map_type"``.
        program_type: the program type that was asked about, for a helper or kfunc; otherwise ``None``.
        status: one of `STATUSES`.
        reasons: the evidence, strongest first (`Reason`).
        kernel: what was asked, in words: ``"6.18.44"``, ``"rhel8.6"``.
        needs: what the feature needs, in words: ``"Linux 4.10 (commit 29ba732acbee)"``; empty when not known.
    """

    __slots__ = ("_alternatives", "kernel", "kind", "name", "needs", "program_type", "reasons", "status")

    def __init__(
        self,
        name: str,
        kind: str,
        status: str,
        reasons: Sequence[Reason],
        *,
        kernel: str,
        program_type: str | None = None,
        alternatives: Sequence[str] | Callable[[], Sequence[str]] = (),
        needs: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.status = status
        self.reasons = tuple(reasons)
        self.kernel = kernel
        self.program_type = program_type
        self._alternatives = alternatives
        self.needs = needs

    def __bool__(self) -> bool:
        return self.status == SUPPORTED

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Names of features that can stand in for it and that this kernel has; looked for when first asked."""
        found = self._alternatives
        if not isinstance(found, tuple):
            found = self._alternatives = tuple(found() if callable(found) else found)
        return found

    @property
    def subject(self) -> str:
        """The feature in words: ``bpf_fib_lookup for BPF_PROG_TYPE_XDP``."""
        return f"{self.name} for {self.program_type}" if self.program_type else self.name

    def explain(self) -> str:
        """One sentence or two: what, why, and what instead."""
        # Of what was refused a person wants to know who refused it; the rest of the evidence is in `reasons`.
        told = [reason for reason in self.reasons if reason.source == "host"] if self.status == DENIED else []
        why = "; ".join(reason.text for reason in told or self.reasons)
        if self.status == ABSENT and self.needs:
            text = f"{self.subject} needs {self.needs}, this is {self.kernel}."
        elif self.status == SUPPORTED:
            text = f"{self.subject} is supported on {self.kernel}: {why}."
        elif self.status == COMPILED_OUT:
            text = f"{self.subject} was left out when {self.kernel} was built: {why}."
        elif self.status == DENIED:
            text = f"{self.subject} is there on {self.kernel}, but not for this process: {why}."
        elif self.status == ABSENT:
            text = f"{self.subject} is absent on {self.kernel}: {why}."
        else:
            text = f"{self.subject} could not be decided on {self.kernel}: {why}."
        if self.status in (ABSENT, COMPILED_OUT) and self.alternatives:
            text += f" Alternative: {', '.join(self.alternatives)}."
        return text

    def __repr__(self) -> str:
        return f"Verdict {self.status}: {self.explain()}"
