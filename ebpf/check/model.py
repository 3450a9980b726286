"""What `ebpf.check` speaks of: places in an object, what they require, and what a kernel makes of that."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ebpf.check.program import ProgramCode
    from ebpf.check.target import Target
    from ebpf.core.adaptation import Adaptation

__all__ = [
    "ADAPTED",
    "ADAPTS",
    "ATTACH",
    "GRADES",
    "LOAD",
    "NEEDS",
    "NO",
    "OPTIONAL",
    "UNDECIDED",
    "YES",
    "Answer",
    "Finding",
    "Note",
    "Place",
    "Requirement",
]

NEEDS, ADAPTS, OPTIONAL = GRADES = ("needs", "adapts", "optional")
"""The load fails without it; the loader has a fallback; it is guarded in the code."""

LOAD, ATTACH = "load", "attach"
"""When a requirement makes itself felt."""

YES, ADAPTED, NO, UNDECIDED = "yes", "adapted", "no", "undecided"
"""A kernel's answer to a whole object; ``ADAPTED``: yes, with what the loader does instead."""


class Place:
    """Where in an object: every attribute but `program` may be empty or ``None``.

    Attributes:
        program: the program's name; a map's, or empty for the object as a whole.
        section: the section it is in.
        instruction: the instruction's place in the section, counted in slots as the verifier does.
        function: the function it is in, when that is not the program itself.
        file, line: from the line information; ``line`` is ``None`` when there is none.
    """

    __slots__ = ("file", "function", "instruction", "line", "program", "section")

    def __init__(
        self,
        program: str = "",
        section: str = "",
        instruction: int | None = None,
        function: str = "",
        file: str = "",
        line: int | None = None,
    ) -> None:
        self.program = program
        self.section = section
        self.instruction = instruction
        self.function = function
        self.file = file
        self.line = line

    def __str__(self) -> str:
        """``xdp_pass, filter.bpf.c:42``, ``xdp_pass, instruction 12``."""
        owner = f"{self.program} in {self.function}()" if self.function else self.program
        if self.line is not None:
            at = f"{self.file.rpartition('/')[2]}:{self.line}"
        else:
            at = "" if self.instruction is None else f"instruction {self.instruction}"
        return ", ".join(part for part in (owner, at) if part)

    def __repr__(self) -> str:
        return f"<Place {self}>"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {name: getattr(self, name) for name in self.__slots__}


class Requirement:
    """Something the object asks of a kernel.

    Attributes:
        name: the feature, as the database spells it; for what only a kernel's own type information or configuration
            can tell (a CO-RE relocation, a kernel symbol, a build option) what it is.
        kind: the feature's kind; ``"core"``, ``"symbol"``, ``"function"`` or ``"option"`` for those.
        program_type: for a helper or kfunc: the type of the programs that call it.
        grade: ``NEEDS``, ``ADAPTS`` or ``OPTIONAL``.
        stage: ``LOAD`` or ``ATTACH``.
        because: a clause that says what in the object asks for it.
        places: where, in the order of the object.
        guards: for an optional one: what the code asks before it uses it.
        adaptation: for an adaptable one: what the loader does instead.
    """

    __slots__ = (
        "adaptation",
        "because",
        "codes",
        "conditional",
        "grade",
        "guards",
        "key",
        "kind",
        "name",
        "places",
        "program_type",
        "stage",
        "subject",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        program_type: str | None,
        grade: str,
        stage: str,
        because: str,
        places: Sequence[Place],
        codes: Sequence[tuple[ProgramCode, int]] = (),
        guards: Sequence[str] = (),
        adaptation: Adaptation | None = None,
        subject: object = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.program_type = program_type
        self.grade = grade
        self.stage = stage
        self.because = because
        self.places = tuple(places)
        self.codes = tuple(codes)
        self.guards = tuple(guards)
        self.adaptation = adaptation
        self.subject = subject
        self.key = (name, program_type)
        self.conditional = bool(self.codes) and not any(code.plain for code, _ in self.codes)

    # conditional: whether it depends on the kernel that instructions of `codes` run.

    @property
    def title(self) -> str:
        """``bpf_fib_lookup for BPF_PROG_TYPE_XDP``."""
        return f"{self.name} for {self.program_type}" if self.program_type else self.name

    @property
    def since(self) -> str:
        """The mainline release that brought it; empty for what no release decides, or when it is not known."""
        if self.subject is not None or self.kind == "note":
            return ""
        import featuredb

        record = featuredb.get(self.name)
        relations = record.program_types if self.program_type is not None else {}
        relation = relations.get(self.program_type or "") or relations.get("BPF_PROG_TYPE_UNSPEC")
        since = relation.since if relation is not None else record.since
        return "" if since == "unknown" else since

    def needed_on(self, target: Target) -> bool:
        """Whether an optional one is not optional there: the guards let the code through that uses it."""
        return reached(self.codes, lambda code: code.paths(target))

    def __repr__(self) -> str:
        return f"<Requirement {self.grade} {self.title}>"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; docs/check.md describes it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "program_type": self.program_type,
            "grade": self.grade,
            "stage": self.stage,
            "because": self.because,
            "guards": list(self.guards),
            "instead": self.adaptation.instead if self.adaptation is not None else None,
            "places": [place.as_dict() for place in self.places],
        }


def reached(uses: Sequence[tuple[ProgramCode, int]], paths: Callable[[ProgramCode], Sequence[frozenset[int]]]) -> bool:
    """Whether one of these instructions runs, whichever way a program goes."""
    slots: dict[ProgramCode, set[int]] = {}
    for code, slot in uses:
        slots.setdefault(code, set()).add(slot)
    return any(all(path & own for path in paths(code)) for code, own in slots.items())


class Note:
    """Something to say about an object that is no kernel's doing.

    Attributes:
        level: ``"error"``: no kernel loads it; ``"warning"``: it may not do what is meant elsewhere; ``"note"``.
        rule: a short name that stays: ``"license"``, ``"superseded"``, ``"portability"`` …
        text: one sentence.
        places: where.
    """

    __slots__ = ("level", "places", "rule", "text")

    def __init__(self, level: str, rule: str, text: str, places: Sequence[Place] = ()) -> None:
        self.level = level
        self.rule = rule
        self.text = text
        self.places = tuple(places)

    def __repr__(self) -> str:
        return f"<Note {self.level} {self.rule}: {self.text}>"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        places = [place.as_dict() for place in self.places]
        return {"level": self.level, "rule": self.rule, "text": self.text, "places": places}


class Finding:
    """A requirement that a kernel does not simply meet.

    Attributes:
        requirement: what is asked for.
        grade: what its absence means there: the load fails (``NEEDS``), the loader does something else (``ADAPTS``),
            the program does without (``OPTIONAL``).
        status: ``"absent"``, ``"compiled_out"``, ``"denied"`` or ``"unknown"``, as a `Verdict` has it.
        reason: a clause that says why.
    """

    __slots__ = ("_reason", "_target", "grade", "requirement", "status")

    def __init__(
        self, requirement: Requirement, grade: str, status: str, target: Target | None, reason: str = ""
    ) -> None:
        self.requirement = requirement
        self.grade = grade
        self.status = status
        self._target = target
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._target.reason(self.requirement) if self._target is not None else self._reason

    def __str__(self) -> str:
        where = f" ({self.requirement.places[0]})" if self.requirement.places else ""
        return f"{self.requirement.title}: {self.reason}{where}"

    def __repr__(self) -> str:
        return f"<Finding {self.grade} {self.requirement.title} {self.status}: {self.reason}>"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; docs/check.md describes it."""
        return {
            "name": self.requirement.name,
            "program_type": self.requirement.program_type,
            "grade": self.grade,
            "stage": self.requirement.stage,
            "status": self.status,
            "reason": self.reason,
        }


class Answer:
    """What one kernel makes of an object.

    Attributes:
        kernel: the kernel's name.
        findings: every requirement that it does not simply meet, as `Finding`.
    """

    __slots__ = ("findings", "kernel")

    def __init__(self, kernel: str, findings: list[Finding]) -> None:
        self.kernel = kernel
        self.findings = findings

    @property
    def missing(self) -> list[Finding]:
        """What keeps the object from loading or attaching there."""
        return [each for each in self.findings if each.grade == NEEDS and each.status != "unknown"]

    @property
    def undecided(self) -> list[Finding]:
        """What may keep it from loading: the evidence does not say."""
        return [each for each in self.findings if each.grade == NEEDS and each.status == "unknown"]

    @property
    def adapted(self) -> list[Finding]:
        """What the loader does otherwise there."""
        return [each for each in self.findings if each.grade == ADAPTS and each.status != "unknown"]

    @property
    def status(self) -> str:
        """``YES``, ``ADAPTED``, ``NO`` or ``UNDECIDED``."""
        worst = YES
        for finding in self.findings:
            if finding.grade == NEEDS:
                if finding.status != "unknown":
                    return NO
                worst = UNDECIDED
            elif finding.grade == ADAPTS and finding.status != "unknown" and worst == YES:
                worst = ADAPTED
        return worst

    @property
    def loads(self) -> bool:
        """Whether the object loads there, as far as it is known, whether or not it can be attached."""
        return not any(each.grade == NEEDS and each.requirement.stage == LOAD for each in self.findings)

    def __bool__(self) -> bool:
        return self.status in (YES, ADAPTED)

    def __repr__(self) -> str:
        return f"<Answer {self.kernel}: {self.status}>"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; docs/check.md describes it."""
        findings = [finding.as_dict() for finding in self.findings]
        return {"kernel": self.kernel, "status": self.status, "findings": findings}
