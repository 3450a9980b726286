"""Holding a kernel's <linux/bpf.h> to the database: ``python -m featuredb.update BPF_H --release 7.4 [--write]``.

Lists what the header has and the database has not, and with ``--write`` appends a record for each to the TOML file of
its kind. What contradicts the database is named and nothing is written: a value that differs, a name that the release
should have and has not, a name that came too early. A stable release (``--release 6.1.176``) may have more than its
series began with: what its overlay lists is accepted, anything else is reported as ``backported?``.

Exit status: 0 nothing contradicts, 1 something does, 2 the question is wrong.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from featuredb import header as headers
from featuredb import load
from featuredb.schema import FILES
from featuredb.version import version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Record = dict[str, Any]

__all__ = ["Comparison", "compare", "main", "names", "write"]

SOURCE = "include/uapi/linux/bpf.h"

# Where a new name goes: by its enumeration, else by what it looks like (_kind_of).
_ENUM_KINDS = {
    "bpf_cmd": "command",
    "bpf_map_type": "map_type",
    "bpf_prog_type": "program_type",
    "bpf_attach_type": "attach_type",
    "bpf_link_type": "link_type",
}
_NEEDS_KCONFIG = frozenset(_ENUM_KINDS.values()) | {"helper"}
_IGNORED = re.compile(r"__|MAX_BPF_")  # __MAX_BPF_CMD, MAX_BPF_REG: they move with every release


class UsageError(ValueError):
    """The command was asked something it cannot answer; the message says why in one line."""


class Comparison:
    """What a header has to say about the database.

    Attributes:
        new: records for what the database lacks, each with its kind.
        contradictions: one clause for each name where header and record differ.
        backported: names a stable release has early that no overlay lists.
    """

    __slots__ = ("backported", "contradictions", "new")

    def __init__(self) -> None:
        self.new: list[tuple[str, Record]] = []
        self.contradictions: list[str] = []
        self.backported: list[str] = []


def compare(header: headers.Header, release: str, data: Path = load.DATA) -> Comparison:
    """Hold ``header`` of mainline or stable ``release`` against the records in the directory ``data``.

    Raises:
        UsageError: the release is not of the form 7.4 or 6.1.176, or the directory has no records.
    """
    version, stable = _release(release)
    series = ".".join(map(str, version))
    records = {name: record for rows in load.features(data).values() for record in rows for name in _names(record)}
    if not records:
        raise UsageError(f"{data}: no records")
    tables = load.tables(data)
    releases = sorted(version_key(row["version"]) for row in tables.get("releases", []))
    overlay = {name for row in tables.get("stable", []) if row["series"] == series for name in row.get("plus", [])}
    result = Comparison()
    found = _found(header)
    for name, (enum, value) in found.items():
        if name not in records:
            result.new.append(_new_record(name, enum, value, version, releases))
            continue
        record = records[name]
        recorded = _value_at(record, version)
        if value is not None and recorded is not None and recorded != value:
            result.contradictions.append(f"{name}: recorded as {recorded}, {value} in the header")
        since = _since(record, name)
        if since is None or since <= version:
            continue
        if not stable:
            result.contradictions.append(f"{name}: recorded as new in {_text(since)}, in the header of {release}")
        elif name not in overlay:
            result.backported.append(name)
    for name, record in records.items():
        if SOURCE in record.get("source", "") and _expected(record, name, version) and name not in found:
            since = _since(record, name)
            what = f"recorded as present since {_text(since)}" if since else "recorded"
            # Names of ours (map_names) stand for a field: only the header's own names can be missing from it.
            if record.get("group", "").startswith("bpf_attr.") and not name.startswith("bpf_attr."):
                continue
            result.contradictions.append(f"{name}: {what}, not in the header of {release}")
    return result


def write(new: Sequence[tuple[str, Record]], data: Path = load.DATA) -> list[Path]:
    """Append the records to the files of their kinds in the directory ``data``; the names of the files.

    Each file is replaced as a whole by a copy with the records at its end: a reader sees the old one or the new one.
    """
    texts: dict[Path, str] = {}
    for kind, record in new:
        path = data / f"{FILES[kind]}.toml"
        if path not in texts:
            texts[path] = path.read_text(encoding="utf-8") if path.exists() else ""
            if texts[path] and not texts[path].endswith("\n"):
                texts[path] += "\n"
        texts[path] += _toml(kind, record)
    copies = {path: path.with_name(f"{path.name}.new-{os.getpid()}") for path in texts}
    try:
        for path, copy in copies.items():
            with copy.open("x", encoding="utf-8") as file:
                file.write(texts[path])
                file.flush()
                os.fsync(file.fileno())
        for path, copy in copies.items():
            os.replace(copy, path)
    finally:
        for copy in copies.values():
            copy.unlink(missing_ok=True)
    return sorted(copies)


def names(header: headers.Header) -> list[str]:
    """Every name in the header that a record can have."""
    return list(_found(header))


def _found(header: headers.Header) -> dict[str, tuple[str, int | None]]:
    """Name in the header -> (enumeration, structure or define, value)."""
    found: dict[str, tuple[str, int | None]] = {}
    for name, enum, value in header.constants():
        if not _IGNORED.match(name):
            found[name] = (enum, value)
    for name, value in header.helpers.items():
        found[name] = ("bpf_func_id", value)
    for name in header.attributes + header.struct_fields:
        found[name] = (name.rpartition(".")[0], None)
    return found


def _kind_of(name: str, enum: str) -> str:
    if enum == "bpf_func_id":
        return "helper"
    if name.startswith("bpf_attr."):
        return "attribute"
    if "." in name:
        return "struct_field"
    if name.startswith("BPF_PSEUDO_"):
        return "instruction"
    flag = name.startswith(("BPF_F_", "BPF_RB_")) or "_F_" in name or name.endswith("_FLAG")
    return _ENUM_KINDS.get(enum, "flag" if flag else "constant")


def _new_record(
    name: str, enum: str, value: int | None, version: tuple[int, ...], releases: list[tuple[int, ...]]
) -> tuple[str, Record]:
    kind = _kind_of(name, enum)
    record: Record = {"name": name}
    if value is not None:
        record["value"] = value
    if value is not None and enum and not enum.startswith("anon:"):
        record["enum"] = enum
    if kind == "helper":
        record["aliases"] = ["BPF_FUNC_" + name[len("bpf_") :]]
    if kind in ("flag", "constant", "attribute", "struct_field"):
        record["group"] = enum or "unknown"
    record["since"] = _text(version)
    older = [other for other in releases if other < version]
    if older and (not releases or version >= releases[-1]):
        record["absent_in"] = _text(older[-1])
    else:
        # An older release that nobody compared with the one before it.
        record["confidence"] = "lower bound"
    record.update(commit="unknown", subject="unknown", source=SOURCE)
    if kind in _NEEDS_KCONFIG:
        record["kconfig"] = "unknown"
    return kind, record


def _toml(kind: str, record: Record) -> str:
    def value(item: object) -> str:
        if isinstance(item, list):
            return "[" + ", ".join(value(part) for part in item) + "]"
        return str(item) if isinstance(item, int) else '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return f"\n[[{kind}]]\n" + "".join(f"{key} = {value(item)}\n" for key, item in record.items())


def _names(record: Record) -> list[str]:
    return [record["name"], *(s["alternative_name"] for s in record.get("statements", ()) if "alternative_name" in s)]


def _intervals(record: Record, name: str) -> list[tuple[str, str | None]]:
    """(since, until) of every statement about ``name``."""
    statements = record.get("statements") or [record]
    return [(s.get("since", "unknown"), s.get("until")) for s in statements if s.get("alternative_name", name) == name]


def _since(record: Record, name: str) -> tuple[int, ...] | None:
    known = [version_key(since) for since, _ in _intervals(record, name) if since != "unknown"]
    return min(known, default=None)


def _expected(record: Record, name: str, version: tuple[int, ...]) -> bool:
    return any(
        since != "unknown" and version_key(since) <= version and (until is None or version < version_key(until))
        for since, until in _intervals(record, name)
    )


def _value_at(record: Record, version: tuple[int, ...]) -> int | None:
    """The value in a release: a few (BPF_SOCK_OPS_ALL_CB_FLAGS) changed, `values` says from which release on."""
    value: int | None = record.get("value")
    changes = sorted((version_key(since), other) for since, other in record.get("values", {}).items())
    for number, (since, other) in enumerate(changes):
        if since <= version or not number:  # before the first: a stable release that has the name early
            value = other
    return value


def _release(text: str) -> tuple[tuple[int, ...], bool]:
    """("6.1.176") -> ((6, 1), True): the series, and whether it is a stable release of it."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise UsageError(f"{text!r} is not a release: write 7.4 for a mainline release, 6.1.176 for a stable one")
    return (int(match.group(1)), int(match.group(2))), bool(match.group(3) and int(match.group(3)))


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m featuredb.update", description="Hold a bpf.h to the database.")
    parser.add_argument("header", metavar="BPF_H", help="path of the release's include/uapi/linux/bpf.h")
    parser.add_argument("--release", required=True, help="7.4, or 6.1.176 for a stable release")
    parser.add_argument("--write", action="store_true", help="append records for what is new")
    parser.add_argument("--data", type=Path, default=load.DATA, help="directory of the TOML files")
    options = parser.parse_args(arguments)
    try:
        if options.write and _release(options.release)[1]:
            raise UsageError("--write takes a mainline release: a stable header does not say when a name came")
        result = compare(headers.read(options.header), options.release, options.data)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except headers.HeaderError as error:
        print(f"{options.header}: {error}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return _report(result, options.release, options.data, options.write)


def _report(result: Comparison, release: str, data: Path, writing: bool) -> int:
    kinds: dict[str, list[Record]] = {}
    for kind, record in result.new:
        kinds.setdefault(kind, []).append(record)
    for kind, found in kinds.items():
        print(f"new {kind} ({len(found)}):")
        for record in found:
            print(f"  {record['name']}" + (f" = {record['value']}" if "value" in record else ""))
    if result.backported:
        print(f"backported? {', '.join(result.backported)}: newer than {release}'s series, and no overlay lists them")
    if result.contradictions:
        for clause in result.contradictions:
            print(f"contradiction: {clause}", file=sys.stderr)
        if writing:
            print("nothing written", file=sys.stderr)
        return 1
    if not result.new:
        print("nothing new")
    elif writing:
        for path in write(result.new, data):
            print(f"appended to {path}")
        print("now: fill in what says unknown, `python -m featuredb.lint`, `python -m featuredb.build`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
