"""The kernel this process runs on: trial first, then what the machine and the database say."""

from __future__ import annotations

import featuredb
from ebpf import probe
from ebpf.kernel.base import Kernel, Report, check_kinds, feature
from ebpf.kernel.named import missing_kconfig, unmet
from ebpf.probe import context
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED, UNKNOWN, Reason, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from ebpf.host import Host
    from ebpf.probe.known import BtfEvidence
    from ebpf.probe.outcome import Outcome
    from featuredb import Feature, Platform

__all__ = ["RunningKernel", "current"]

_current: tuple[int, RunningKernel] | None = None


def current() -> RunningKernel:
    """The running kernel; one object for each process, made anew after fork."""
    import os

    global _current
    if _current is None or _current[0] != os.getpid():
        _current = (os.getpid(), RunningKernel())
    return _current[1]


class RunningKernel(Kernel):
    """The kernel this process runs on; `ebpf.kernel.running` gives it.

    Answers hold for this process as it is now. Conclusive ones are remembered until its credentials change.
    """

    def __init__(self) -> None:
        self._host: Host | None = None
        self._platform: Platform | None = None
        self._stable: Platform | None = None
        self._btf: BtfEvidence | None = None
        self._unmet: dict[str, str] = {}
        self._refusals: dict[tuple[object, tuple[str, ...]], list[Reason]] = {}
        self._verdicts: dict[tuple[object, str, str | None], Verdict] = {}

    @property
    def host(self) -> Host:
        """What can be read about this machine (`ebpf.host.read`)."""
        if self._host is None:
            from ebpf import host

            self._host = host.read()
        return self._host

    @property
    def release(self) -> str:  # type: ignore[override]  # read when first asked for
        return self.host.release

    @property
    def name(self) -> str:  # type: ignore[override]  # read when first asked for
        return self.host.release

    @property
    def version(self) -> str | None:  # type: ignore[override]  # read when first asked for
        return self.host.version

    @property
    def distribution(self) -> str:  # type: ignore[override]  # read when first asked for
        return self.host.distribution

    @property
    def architecture(self) -> str:  # type: ignore[override]  # read when first asked for
        return self.host.architecture

    @property
    def platform(self) -> Platform | None:
        """What the database knows of this kernel by its release string; `None` when the string tells nothing."""
        if self._platform is None:
            for name in (self.host.release, self.host.version):
                try:
                    self._platform = featuredb.platform(name) if name else None
                except featuredb.UnknownPlatform:
                    continue
                if self._platform is not None:
                    break
        return self._platform

    @property
    def stable(self) -> Platform | None:
        """The mainline release with its stable updates that this kernel is made from; `None` when that is not known."""
        if self._stable is None and self.version is not None:
            self._stable = featuredb.platform(self.version)
        return self._stable

    @property
    def btf(self) -> BtfEvidence:
        """What the kernel's own type information says."""
        if self._btf is None:
            from ebpf.probe.known import BtfEvidence

            self._btf = BtfEvidence()
        return self._btf

    def option(self, name: str) -> str | None:
        """The value of a build option: ``"y"``, ``"m"``, ``"n"``; ``None`` when it is not known.

        An option that this release does not have yet is not "not set": it is looked for under its former name.
        """
        value = self.host.kconfig.get(name)
        if value != "n" or self.platform is None or self.platform.base is None:
            return value
        from featuredb import options

        if options.known(name, self.platform.base) is not False:
            return value
        former = options.former_name(name)
        return self.host.kconfig.get(former) if former else None

    def unmet(self, expression: str) -> str:
        """What of a build expression is known not to hold here, in words; empty when it holds or is not known."""
        words = self._unmet.get(expression)
        if words is None:
            words = self._unmet[expression] = unmet(expression, self.option)
        return words

    def refusals(self, needed: tuple[str, ...]) -> list[Reason]:
        """What refuses to this process, as it is now, things that need these capabilities."""
        key = (context.credentials(), needed)
        reasons = self._refusals.get(key)
        if reasons is None:
            from ebpf.kernel.denial import why_denied

            reasons = self._refusals[key] = why_denied(self.host, needed)
        return reasons

    def describe(self) -> dict[str, Any]:
        return self.host.as_dict()

    def _check(self, record: Feature, program_type: str | None) -> Verdict:
        key = (context.credentials(), record.name, program_type)
        verdict = self._verdicts.get(key)
        if verdict is None:
            outcome = probe.trial(record.name, program_type)
            verdict = self._judge(record, program_type, outcome, lambda name: self._check(feature(name), None))
            if verdict.status != UNKNOWN:
                self._verdicts[key] = verdict
        return verdict

    def _judge(
        self, record: Feature, program_type: str | None, outcome: Outcome | None, ask: Callable[[str], Verdict]
    ) -> Verdict:
        if outcome is not None and outcome.status == SUPPORTED:
            # Not by its name, for which the release would have to be read first.
            tried = [Reason("trial", outcome.text)]
            return self._verdict(record, program_type, SUPPORTED, tried, too_old=False, name="this kernel")
        from ebpf.kernel import evidence

        status, reasons = evidence.weigh(self, record, program_type, outcome, ask)
        too_old = any(reason.source in ("mainline", "overlay") for reason in reasons)
        return self._verdict(record, program_type, status, reasons, too_old)

    def _alternatives(self, record: Feature) -> tuple[str, ...]:
        return tuple(name for name in record.alternatives if self._check(feature(name), None))

    def report(self, kinds: Collection[str] | None = None) -> Report:
        wanted = check_kinds(kinds)
        described: list[dict[str, Any]] = []

        def prepare() -> None:
            """What every judgement needs, read while other processes try already."""
            if self.platform is not None:
                self.platform.has("BPF_MAP_CREATE")
            self.host.kconfig.get("CONFIG_BPF")
            for kind in wanted:
                featuredb.features(kind)
            described.append(self.describe())

        survey = probe.survey(wanted, meanwhile=prepare)
        self.btf.remember(survey.known)
        judged: dict[str, Verdict] = {}

        def ask(name: str) -> Verdict:
            record = feature(name)
            verdict = judged.get(record.name)
            if verdict is None:
                if record.kind not in wanted:
                    return self._check(record, None)
                verdict = judged[record.name] = self._judge(record, None, survey.features.get(record.name), ask)
            return verdict

        features = {name: ask(name) for kind in wanted for name in featuredb.names(kind)}
        tables = {
            kind: self._table(kind, table, ask) if kind in wanted else {}
            for kind, table in (("helper", survey.helpers), ("kfunc", survey.kfuncs))
        }
        return Report(described[0], features, tables["helper"], tables["kfunc"])

    def _table(
        self, kind: str, table: dict[str, dict[str, str]], ask: Callable[[str], Verdict]
    ) -> dict[str, dict[str, str]]:
        """Pairs that no trial decided are decided by what else is known; refused ones may have been compiled out."""
        left_out = {name for name in table if ask(name).status == COMPILED_OUT}
        for record in featuredb.features(kind):
            name = record.name
            for program_type in record.program_types:
                row = table.get(program_type, {})
                status = row.get(name)
                if status == UNKNOWN:
                    row[name] = self._undecided(record, program_type, ask(name).status)
                elif status == ABSENT:
                    without = program_type in left_out or missing_kconfig(record, program_type, self.unmet)
                    if without and self._expects(record, program_type):
                        row[name] = COMPILED_OUT
        return table

    def _expects(self, record: Feature, program_type: str) -> bool:
        return self.platform is not None and self.platform.has(record, program_type).status == "present"

    def _undecided(self, record: Feature, program_type: str, anywhere: str) -> str:
        """The status of a pair that cannot be tried: what BTF, kconfig and the release say, or UNKNOWN.

        ``anywhere`` is the status for any program: what the kernel has not at all, or denies, none may call.
        """
        if anywhere in (ABSENT, COMPILED_OUT, DENIED):
            return anywhere
        if not self._expects(record, program_type):
            return UNKNOWN
        return COMPILED_OUT if missing_kconfig(record, program_type, self.unmet) else SUPPORTED
