"""Kernels by name: mainline releases, and what distributions made of them.

A platform is an overlay: the mainline release whose features it has (`Platform.base`), what it has beyond it and what
it lacks. What was not measured is said to be unknown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from featuredb import Feature

__all__ = ["Platform", "Presence", "Release", "UnknownPlatform", "platform", "platforms", "releases"]


class UnknownPlatform(LookupError):
    """No kernel goes by this name.

    Attributes:
        name: what was asked for.
        suggestions: names that are known and near to it, nearest first.
    """

    def __init__(self, name: str, suggestions: tuple[str, ...] = (), detail: str = "") -> None:
        text = f"no kernel is known by the name {name!r}"
        if detail:
            text += f": {detail}"
        if suggestions:
            text += f" (did you mean {', '.join(suggestions)}?)"
        super().__init__(text)
        self.name = name
        self.suggestions = suggestions


class Release:
    """A mainline release.

    Attributes:
        version: ``"5.10"``.
        date: the day of its release, ISO 8601.
        lts: whether it became a long-term series.
        eol: the day of its last update, ``"supported"`` or ``"unknown"``.
        source: where the dates come from.
        confidence: ``"certain"`` or ``"medium"``.
        notes: anything else.
    """

    __slots__ = ("confidence", "date", "eol", "lts", "notes", "source", "version")

    def __init__(self, row: dict[str, Any]) -> None:
        self.version: str = row["version"]
        self.date: str = row["date"]
        self.lts: bool = row["lts"]
        self.eol: str = row["eol"]
        self.source: str = row["source"]
        self.confidence: str = row["confidence"]
        self.notes: str = row.get("notes") or ""

    def __repr__(self) -> str:
        return f"<Release {self.version}, {self.date}>"


class Presence:
    """Whether a platform has a feature.

    Attributes:
        status: ``"present"``, ``"absent"`` or ``"unknown"``.
        source: ``"overlay"`` (the distribution's own doing) or ``"mainline"``.
        text: one clause that says why.
    """

    __slots__ = ("source", "status", "text")

    def __init__(self, status: str, source: str, text: str) -> None:
        self.status = status
        self.source = source
        self.text = text

    def __repr__(self) -> str:
        return f"<Presence {self.status}: {self.text}>"


class Platform:
    """A kernel by name; `platform` makes one.

    Attributes:
        name: ``"5.4"``, ``"rhel8.6"``, ``"debian-12"``; a vendor's release string when that is all there is.
        aliases: other names of it.
        base: the mainline release whose features it has; `None` when its name does not say (rolling distributions).
        kernel: its own release string or series, ``"4.18.0-372"``.
        distribution: ID as in os-release; empty for mainline and vendors nobody heard of.
        release: the distribution's version.
        plus: what it has beyond `base`.
        minus: what `base` has and it has not.
        maybe: what it may or may not have.
        plain: whether it is `base` and nothing else, as far as features go.
        released: ISO 8601, or ``"unknown"``.
        eol: the day its updates end, or ``"unknown"``.
        source: where all that comes from.
        confidence: ``"certain"``, ``"high"``, ``"medium"`` or ``"low"``.
        notes: anything else.
    """

    __slots__ = (
        "_kconfig",
        "_row",
        "aliases",
        "base",
        "confidence",
        "distribution",
        "eol",
        "kernel",
        "maybe",
        "minus",
        "name",
        "notes",
        "plain",
        "plus",
        "release",
        "released",
        "source",
    )

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self._kconfig: dict[str, str] | None = None
        self.name: str = row["name"]
        self.aliases: tuple[str, ...] = tuple(row.get("aliases") or ())
        self.base: str | None = row.get("base") or None
        self.kernel: str = row.get("kernel") or "unknown"
        self.distribution: str = row.get("distribution") or ""
        self.release: str = row.get("release") or ""
        self.plus = frozenset(row.get("plus") or ())
        self.minus = frozenset(row.get("minus") or ()) | frozenset(row.get("refused") or ())
        self.maybe = frozenset(row.get("maybe") or ())
        self.plain = not (self.plus or self.minus or self.maybe)  # its base and nothing else
        self.released: str = row.get("released") or "unknown"
        self.eol: str = row.get("eol") or "unknown"
        self.source: str = row.get("source") or "unknown"
        self.confidence: str = row.get("confidence") or "low"
        self.notes: str = row.get("notes") or ""

    def __repr__(self) -> str:
        return f"<Platform {self.name}: kernel {self.kernel}, features of {self.base or 'unknown'}>"

    @property
    def kconfig(self) -> dict[str, str]:
        """Build options this kernel is known to be shipped with: option -> ``"y"``, ``"m"`` or ``"n"``.

        An option that is not in it is unknown; all are when the configuration was not read. ``CONFIG_LSM`` is the list
        as it is written there.
        """
        if self._kconfig is None:
            from featuredb import tables

            self._kconfig = {}
            for row in tables.rows("kconfig_defaults"):
                if row["platform"] == self.name:
                    for value in ("y", "m", "n"):
                        self._kconfig.update(dict.fromkeys(row.get(value) or (), value))
                    if row.get("lsm"):
                        self._kconfig["CONFIG_LSM"] = row["lsm"]
        return dict(self._kconfig)

    def has(self, feature: Feature | str, program_type: str | None = None) -> Presence:
        """Whether this kernel has a feature.

        Args:
            feature: a name or a record.
            program_type: for helpers and kfuncs: whether programs of this type may call it.

        Raises:
            UnknownName: the feature, or the program type, is in no record.
        """
        from featuredb import overlay

        return overlay.presence(self, feature, program_type)


_KNOWN: dict[str, Any] = {}


def releases() -> tuple[Release, ...]:
    """The mainline releases on record, oldest first."""
    found: tuple[Release, ...] | None = _KNOWN.get("releases")
    if found is None:
        from featuredb import tables

        found = _KNOWN["releases"] = tuple(Release(row) for row in tables.rows("releases"))
    return found


def platforms() -> tuple[Platform, ...]:
    """The distribution kernels on record."""
    found: tuple[Platform, ...] | None = _KNOWN.get("platforms")
    if found is None:
        from featuredb import platform_names

        found = _KNOWN["platforms"] = tuple(Platform(row) for row in platform_names.rows())
    return found


def platform(name: str) -> Platform:
    """The kernel a name or a release string stands for.

    Args:
        name: ``"5.4"``, ``"5.4.210"``, ``"rhel8.6"``, ``"almalinux-8.6"``, ``"debian-12"``, ``"Debian 12"``,
            ``"bookworm"``, ``"ubuntu-20.04"``, ``"amzn2023"``; or what ``uname -r`` prints:
            ``"4.18.0-372.el8.x86_64"``. A release string of a vendor nobody has heard of is taken for the mainline
            release it begins with, with low confidence.

    Raises:
        UnknownPlatform: the name stands for nothing on record.
    """
    found: Platform | None = _KNOWN.get("=" + name)
    if found is None:
        from featuredb import platform_names

        found = _KNOWN["=" + name] = Platform(platform_names.resolve(name))
    return found
