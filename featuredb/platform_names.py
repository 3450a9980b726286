"""From a name or a kernel's release string to the row that describes it."""

from __future__ import annotations

from featuredb import tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

__all__ = ["resolve", "rows"]

_INDEX: dict[str, Any] = {}


def rows() -> tuple[Row, ...]:
    """All distribution kernels, with what their stable series added."""
    return tuple(_with_stable(row) for row in _written())


def resolve(name: str) -> Row:
    """The row for a name.

    Args:
        name: see `featuredb.platform`.

    Raises:
        UnknownPlatform: nothing on record goes by it.
    """
    version = _without_prefix(name.strip())
    if version[:1].isdigit():
        return _by_version(name, version)
    index = _index()
    key = _squash(name)
    row = index.get(key) or _point_release(key, index)
    if row is None:
        raise _unknown(name)
    return _with_stable(row)


def _written() -> tuple[Row, ...]:
    return tables.rows("rhel") + tables.rows("platforms")


def _index() -> dict[str, Row]:
    if not _INDEX:
        for row in _written():
            for name in (row["name"], *(row.get("aliases") or ())):
                _INDEX.setdefault(_squash(name), row)
    return _INDEX


def _squash(name: str) -> str:
    """'Debian 12', 'debian-12' and 'debian12' are one name; dots tell 22.04 from 2204 and stay."""
    key = "".join(name.lower().split()).replace("-", "").replace("_", "")
    key = key.replace("gnu/linux", "").replace("redhatenterpriselinux", "rhel")
    return key[:-3] if key.endswith("lts") and key[:-3] else key


def _point_release(key: str, index: dict[str, Row]) -> Row | None:
    """'debian12.5' is debian-12; 'rhel8.77' is not whatever 'rhel8' stands for."""
    while "." in key:
        key = key.rpartition(".")[0]
        row = index.get(key)
        if row is not None:
            return row if key.endswith(str(row.get("release"))) else None
    return None


def _without_prefix(text: str) -> str:
    lowered = text.lower()
    for prefix in ("linux", "mainline", "kernel", "v"):
        if lowered.startswith(prefix):
            return text[len(prefix) :].lstrip(" -_")
    return text


def _numbers(version: str) -> tuple[tuple[int, ...], str]:
    """The numeric beginning of a release string and the rest: '5.4.0-1060-aws' -> (5, 4, 0), '-1060-aws'."""
    parts: list[int] = []
    rest = version
    while rest[:1].isdecimal() and rest.isascii():
        digits = len(rest) - len(rest.lstrip("0123456789"))
        parts.append(int(rest[:digits]))
        rest = rest[digits:]
        if rest[:1] != "." or not rest[1:2].isdecimal():
            break
        rest = rest[1:]
    return tuple(parts), rest


def _dotted(parts: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in parts)


def _by_version(name: str, version: str) -> Row:
    parts, rest = _numbers(version)
    if len(parts) < 2 or max(parts) > 99999:
        raise _unknown(name)
    if not rest or (rest.startswith("-rc") and rest[3:].isdigit()):
        return _mainline(name, version, parts, rest)
    return _vendor(version, parts, rest)


def _known_versions() -> list[tuple[int, ...]]:
    return [_numbers(row["version"])[0] for row in tables.rows("releases")]


def _base(parts: tuple[int, ...]) -> tuple[int, ...]:
    """The mainline release a version belongs to; the nearest older one when there is none with that number."""
    known, series = _known_versions(), parts[:2]
    if series < known[0] or series in known:
        return series
    return max(version for version in known if version <= series)


def _mainline(name: str, version: str, parts: tuple[int, ...], rest: str) -> Row:
    series, base, newest = parts[:2], _base(parts), _known_versions()[-1]
    if newest > series != base:
        raise _unknown(name, f"there is no Linux {_dotted(series)}")
    row: Row = {
        "name": version,
        "kernel": version,
        "base": _dotted(base),
        "source": "mainline releases",
        "confidence": "certain",
    }
    released = next((item for item in tables.rows("releases") if item["version"] == row["base"]), None)
    if base != series:
        notes = f"newer than Linux {row['base']}, the newest on record"
        row.update(beyond=_dotted(series), confidence="medium", notes=notes)
    elif released is None:
        row.update(notes="older than the releases on record: before bpf(2)")
    else:
        row.update(released=released["date"], eol=released["eol"], source=released["source"])
    if rest:
        row.update(confidence="medium", notes=f"a release candidate, taken for Linux {row['base']}")
    elif len(parts) > 2:
        _add_stable(row, parts)
    return row


def _vendor(version: str, parts: tuple[int, ...], rest: str) -> Row:
    """A vendor's release string: the distribution that prints such a one, else mainline with little confidence."""
    vendor = _longest_marker(rest)
    if vendor is not None:
        for row in _written():
            if _prints(row, vendor, version, rest):
                found = {**row, "kernel": version}
                return _add_stable(found, parts) if parts[2:] and parts[2] else _with_stable({**found, "stable": None})
        between = _among_builds(version, parts, rest) if vendor["distribution"] == "rhel" else None
        if between is not None:
            return between
    base = _dotted(_base(parts))
    row = {
        "name": version,
        "kernel": version,
        "base": base,
        "distribution": vendor["distribution"] if vendor else "",
        "backports": bool(vendor is None or vendor.get("backports")),
        "source": "the release string alone",
        "confidence": "medium" if vendor else "low",
        "notes": f"no such kernel of {vendor['distribution']} is on record"
        if vendor
        else f"a vendor's release string, taken for Linux {base}; the vendor may backport",
    }
    if parts[:2] > _known_versions()[-1]:
        row["beyond"] = _dotted(parts[:2])
    return _add_stable(row, parts) if parts[2:] and parts[2] else _with_stable(row)


def _longest_marker(rest: str) -> Row | None:
    ended = rest + "."  # so that ".el8." is in "-372.el8" and not in "-6.80.3.1.el8uek"
    found = [(len(marker), row) for row in tables.rows("vendors") for marker in row["markers"] if marker in ended]
    return max(found, key=lambda item: item[0])[1] if found else None


def _begins(version: str, prefix: str) -> bool:
    return version.startswith(prefix) and not version[len(prefix) : len(prefix) + 1].isdigit()


def _prints(row: Row, vendor: Row, version: str, rest: str) -> bool:
    prefixes: tuple[str, ...] = row.get("kernels") or ((row["kernel"],) if row.get("kernel") else ())
    if not any(_begins(version, prefix) for prefix in prefixes):
        return False
    if row.get("distribution") != vendor["distribution"] and not (
        vendor["distribution"] == "rhel" and "-" in prefixes[0] and row.get("distribution") == "centos"
    ):
        return False
    markers = row.get("markers")
    return not markers or any(marker in rest for marker in markers)


def _among_builds(version: str, parts: tuple[int, ...], rest: str) -> Row | None:
    """A Red Hat build number between two minor releases' (CentOS Stream, betas): between them in features too."""
    numbers, _ = _numbers(rest.lstrip("-"))
    if not numbers:
        return None
    build = numbers[0]
    lower: tuple[int, Row] | None = None
    upper: tuple[int, Row] | None = None
    for row in _written():
        own, _, number = str(row.get("kernel") or "").partition("-")
        if row.get("distribution") != "rhel" or own != _dotted(parts) or not number.isdigit():
            continue
        if int(number) <= build and (lower is None or int(number) > lower[0]):
            lower = (int(number), row)
        if int(number) > build and (upper is None or int(number) < upper[0]):
            upper = (int(number), row)
    if lower is None and upper is None:
        return None
    row = {
        "name": version,
        "kernel": version,
        "distribution": "rhel",
        "base": lower[1]["base"] if lower else _dotted(_base(parts)),
        "source": "its neighbours; source tree not read",
        "confidence": "medium",
    }
    if lower:
        row["after"] = lower[1]["name"]
    if upper:
        row["before"] = upper[1]["name"]
    return row


def _with_stable(row: Row) -> Row:
    """A distribution's row and what its stable series added: there when the row names a stable release, else maybe."""
    if not row.get("base") or row.get("measured") or row.get("after") or row.get("before"):
        return row
    found = dict(row)
    for stable in _series(row):
        if stable.get("plus"):
            where = "plus" if row.get("stable") else "maybe"
            found[where] = (*(found.get(where) or ()), *stable["plus"])
        found["pairs"] = {**(found.get("pairs") or {}), **_pairs(stable, None)}
    return found


def _add_stable(row: Row, parts: tuple[int, ...]) -> Row:
    """The same for a release string that names its stable release."""
    for stable in _series(row) if parts[2] else ():
        has = parts[:3] >= _numbers(stable["version"])[0]
        if stable.get("plus"):
            where = "plus" if has else "maybe"
            row.update({where: (*(row.get(where) or ()), *stable["plus"])}, stable=stable["version"] if has else None)
        if has:
            row["pairs"] = {**(row.get("pairs") or {}), **_pairs(stable, stable["version"])}
    return row


def _series(row: Row) -> list[Row]:
    return [stable for stable in tables.rows("stable") if stable["series"] == row["base"]]


def _pairs(stable: Row, version: str | None) -> Row:
    """What a stable release opened and closed to program types; without ``version`` it is not known to be in."""
    return {
        pair: ((change, stable["version"]) if version else ("maybe", stable["version"]))
        for change in ("opened", "closed")
        for pair in stable.get(change) or ()
    }


def _unknown(name: str, detail: str = "") -> Exception:
    from difflib import get_close_matches

    from featuredb.kernels import UnknownPlatform

    key = _squash(_without_prefix(name))
    known = {row["version"]: row["version"] for row in tables.rows("releases")}
    known.update({written: row["name"] for written, row in _index().items()})
    near = [written for written in known if len(key) > 1 and written.startswith(key)]
    near += get_close_matches(key, list(known), n=12, cutoff=0.6)
    suggestions = tuple(dict.fromkeys(known[key] for key in near))[:3]
    return UnknownPlatform(name, suggestions, detail)
