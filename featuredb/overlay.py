"""Whether a platform has a feature: its own additions and removals first, the mainline release it equals after them."""

from __future__ import annotations

from featuredb.kernels import Platform, Presence, platform
from featuredb.model import EVERY_PROGRAM
from featuredb.query import get
from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from featuredb import Feature

__all__ = ["presence"]


def presence(where: Platform, feature: Feature | str, program_type: str | None = None) -> Presence:
    """What `Platform.has` answers."""
    record = get(feature) if isinstance(feature, str) else feature
    if where.base is None:
        return Presence("unknown", "mainline", f"which kernel {where.name} has is not known: {where.notes}")
    after, before = where._row.get("after"), where._row.get("before")
    if after or before:
        return _between(where, after, before, record, program_type)
    itself = _itself(where, record)
    if program_type is None or itself.status != "present":
        return itself
    caller = _itself(where, get(program_type))
    if caller.status != "present":
        return Presence(caller.status, caller.source, f"{program_type}: {caller.text}")
    return _for_program(where, record, program_type, itself)


def _between(
    where: Platform, after: str | None, before: str | None, record: Feature, program_type: str | None
) -> Presence:
    """What the neighbours of a kernel that was not read say: minor releases do not take features out again."""
    lower = platform(after).has(record, program_type) if after else None
    upper = platform(before).has(record, program_type) if before else None
    neighbours = " and ".join(f"{name} ({seen.status})" for name, seen in ((after, lower), (before, upper)) if seen)
    text = f"{where.name} itself was not read; its neighbours: {neighbours}"
    if lower is not None and lower.status == "present" and (upper is None or upper.status == "present"):
        return Presence("present", "overlay", text)
    if upper is not None and upper.status == "absent" and (lower is None or lower.status == "absent"):
        return Presence("absent", "overlay", text)
    return Presence("unknown", "overlay", text)


def _itself(where: Platform, record: Feature) -> Presence:
    title = _title(where)
    if where.plain:
        return _by_base(where, record, title)
    names = {record.name, *record.aliases}
    if names & where.plus:
        if where._row.get("stable"):
            return Presence("present", "overlay", f"in stable {where._row['stable']}, which {title} includes")
        return Presence("present", "overlay", f"in {_own(where)} of {title} by backport")
    if names & frozenset(where._row.get("refused") or ()):
        return Presence("absent", "overlay", f"{title} knows it but refuses it: {where.notes}")
    if names & where.minus:
        return Presence("absent", "overlay", f"left out of {title}, which otherwise has the features of {where.base}")
    if names & where.maybe:
        return Presence("unknown", "overlay", f"whether {_exactly(where)} has it was not measured")
    return _by_base(where, record, title)


def _by_base(where: Platform, record: Feature, title: str) -> Presence:
    base = where.base or ""
    known = record.known_at(base)
    if known is None:
        return Presence("unknown", "mainline", f"since when mainline has it is not known; {title} equals Linux {base}")
    if known:
        beyond = where._row.get("beyond")
        if beyond:
            return Presence("present", "mainline", f"in Linux {base}, the newest on record; this is {beyond}")
        if where.distribution and record.known_at(_own(where)) is False:
            text = f"in {_own(where)} of {title} by backport ({title} is complete to {base})"
            return Presence("present", "overlay", text)
        return Presence("present", "mainline", f"in Linux {base} (since {_since(record)})")
    return _missing(where, record, title)


def _missing(where: Platform, record: Feature, title: str) -> Presence:
    """What base lacks: absent, unless the vendor may have taken it from a newer release."""
    row, base = where._row, where.base
    gone = _gone(record, base or "")
    if gone:
        return Presence("absent", "mainline", f"Linux dropped it in {gone}, and {title} has the features of {base}")
    came = f"it came with Linux {_since(record)}{_commit(record)}"
    if row.get("backports"):
        text = f"{came}, {title} builds on {base}, and its vendor may have backported it"
        return Presence("unknown", "mainline", text)
    newest = row.get("newest")
    if newest and record.kind not in (row.get("measured") or ()) and record.known_at(newest) is not False:
        text = f"{came}; {title} is complete to {base} and has parts of releases up to {newest}"
        return Presence("unknown", "overlay", text)
    if where.base == where.name:
        return Presence("absent", "mainline", f"{came}, this is {title}")
    if row.get("only_listed"):
        return Presence("absent", "overlay", f"{title} is Linux {base} plus a short list, and this is not on it")
    if row.get("measured"):
        return Presence("absent", "overlay", f"{came}, {title} is complete to {base}")
    return Presence("absent", "mainline", f"{came}, {title} has the features of Linux {base}")


def _for_program(where: Platform, record: Feature, program_type: str, itself: Presence) -> Presence:
    """The same for one program type, of a feature that is there."""
    pairs = where._row.get("pairs")
    change, stable = pairs.get(f"{record.name} for {program_type}", ("", "")) if pairs else ("", "")
    if change == "maybe":
        text = f"whether {_exactly(where)} has what stable {stable} changed for {program_type} is not known"
        return Presence("unknown", "overlay", text)
    if change:
        text = f"{change} to {program_type} in stable {stable}, which {_title(where)} includes"
        return Presence("present" if change == "opened" else "absent", "overlay", text)
    relations = record.program_types
    if not relations:
        return itself
    relation = relations.get(program_type)
    if relation is None and record.kind == "kfunc":
        relation = relations.get(EVERY_PROGRAM)  # a set registered for no type in particular is open to all
    title = _title(where)
    if relation is None:
        return Presence("absent", "mainline", f"no release opens it to {program_type}")
    if relation.since in (None, "unknown"):
        return Presence("unknown", "mainline", f"since when {program_type} may use it is not known")
    base = where._row.get("relations") or where.base or ""
    if relation.until not in (None, "unknown") and version_key(relation.until) <= version_key(base):
        return Presence("absent", "mainline", f"closed to {program_type} since Linux {relation.until}")
    came_along = record.name in where.plus and relation.since == record.since
    if came_along or version_key(relation.since) <= version_key(base):
        return Presence("present", itself.source, f"{itself.text}, open to {program_type} since {relation.since}")
    text = f"open to {program_type} since Linux {relation.since}, {title} has the features of {base}"
    if where._row.get("backports") or record.name in where.plus:
        return Presence("unknown", "mainline", f"{text}, and its vendor may have backported more")
    return Presence("absent", itself.source if where.distribution else "mainline", text)


def _title(where: Platform) -> str:
    return str(where._row.get("title") or where.name)


def _exactly(where: Platform) -> str:
    """Its title, and the release string when that says more."""
    title = _title(where)
    return title if where.kernel in (where.name, where.base) else f"{title} ({where.kernel})"


def _own(where: Platform) -> str:
    """The mainline release whose number the kernel itself carries: "4.18" of 4.18.0-372."""
    return ".".join(str(part) for part in version_key(where.kernel)[:2])


def _since(record: Feature) -> str:
    """The first release on record in which it works; "unknown" when none is."""
    return str(record.statements[0].usable_since or record.since)


def _commit(record: Feature) -> str:
    commit = record.commit
    return f" (commit {commit})" if commit and commit != "unknown" else ""


def _gone(record: Feature, base: str) -> str:
    """The release that dropped it, when that is the reason why base lacks it."""
    gone = ""
    for statement in record.statements:
        if statement.since in (None, "unknown"):
            continue
        if version_key(statement.since) > version_key(base):
            return ""
        if statement.until not in (None, "unknown"):
            gone = statement.until
    return gone
