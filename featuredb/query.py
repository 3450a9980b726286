"""Finding records: one kind is loaded when one of its names is first asked for."""

from __future__ import annotations

from featuredb.model import Feature, Relation
from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["UnknownName", "closest", "features", "get", "kfunc_programs", "kind_of", "kinds", "names"]


class UnknownName(LookupError):
    """No record has this name. ``name`` is what was asked for, ``suggestions`` the closest names."""

    def __init__(self, name: str, suggestions: list[str]) -> None:
        hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"no feature is called {name!r}{hint}")
        self.name = name
        self.suggestions = tuple(suggestions)


_features: dict[str, Feature] = {}
_rows: dict[str, dict[str, Any]] = {}
_lists: dict[str, tuple[Feature, ...]] = {}


def _table(kind: str) -> dict[str, Any]:
    table = _rows.get(kind)
    if table is None:
        # Not importlib.import_module(), whose own import costs more than this look-up.
        try:
            module = getattr(__import__("featuredb._compiled." + kind)._compiled, kind)
            table = _rows[kind] = dict(zip(module.NAMES, module.ROWS))
        except (ImportError, AttributeError):
            if kind in kinds():
                raise
            raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(kinds())}") from None
    return table


def kinds() -> tuple[str, ...]:
    """The kinds of features there are."""
    from featuredb._compiled import index

    kinds: tuple[str, ...] = index.KINDS
    return kinds


# Names whose prefix tells their kind are found without the index of all names.
_PREFIXES = {"BPF_MAP_TYPE": "map_type", "BPF_PROG_TYPE": "program_type", "BPF_LINK_TYPE": "link_type"}


def _locate(name: str) -> tuple[str, str | None]:
    """The name itself for an alias, and its kind; ``None`` when no record has it."""
    kind = _PREFIXES.get("_".join(name.split("_", 3)[:3]))
    if kind is not None and name in _table(kind):
        return name, kind
    from featuredb._compiled import index

    real = index.ALIAS.get(name, name)
    return real, index.KIND.get(real)


def kind_of(name: str) -> str | None:
    """The kind of the feature with this name or alias; ``None`` when there is none."""
    return _locate(name)[1]


def get(name: str) -> Feature:
    """The record of a feature by its name or an alias, in exact case. Raises `UnknownName`."""
    feature = _features.get(name)
    if feature is None:
        real, kind = _locate(name)
        if kind is None:
            raise UnknownName(name, closest(name))
        feature = _features.get(real) or Feature(kind, real, _table(kind)[real])
        _features[real] = _features[name] = feature
    return feature


def names(kind: str | None = None) -> tuple[str, ...]:
    """The names of all features, or of one kind, in the order of the sources. Raises `ValueError` for no such kind."""
    if kind is not None:
        return tuple(_table(kind))
    from featuredb._compiled import index

    return tuple(index.KIND)


def features(kind: str | None = None) -> tuple[Feature, ...]:
    """The records of all features, or of one kind. Raises `ValueError` for no such kind."""
    if kind is None:
        return tuple(get(name) for name in names())
    records = _lists.get(kind)
    if records is None:
        # A name is of one kind, so none need be located; records that were asked for already stay what they are.
        made = (_features.get(name) or Feature(kind, name, row) for name, row in _table(kind).items())
        records = _lists[kind] = tuple(made)
        _features.update((record.name, record) for record in records)
    return records


def closest(name: str, count: int = 3) -> list[str]:
    """The names nearest to one that is not there: other case, a missing prefix, a typo."""
    from difflib import SequenceMatcher, get_close_matches

    from featuredb._compiled import index

    folded: dict[str, str] = {}
    for known in (*index.KIND, *index.ALIAS):
        if ":" not in known:
            folded.setdefault(known.lower(), index.ALIAS.get(known, known))
    wanted = name.lower()
    found = [folded[wanted]] if wanted in folded else []
    found += [real for low, real in folded.items() if wanted and low.endswith("_" + wanted)]
    if len(found) < count:
        near = get_close_matches(wanted, folded, count, 0.6)
        near.sort(key=lambda low: -SequenceMatcher(None, wanted, low).ratio())
        found += [folded[low] for low in near]
    return list(dict.fromkeys(found))[:count]


def kfunc_programs(feature: Feature) -> dict[str, Relation]:
    """The program types that may call a kfunc: those of its sets, while it was in them, not before the kfunc itself."""
    found: dict[str, Relation] = {}
    joined, left = dict(feature.extra.get("joined") or ()), dict(feature.extra.get("left") or ())
    for name in feature.extra.get("sets") or ():
        for program_type, relation in get(name).program_types.items():
            if _over(relation, feature.since):
                continue  # the set was closed to these programs before it held this kfunc
            since = _later(_later(relation.since, feature.since), joined.get(name, feature.since))
            until = relation.until if name not in left else _earlier(relation.until, left[name])
            held = found.get(program_type)
            if held is not None:
                since, until, relation = _merged(held, relation, since, until)
            row = (
                since,
                until,
                relation.kconfig,
                relation.capabilities,
                relation.lockdown,
                relation.exact,
                relation.notes,
            )
            found[program_type] = Relation(row)
    return found


def _merged(held: Relation, other: Relation, since: str, until: str | None) -> tuple[str, str | None, Relation]:
    """Two sets that open a kfunc to the same programs: since the first, until the last; the first one's conditions."""
    later = None if held.until is None or until is None else _later(held.until, until)
    if since != "unknown" and (held.since == "unknown" or version_key(since) < version_key(held.since)):
        return since, later, other
    return held.since, later, held


def _earlier(first: str | None, second: str) -> str:
    if first in (None, "unknown"):
        return second
    return min(str(first), second, key=version_key)


def _over(relation: Relation, since: str) -> bool:
    if relation.until in (None, "unknown") or since == "unknown":
        return False
    return version_key(str(relation.until)) <= version_key(since)


def _later(one: str, other: str) -> str:
    if "unknown" in (one, other):
        return other if one == "unknown" else one
    return one if version_key(one) >= version_key(other) else other
