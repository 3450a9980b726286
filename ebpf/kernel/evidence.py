"""Weighs what a trial left open: the kernel's BTF, its kconfig, what its distribution and its release are known to
have.

Stronger evidence comes first: trial, BTF, kconfig, overlay, mainline. BTF's *known* never means *works*; a version
number alone never vetoes, since distributions backport, except where the release is plain mainline or one the database
has measured.
"""

from __future__ import annotations

import featuredb
from ebpf.kernel.denial import COMMANDS, capabilities
from ebpf.kernel.named import missing_kconfig
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, SUPPORTED, UNKNOWN, Reason
from featuredb.model import EVERY_PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ebpf.kernel.live import RunningKernel
    from ebpf.probe.outcome import Outcome
    from ebpf.verdict import Verdict
    from featuredb import Feature

__all__ = ["weigh"]


_NAMES_ALONE = ("constant", "struct_field", "attribute")
"""Kinds of which the name is all there is: the kernel has them when its types do."""


class _Evidence:
    """What is known of a feature beside the trial."""

    __slots__ = ("btf", "kconfig", "presence", "reasons")

    def __init__(self, kernel: RunningKernel, record: Feature, program_type: str | None) -> None:
        self.reasons: list[Reason] = []
        self.btf, text = kernel.btf.knows(record)
        if self.btf is not None:
            self.reasons.append(Reason("btf", text))
        self.kconfig = missing_kconfig(record, program_type, kernel.unmet)
        if self.kconfig:
            self.reasons.append(
                Reason("kconfig", f"needs {self.kconfig}, which is not set in {kernel.host.kconfig.path}")
            )
        self.presence = "unknown"
        platform = kernel.platform
        if platform is not None:
            presence = platform.has(record, program_type)
            if presence.status == "unknown" and kernel.stable is not None:
                # A release string may hide the sublevel, which tells which stable updates the kernel has.
                updated = kernel.stable.has(record, program_type)
                presence = updated if updated.status == "present" else presence
            here = _on_architecture(record, kernel)
            if here is None or presence.status == "absent":
                self.presence = presence.status
                self.reasons.append(Reason(presence.source, presence.text))
            else:
                self.presence = "present" if here else "absent"
                text = f"{'' if here else 'not '}on {kernel.architecture} in Linux {kernel.version}"
                self.reasons.append(Reason("mainline", text))

    @property
    def expected(self) -> bool:
        """Whether a kernel of this release has it when it is built with all it needs."""
        return bool(self.btf) or self.presence == "present"


def _on_architecture(record: Feature, kernel: RunningKernel) -> bool | None:
    """Whether the release has it on this architecture;

    ``None`` for what came to all at once, and when it is not known.
    """
    if kernel.version is None or not any(statement.arch for statement in record.statements):
        return None
    return record.known_at(kernel.version, kernel.architecture)


def weigh(
    kernel: RunningKernel,
    record: Feature,
    program_type: str | None,
    outcome: Outcome | None,
    ask: Callable[[str], Verdict],
) -> tuple[str, list[Reason]]:
    """A status and its reasons, for a feature whose trial (`None`: there is none) did not succeed.

    `ask` answers about the features that this one belongs to.
    """
    if outcome is None and record.kind in _NAMES_ALONE:
        known, text = kernel.btf.knows(record)
        if known:
            return SUPPORTED, [Reason("btf", text)]
    evidence = _Evidence(kernel, record, program_type)
    reasons = evidence.reasons
    if outcome is None:
        return _untried(record, evidence, ask)
    reasons = [Reason("trial", outcome.text), *reasons]
    if outcome.status == COMPILED_OUT:
        return COMPILED_OUT, reasons
    if outcome.status == ABSENT:
        status = _refused(kernel, record, evidence)
        if status == ABSENT and evidence.expected:
            without = _without_caller(record, program_type, ask)
            if without is not None:
                return COMPILED_OUT, [reasons[0], without, *reasons[1:]]
        return status, reasons
    if outcome.status == DENIED:
        return _denied(kernel, record, program_type, evidence, reasons)
    return _inconclusive(evidence), reasons


def _refused(kernel: RunningKernel, record: Feature, evidence: _Evidence) -> str:
    """The trial said no beside a control that succeeded. New enough, but built without it, is a no of its own."""
    if evidence.kconfig and evidence.expected:
        return COMPILED_OUT
    if evidence.presence == "present" and kernel.host.kconfig.status != "read" and _optional(record):
        evidence.reasons.append(
            Reason("kconfig", f"it needs {record.kconfig_exist}; this kernel's configuration is not known")
        )
        return COMPILED_OUT
    return ABSENT


def _without_caller(record: Feature, program_type: str | None, ask: Callable[[str], Verdict]) -> Reason | None:
    """Why nobody can call a helper or kfunc: the program types that may were left out of this kernel, all of them."""
    callers = [program_type] if program_type else [name for name in record.program_types if name != EVERY_PROGRAM]
    if not callers or any(ask(name).status != COMPILED_OUT for name in callers):
        return None
    return Reason("kconfig", f"only {' and '.join(callers)} may call it, which was compiled out")


def _optional(record: Feature) -> bool:
    """Whether a kernel can be built without it, beyond bpf(2) itself."""
    return record.kconfig_exist not in ("", "none", "unknown")


def _denied(
    kernel: RunningKernel, record: Feature, program_type: str | None, evidence: _Evidence, reasons: list[Reason]
) -> tuple[str, list[Reason]]:
    """The trial was refused to this process: is it there at all?"""
    if evidence.btf is False:
        return ABSENT, reasons
    if evidence.kconfig and evidence.expected:
        return COMPILED_OUT, reasons
    if evidence.btf or evidence.presence == "present":
        return DENIED, [reasons[0], *kernel.refusals(capabilities(record, program_type)), *reasons[1:]]
    if evidence.presence == "absent":
        return ABSENT, reasons
    return UNKNOWN, reasons


def _inconclusive(evidence: _Evidence) -> str:
    """The trial's answer could mean several things."""
    if evidence.btf is False:
        return ABSENT
    if evidence.kconfig and evidence.expected:
        return COMPILED_OUT
    if evidence.presence == "present":
        return SUPPORTED
    if evidence.presence == "absent" and evidence.btf is None:
        return ABSENT
    return UNKNOWN


def _untried(record: Feature, evidence: _Evidence, ask: Callable[[str], Verdict]) -> tuple[str, list[Reason]]:
    """Nothing can be tried for it: constants, fields, drivers. What it belongs to comes first."""
    for name in _parents(record):
        verdict = ask(name)
        if not verdict and verdict.status != UNKNOWN:
            first = Reason("host", f"it belongs to {name}, which is {verdict.status.replace('_', ' ')}")
            return verdict.status, [first, *verdict.reasons]
    return _inconclusive(evidence), evidence.reasons


def _parents(record: Feature) -> list[str]:
    """What must be there first: the command or helper that takes a flag, and what the record depends on."""
    names = [record.group] if record.kind == "flag" and featuredb.kind_of(record.group) else []
    if record.kind in COMMANDS:
        names.append(COMMANDS[record.kind])
    return [*names, *(name for name in record.depends_on if name not in names)]
