"""Gathers what an object asks for: one requirement for each feature and program type, with every place of it."""

from __future__ import annotations

from functools import cache

from ebpf.check.model import ADAPTS, LOAD, NEEDS, OPTIONAL, Note, Place, Requirement, reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.check.program import ProgramCode
    from ebpf.core.adaptation import Adaptation

__all__ = ["Collector"]

_PLACES = 10  # more of one feature tell nothing new

# What the loader has a way around, and the rows of the table of adaptations that say so: the first that is there.
_WAYS = {
    "BPF_F_MMAPABLE": ("mmap",),
    "btf_load": ("program_btf",),
    "btf_func_info": ("program_btf",),
    "btf_line_info": ("program_btf",),
    "bpf_probe_read_user": ("probe_read",),
    "bpf_probe_read_kernel_str": ("probe_read",),
    "bpf_probe_read_user_str": ("probe_read",),
    "BPF_XDP": ("xdp_netlink",),
    "BPF_TCX_INGRESS": ("tcx_netlink",),
    "BPF_TCX_EGRESS": ("tcx_netlink",),
    "BPF_TRACE_KPROBE_MULTI": ("kprobe_each",),
    "BPF_TRACE_UPROBE_MULTI": ("uprobe_each",),
    "BPF_F_LINK": ("struct_ops_update",),
}
_SANITISED = ("sanitised_btf", "program_btf")


class _Uses:
    """Where one feature is asked for."""

    __slots__ = ("adaptable", "because", "codes", "firm", "kind", "places", "seen", "subject")

    def __init__(self, kind: str, because: str, subject: object) -> None:
        self.kind = kind
        self.because = because
        self.subject = subject
        self.places: list[Place] = []
        self.codes: list[tuple[ProgramCode, int]] = []
        self.firm = False
        self.adaptable = True
        self.seen: set[tuple[str, str, int | None]] = set()


class Collector:
    """What has been found so far."""

    def __init__(self) -> None:
        self._uses: dict[tuple[str, str | None, str], _Uses] = {}
        self.notes: list[Note] = []
        self._adaptations = _adaptations()

    def need(
        self,
        name: str,
        because: str,
        place: Place | None = None,
        *,
        program_type: str | None = None,
        stage: str = LOAD,
        optional: bool = False,
        adaptable: bool = True,
        kind: str = "",
        subject: object = None,
    ) -> None:
        """Something that the object asks for whatever its code does.

        Parameters:
            name: the feature.
            because: a clause that says why.
            place: the program or map that asks.
            program_type: for a helper or kfunc.
            stage: ``LOAD`` or ``ATTACH``.
            optional: the object does without.
        adaptable: the loader may do without, where its table of adaptations has a way.
            kind, subject: for what is no feature of the database: what it is, and what tells whether it is there.
        """
        uses = self._at(name, because, program_type, stage, kind, subject)
        uses.firm = uses.firm or not optional
        uses.adaptable = uses.adaptable and (adaptable or optional)
        if place is not None:
            self._place(uses, place)

    def use(
        self,
        name: str,
        because: str,
        code: ProgramCode,
        slot: int,
        *,
        program_type: str | None = None,
        kind: str = "",
        subject: object = None,
    ) -> None:
        """Something that an instruction asks for when it runs; as `need` otherwise."""
        uses = self._at(name, because, program_type, LOAD, kind, subject)
        uses.codes.append((code, slot))
        if len(uses.places) < _PLACES:
            self._place(uses, code.place(slot))

    def note(self, level: str, rule: str, text: str, *places: Place) -> None:
        """Something to say that is no kernel's doing. What is said twice gets one more place."""
        for number, known in enumerate(self.notes):
            if (known.rule, known.text) == (rule, text):
                self.notes[number] = Note(level, rule, text, (*known.places, *places)[:_PLACES])
                return
        self.notes.append(Note(level, rule, text, places))

    def _at(self, name: str, because: str, program_type: str | None, stage: str, kind: str, subject: object) -> _Uses:
        key = (name, program_type, stage)
        uses = self._uses.get(key)
        if uses is None:
            if not kind:
                import featuredb

                kind = featuredb.get(name).kind
            uses = self._uses[key] = _Uses(kind, because, subject)
        return uses

    def _place(self, uses: _Uses, place: Place) -> None:
        same = (place.program, place.file, place.line or place.instruction)
        if len(uses.places) < _PLACES and same not in uses.seen:
            uses.seen.add(same)
            uses.places.append(place)

    def requirements(self) -> list[Requirement]:
        """What was gathered, graded."""
        return [self._requirement(key, uses) for key, uses in self._uses.items()]

    def _requirement(self, key: tuple[str, str | None, str], uses: _Uses) -> Requirement:
        name, program_type, stage = key
        adaptation = self._adaptations.get(name) if uses.adaptable else None
        # An optional program is loaded only when it is asked for: then its needs are known.
        codes = [(code, slot) for code, slot in uses.codes if not code.spec.optional]
        firm = uses.firm or reached(codes, lambda code: code.certain)
        grade = OPTIONAL if not firm else ADAPTS if adaptation is not None else NEEDS
        guards: list[str] = []
        if grade == OPTIONAL:
            for code, slot in uses.codes:
                guards += code.guarding(slot)
            if any(code.spec.optional for code, _ in uses.codes) or not uses.codes:
                guards.append("only when asked for")
        return Requirement(
            name,
            uses.kind,
            program_type,
            grade,
            stage,
            uses.because,
            uses.places,
            () if uses.firm else codes,  # what is asked for whatever runs depends on no kernel
            list(dict.fromkeys(guards)),
            adaptation,
            uses.subject,
        )


@cache
def _adaptations() -> dict[str, Adaptation]:
    """What the loader does without a feature, by the feature."""
    import featuredb
    from ebpf.btf.sanitise import ALL
    from ebpf.core.adaptation import ADAPTATIONS

    found: dict[str, Adaptation] = {}
    for row in ADAPTATIONS.values():
        # What else a caller may choose is no way around for an object: its code is compiled for its maps.
        if featuredb.kind_of(row.feature) != "map_type":
            found.setdefault(row.feature, row)
    for feature, rows in {**_WAYS, **dict.fromkeys(ALL, _SANITISED)}.items():
        for name in rows:
            if name in ADAPTATIONS:
                found.setdefault(feature, ADAPTATIONS[name])
                break
    return found
