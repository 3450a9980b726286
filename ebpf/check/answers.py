"""Everything one object asks of a kernel, held against any number of them."""

from __future__ import annotations

from ebpf.check.model import ADAPTS, NEEDS, OPTIONAL, Answer, Finding, Requirement
from ebpf.verdict import ABSENT, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Union

    from ebpf.check.model import Note
    from ebpf.check.target import Target
    from ebpf.kernel.base import Kernel

    Askable = Union[str, Kernel, Target]

__all__ = ["Requirements"]


class Requirements:
    """What an object file needs; `ebpf.check.requirements` reads it.

    Attributes:
        path: the file, or what the object was called.
        license: as the object states it; empty when it does not.
        programs: each program, as JSON-able data: name, section, program_type, attach_type, instructions.
        maps: each map: name, map_type, key_size, value_size, max_entries.
        requirements: `Requirement` by `Requirement`, hard ones first.
        notes: what no kernel changes: licence, portability, superseded helpers (`Note`).

    What static analysis cannot know is the verifier's own judgement: an object whose every requirement is met may
    still be refused for what it does with its pointers.
    """

    def __init__(
        self,
        path: str,
        license: str,
        programs: Sequence[dict[str, Any]],
        maps: Sequence[dict[str, Any]],
        requirements: Sequence[Requirement],
        notes: Sequence[Note],
    ) -> None:
        self.path = path
        self.license = license
        self.programs = tuple(programs)
        self.maps = tuple(maps)
        order = (NEEDS, ADAPTS, OPTIONAL)
        self.requirements = tuple(sorted(requirements, key=lambda each: order.index(each.grade)))
        self.notes = tuple(notes)
        self._minimum: tuple[str | None, list[Finding]] | None = None

    def check(self, kernel: Askable) -> Answer:
        """What a kernel makes of the object.

        Parameters:
            kernel: a `ebpf.kernel.Kernel`, a name as `ebpf.kernel.release` takes it, or a `Target`.

        Raises `ebpf.errors.UnknownKernelError` for a name that is not known.
        """
        from ebpf.check.targets import target_of

        target = target_of(kernel)
        return Answer(target.name, self._findings(target))

    def against(self, kernel: Askable) -> list[Finding]:
        """What keeps, or may keep, the object from running on a kernel: empty when nothing does.

        ::

            assert not ebpf.check.requirements("x.bpf.o").against("rhel8.6")

        Takes and raises what `check` does. What the loader does another way and what the code guards is not in it.
        """
        return [finding for finding in self.check(kernel).findings if finding.grade == NEEDS]

    def _findings(self, target: Target) -> list[Finding]:
        findings = [
            Finding(_impossible(note), NEEDS, ABSENT, None, note.text) for note in self.notes if note.level == "error"
        ]
        known = target.statuses.get
        for requirement in [each for each in self.requirements if known(each.key) is not SUPPORTED]:
            status = target.status(requirement)
            if status == SUPPORTED:
                continue
            grade = requirement.grade
            if grade == OPTIONAL and requirement.needed_on(target):
                grade = ADAPTS if requirement.adaptation is not None else NEEDS
            elif grade == NEEDS and requirement.conditional and not requirement.needed_on(target):
                grade = OPTIONAL
            findings.append(Finding(requirement, grade, status, target))
        return findings

    @property
    def minimum_kernel(self) -> str | None:
        """The mainline release from which on the object runs; ``None`` when no release on record does."""
        return self._oldest()[0]

    @property
    def forced_by(self) -> list[Finding]:
        """What the release before `minimum_kernel` lacks; what the newest lacks when there is none."""
        return self._oldest()[1]

    def _oldest(self) -> tuple[str | None, list[Finding]]:
        if self._minimum is None:
            from ebpf.check.targets import mainline

            oldest: str | None = None
            forced: list[Finding] = []
            for target in reversed(mainline()):
                missing = self.against(target)
                if not missing:
                    oldest = target.name
                elif oldest is not None:
                    forced = missing
                    break
                elif not forced:
                    forced = missing
            self._minimum = (oldest, forced)
        return self._minimum

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; docs/check.md describes it."""
        return {
            "path": self.path,
            "license": self.license,
            "minimum_kernel": self.minimum_kernel,
            "forced_by": [finding.as_dict() for finding in self.forced_by],
            "programs": list(self.programs),
            "maps": list(self.maps),
            "requirements": [requirement.as_dict() for requirement in self.requirements],
            "notes": [note.as_dict() for note in self.notes],
        }

    def __repr__(self) -> str:
        return f"<Requirements {self.path}: {len(self.requirements)}>"


def _impossible(note: Note) -> Requirement:
    return Requirement(note.rule, "note", None, NEEDS, "load", note.text, note.places)
