"""A kernel recorded elsewhere: the file that ``ebpf features --json`` writes."""

from __future__ import annotations

import os

from ebpf.errors import ProfileError, UnknownKernelError
from ebpf.kernel.base import PER_PROGRAM, PROFILE_VERSION, Kernel, Report, check_kinds, feature
from ebpf.verdict import ABSENT, COMPILED_OUT, STATUSES, UNKNOWN, Reason, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from featuredb import Feature

__all__ = ["RecordedKernel"]

_LIMIT = 64 * 2**20  # a recording is under one MiB; what is far larger is something else


class RecordedKernel(Kernel):
    """A kernel as another process saw it; `ebpf.kernel.recorded` makes one.

    What the recording does not hold, because an older version of the library wrote it, is answered by the database for
    the recorded release, and the reasons say so.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        profile = _load(self.path)
        self._kernel: dict[str, Any] = profile["kernel"]
        self._features: dict[str, dict[str, Any]] = profile["features"]
        self._tables: dict[str, dict[str, dict[str, str]]] = {
            "helper": profile.get("helpers", {}),
            "kfunc": profile.get("kfuncs", {}),
        }
        self.release = self._kernel["release"]
        self.version = self._kernel.get("version")
        self.distribution = self._kernel.get("distribution") or ""
        self.architecture = self._kernel.get("architecture") or ""
        self.name = self.release or self.path

    @property
    def fingerprint(self) -> tuple[str, int]:
        """Release and answers as one value: recordings that have it in common answer the same."""
        answers = frozenset((name, entry["status"]) for name, entry in self._features.items())
        pairs = frozenset(
            (program_type, name, status)
            for table in self._tables.values()
            for program_type, row in table.items()
            for name, status in row.items()
        )
        return self.release, hash((answers, pairs))

    def describe(self) -> dict[str, Any]:
        return dict(self._kernel)

    def _check(self, record: Feature, program_type: str | None) -> Verdict:
        status, reasons = self._answer(record, program_type)
        return self._verdict(record, program_type, status, reasons, too_old=self._is_older(record))

    def _answer(self, record: Feature, program_type: str | None) -> tuple[str, list[Reason]]:
        if program_type is not None:
            table = self._tables[record.kind]
            status = table.get(program_type, {}).get(record.name)
            if status is not None:
                return status, [Reason("profile", f"recorded as {status} for {program_type} in {self.path}")]
            if table and record.name in self._features:
                return ABSENT, [Reason("profile", f"not among what {program_type} may call in {self.path}")]
            return self._from_database(record, program_type)
        entry = self._features.get(record.name)
        if entry is None:
            return self._from_database(record, None)
        return entry["status"], [Reason(item["source"], item["text"]) for item in entry["reasons"]]

    def _from_database(self, record: Feature, program_type: str | None) -> tuple[str, list[Reason]]:
        from ebpf.kernel.named import ReleaseKernel, judge

        silent = Reason("profile", f"{self.path} does not say")
        try:
            platform = ReleaseKernel(self.release).platform
        except UnknownKernelError:
            return UNKNOWN, [silent, Reason("mainline", f"nothing is known of a kernel called {self.release!r}")]
        status, reasons = judge(platform, record, program_type, self.architecture)
        return status, [silent, *reasons]

    def _is_older(self, record: Feature) -> bool:
        return self.version is not None and record.known_at(self.version) is False

    def _alternatives(self, record: Feature) -> tuple[str, ...]:
        return tuple(
            name for name in record.alternatives if self._answer(feature(name), None)[0] not in (ABSENT, COMPILED_OUT)
        )

    def report(self, kinds: Collection[str] | None = None) -> Report:
        import featuredb

        wanted = check_kinds(kinds)
        features = {record.name: self._check(record, None) for kind in wanted for record in featuredb.features(kind)}
        tables = {kind: self._tables[kind] if kind in wanted else {} for kind in PER_PROGRAM}
        return Report(self.describe(), features, tables["helper"], tables["kfunc"])


def _load(path: str) -> dict[str, Any]:
    import json

    from ebpf.kernel.compact import FORM, expand

    with open(path, "rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise ProfileError(f"{path}: larger than {_LIMIT >> 20} MiB, this is no recording of a kernel")
    try:
        profile = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{path}: not JSON ({error}); record a kernel with: ebpf features --json > FILE") from None
    if isinstance(profile, dict) and profile.get("form") == FORM:
        try:
            profile = expand(profile)
        except (TypeError, KeyError, AttributeError) as error:
            raise ProfileError(f"{path}: a damaged compact recording ({type(error).__name__}: {error})") from None
    problem = _problem(profile)
    if problem:
        raise ProfileError(f"{path}: {problem}; record a kernel with: ebpf features --json > FILE")
    return dict(profile)


def _problem(profile: Any) -> str:
    """What is wrong with a profile; empty when nothing is."""
    if not isinstance(profile, dict):
        return f"a {type(profile).__name__} instead of an object"
    version = profile.get("version")
    if version != PROFILE_VERSION:
        return f"format version {version!r}, this library reads {PROFILE_VERSION!r}"
    kernel = profile.get("kernel")
    if not isinstance(kernel, dict) or not isinstance(kernel.get("release"), str):
        return '"kernel" does not say which release was recorded'
    for key in ("version", "distribution", "architecture"):
        if not isinstance(kernel.get(key), (str, type(None))):
            return f'"kernel": "{key}" is not a string'
    features = profile.get("features")
    if not isinstance(features, dict):
        return '"features" is missing or not an object'
    for name, entry in features.items():
        problem = _entry_problem(entry)
        if problem:
            return f'"features": {name!r}: {problem}'
    return _tables_problem(profile)


def _entry_problem(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "not an object"
    if entry.get("status") not in STATUSES:
        return f"status {entry.get('status')!r} is none of {', '.join(STATUSES)}"
    reasons = entry.get("reasons")
    if not isinstance(reasons, list):
        return '"reasons" is missing or not a list'
    for reason in reasons:
        if not (
            isinstance(reason, dict) and isinstance(reason.get("source"), str) and isinstance(reason.get("text"), str)
        ):
            return 'a reason is not an object with "source" and "text"'
    return ""


def _tables_problem(profile: dict[str, Any]) -> str:
    for key in ("helpers", "kfuncs"):
        table = profile.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
            return f'"{key}" is not an object of objects'
        for program_type, row in table.items():
            for name, status in row.items():
                if status not in STATUSES:
                    return f'"{key}": {program_type}: {name}: status {status!r} is none of {", ".join(STATUSES)}'
    return ""
