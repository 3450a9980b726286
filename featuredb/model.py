"""What a record of the database is to Python."""

from __future__ import annotations

from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Feature", "Relation", "Statement"]

EVERY_PROGRAM = "BPF_PROG_TYPE_UNSPEC"


class Statement:
    """One interval in which mainline has a feature.

    Attributes: ``since``, ``until`` (the first release without it, or ``None``), ``absent_in`` (the last one seen
    without it, or ``None``), ``usable_since`` (where the name came before it worked), ``commit``, ``subject``,
    ``arch`` (the architectures it is limited to; empty: all), ``partial``, ``notes``, ``source``, ``confidence``,
    ``alternative_name``.
    """

    __slots__ = (
        "absent_in",
        "alternative_name",
        "arch",
        "commit",
        "confidence",
        "notes",
        "partial",
        "since",
        "source",
        "subject",
        "until",
        "usable_since",
    )

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.since: str = row[0]
        self.until: str | None = row[1]
        self.absent_in: str | None = row[2]
        self.usable_since: str | None = row[3]
        self.commit: str = row[4] or "unknown"
        self.subject: str = row[5] or "unknown"
        self.arch: tuple[str, ...] = row[6] or ()
        self.partial: bool = bool(row[7])
        self.notes: str = row[8] or ""
        self.source: str = row[9] or ""
        self.confidence: str = row[10] or "certain"
        self.alternative_name: str = row[11] or ""

    def holds(self, version: tuple[int, ...]) -> bool | None:
        """Whether a release lies in the interval; ``None`` when an end that decides it is not known."""
        if self.until not in (None, "unknown") and version_key(str(self.until)) <= version:
            return False
        for since in (self.usable_since, self.since):
            if since not in (None, "unknown") and version < version_key(str(since)):
                return False
        if self.absent_in not in (None, "unknown") and version <= version_key(str(self.absent_in)):
            return False
        if "unknown" in (self.since, self.usable_since, self.until):
            return None
        return True

    def __repr__(self) -> str:
        return f"<Statement since {self.since}{f' until {self.until}' if self.until else ''}>"


class Relation:
    """Since when one program type may call a helper or kfunc, and under which conditions."""

    __slots__ = ("capabilities", "exact", "kconfig", "lockdown", "notes", "since", "until")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.since: str = row[0]
        self.until: str | None = row[1]
        self.kconfig: str = row[2] or "none"
        self.capabilities: tuple[str, ...] = row[3] or ()
        self.lockdown: str = row[4] or ""
        self.exact: bool = row[5] is not False
        self.notes: str = row[6] or ""

    def __repr__(self) -> str:
        return f"<Relation since {self.since}{f' until {self.until}' if self.until else ''}>"


class Feature:
    """A record: a feature, when it came, and what it needs.

    Attributes are the keys of the TOML sources; lists are tuples, and what a record leaves out is empty. ``statements``
    say when mainline had it, oldest first; ``program_types`` which program types may call a helper or kfunc (a kfunc's
    come through its sets), empty for the rest.
    """

    statements: tuple[Statement, ...]
    program_types: dict[str, Relation]

    __slots__ = (
        "_row",
        "aliases",
        "alternatives",
        "capabilities",
        "depends_on",
        "documentation",
        "enum",
        "extra",
        "group",
        "kconfig_attach",
        "kconfig_exist",
        "kconfig_load",
        "kind",
        "name",
        "notes",
        "program_types",
        "source",
        "statements",
        "summary",
        "value",
    )

    def __init__(self, kind: str, name: str, row: tuple[Any, ...]) -> None:
        self.kind = kind
        self.name = name
        self.value: int | None = row[0]
        self.enum: str = row[1] or ""
        self.group: str = row[2] or ""
        self.aliases: tuple[str, ...] = row[3] or ()
        self.summary: str = row[4] or ""
        self.kconfig_exist: str
        self.kconfig_load: str
        self.kconfig_attach: str
        self.kconfig_exist, self.kconfig_load, self.kconfig_attach = row[5] or ("none", "none", "none")
        self.capabilities: tuple[str, ...] = row[6] or ()
        self.depends_on: tuple[str, ...] = row[7] or ()
        self.alternatives: tuple[str, ...] = row[8] or ()
        self.notes: str = row[9] or ""
        self.source: str = row[10] or ""
        self.documentation: str = row[11] or ""
        self._row = row
        self.extra: dict[str, Any] = dict(row[13])

    def __getattr__(self, name: str) -> Any:
        """What few records are ever asked for is made when one is; Python looks here only before that."""
        if name == "statements":
            self.statements = tuple(Statement(each) for each in self._row[12])
            return self.statements
        if name == "program_types":
            self.program_types = self._read_programs()
            return self.program_types
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def since(self) -> str:
        """The release that brought it."""
        return self.statements[0].since

    @property
    def commit(self) -> str:
        """The commit that brought it, 12 hex digits; ``"unknown"`` when nobody has looked it up."""
        return self.statements[0].commit

    @property
    def subject(self) -> str:
        """That commit's subject."""
        return self.statements[0].subject

    def _read_programs(self) -> dict[str, Relation]:
        own = self.extra.get("program_types")
        if self.kind in ("helper", "kfunc_set"):
            return {name: Relation(row) for name, row in own or ()}
        if self.kind == "kfunc":
            from featuredb.query import kfunc_programs

            return kfunc_programs(self)
        return {}

    def known_at(self, version: str, arch: str | None = None) -> bool | None:
        """Whether mainline `version` has it (on `arch`, as ``uname -m`` says;

        any when ``None``); ``None``: not known.
        """
        key = version_key(version)
        answer: bool | None = False
        for statement in self.statements:
            if arch is not None and statement.arch and arch not in statement.arch:
                continue
            holds = statement.holds(key)
            if holds:
                return True
            if holds is None:
                answer = None
        return answer

    def __repr__(self) -> str:
        return f"<Feature {self.name}: {self.kind}, since {self.since}>"
