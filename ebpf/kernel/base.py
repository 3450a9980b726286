"""What every kernel has in common: the question, the report, the profile."""

from __future__ import annotations

import featuredb
from ebpf.verdict import ABSENT, COMPILED_OUT, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from ebpf.verdict import Reason
    from featuredb import Feature

__all__ = ["PROFILE_VERSION", "Kernel", "Report", "feature", "needs"]

PROFILE_VERSION = "1"
"""The version of the JSON format that `Kernel.profile` gives and ``recorded`` reads."""

PER_PROGRAM = ("helper", "kfunc")
"""The kinds whose features are offered to some program types and not to others."""


def feature(name: str) -> Feature:
    """The database's record of a feature. Raises `UnknownFeatureError` with the closest names."""
    try:
        return featuredb.get(name)
    except featuredb.UnknownName as error:
        from ebpf.errors import UnknownFeatureError

        raise UnknownFeatureError(name, error.suggestions) from None


def needs(record: Feature, program_type: str | None = None, version: str | None = None) -> str:
    """What a feature needs in words, ``"Linux 4.10 (commit 29ba732acbee)"``.

    Empty when the database does not know, and when a kernel of ``version`` is that new: it lacks it for another reason.
    """
    if program_type is not None:
        relation = record.program_types.get(program_type) or record.program_types.get("BPF_PROG_TYPE_UNSPEC")
        return f"Linux {relation.since}" if relation is not None and _lacks(relation.since, version) else ""
    for statement in record.statements:  # more than one when it was taken away and came again
        if _lacks(statement.since, version):
            commit = f" (commit {statement.commit})" if statement.commit not in ("", "unknown") else ""
            return f"Linux {statement.since}{commit}"
    return ""


def _lacks(since: str, version: str | None) -> bool:
    """Whether a kernel of this version (`None`: not known) is too old for what came with ``since``."""
    if since == "unknown":
        return False
    return version is None or featuredb.version_key(version) < featuredb.version_key(since)


class Report:
    """What a kernel answered about everything.

    Attributes:
        kernel: the kernel, as the profile describes it.
        features: `Verdict` by name.
        helpers: status by program type and helper.
        kfuncs: status by program type and kfunc.
    """

    __slots__ = ("features", "helpers", "kernel", "kfuncs")

    def __init__(
        self,
        kernel: Mapping[str, Any],
        features: dict[str, Verdict],
        helpers: dict[str, dict[str, str]],
        kfuncs: dict[str, dict[str, str]],
    ) -> None:
        self.kernel = dict(kernel)
        self.features = features
        self.helpers = helpers
        self.kfuncs = kfuncs

    def profile(self) -> dict[str, Any]:
        """The report as JSON-able data; docs/profile.md describes the format."""
        return {
            "version": PROFILE_VERSION,
            "kernel": self.kernel,
            "features": {
                name: {
                    "kind": verdict.kind,
                    "status": verdict.status,
                    "reasons": [{"source": reason.source, "text": reason.text} for reason in verdict.reasons],
                }
                for name, verdict in self.features.items()
            },
            "helpers": self.helpers,
            "kfuncs": self.kfuncs,
        }


class Kernel:
    """A kernel that can be asked.

    Attributes:
        name: how messages call it: ``"6.18.44"``, ``"rhel8.6"``.
        release: what ``uname -r`` prints there, as far as known.
        version: the mainline version its features are counted from, ``None`` when not known.
        distribution: ``"ubuntu"``, ``"rhel"`` …; empty when not known.
        architecture: as ``uname -m`` prints it; empty when not known.
    """

    name: str
    release: str
    version: str | None
    distribution: str
    architecture: str

    def check(self, name: str, program_type: str | None = None) -> Verdict:
        """Ask about one feature.

        Parameters:
            name: the feature's name, as the kernel spells it (``"BPF_MAP_TYPE_LRU_HASH"``, ``"bpf_ringbuf_output"``)
            or, where
                the kernel has none, as the database does (``"bounded_loops"``).
            program_type: for a helper or kfunc: the program type that is to call it (``"BPF_PROG_TYPE_XDP"``). Without
            one,
                it is supported when any program type may call it.

        Raises `ebpf.errors.UnknownFeatureError` when no feature has that name, `ebpf.errors.ArgumentError` when
        `program_type` is given for a feature of another kind.
        """
        record = feature(name)
        if program_type is not None:
            program_type = _program_type(record, program_type)
        return self._check(record, program_type)

    def _check(self, record: Feature, program_type: str | None) -> Verdict:
        raise NotImplementedError

    def _alternatives(self, record: Feature) -> tuple[str, ...]:
        """Which of a feature's alternatives this kernel has, as far as is known."""
        raise NotImplementedError

    def _verdict(
        self,
        record: Feature,
        program_type: str | None,
        status: str,
        reasons: list[Reason],
        too_old: bool,
        name: str | None = None,
    ) -> Verdict:
        """The verdict; `too_old`: it is absent because of its release, `name`: instead of the kernel's own."""
        missing = status in (ABSENT, COMPILED_OUT)
        return Verdict(
            record.name,
            record.kind,
            status,
            reasons,
            kernel=self.name if name is None else name,
            program_type=program_type,
            alternatives=(lambda: self._alternatives(record)) if missing else (),
            needs=needs(record, program_type, self.version) if status == ABSENT and too_old else "",
        )

    def report(self, kinds: Collection[str] | None = None) -> Report:
        """Ask about every feature, or about every feature of some kinds.

        Raises `ebpf.errors.ArgumentError` for a kind that does not exist.
        """
        raise NotImplementedError

    def profile(self, kinds: Collection[str] | None = None) -> dict[str, Any]:
        """The report as JSON-able data, which `ebpf.kernel.recorded` reads back from a file."""
        return self.report(kinds).profile()

    def describe(self) -> dict[str, Any]:
        """Which kernel this is, as JSON-able data."""
        return {
            "release": self.release,
            "version": self.version,
            "distribution": self.distribution,
            "architecture": self.architecture,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _program_type(record: Feature, name: str) -> str:
    """The canonical name of a program type, checked to make sense for this feature."""
    from ebpf.errors import ArgumentError

    if record.kind not in PER_PROGRAM:
        raise ArgumentError(
            f"{record.name} is a {record.kind.replace('_', ' ')}:"
            " a program type is asked about only for a helper or a kfunc"
        )
    wanted = feature(name)
    if wanted.kind != "program_type":
        raise ArgumentError(
            f"{name} is a {wanted.kind.replace('_', ' ')}, not a program type such as BPF_PROG_TYPE_XDP"
        )
    return wanted.name


def check_kinds(kinds: Collection[str] | None) -> tuple[str, ...]:
    """The kinds asked for, all when `None`. Raises `ArgumentError` for one that does not exist."""
    known = featuredb.kinds()
    if kinds is None:
        return known
    for kind in kinds:
        if kind not in known:
            from ebpf.errors import ArgumentError

            raise ArgumentError(f"no kind of feature is called {kind!r}: the kinds are {', '.join(known)}")
    return tuple(kind for kind in known if kind in kinds)
