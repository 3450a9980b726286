"""A kernel by name, answered from the database alone."""

from __future__ import annotations

import featuredb
from ebpf.kernel.base import PER_PROGRAM, Kernel, Report, check_kinds
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED, UNKNOWN, Reason, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from featuredb import Feature, Platform

__all__ = ["ReleaseKernel", "judge", "missing_kconfig", "unmet"]

_STATUS = {"present": SUPPORTED, "absent": ABSENT, "unknown": UNKNOWN}


class ReleaseKernel(Kernel):
    """A mainline release or a distribution's kernel, as the database knows it; `ebpf.kernel.release` makes one."""

    def __init__(self, name: str, architecture: str | None = None) -> None:
        try:
            self.platform: Platform = featuredb.platform(name)
        except featuredb.UnknownPlatform as error:
            from ebpf.errors import UnknownKernelError

            raise UnknownKernelError(name, error.suggestions) from None
        self.name = self.platform.name
        self.release = self.platform.kernel
        self.version = self.platform.base
        self.distribution = self.platform.distribution
        self.architecture = architecture or ""

    def _check(self, record: Feature, program_type: str | None) -> Verdict:
        status, reasons = judge(self.platform, record, program_type, self.architecture)
        return self._verdict(record, program_type, status, reasons, too_old=True)

    def _alternatives(self, record: Feature) -> tuple[str, ...]:
        return tuple(name for name in record.alternatives if self.platform.has(name).status == "present")

    def report(self, kinds: Collection[str] | None = None) -> Report:
        wanted = check_kinds(kinds)
        features: dict[str, Verdict] = {}
        tables: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in PER_PROGRAM}
        for kind in wanted:
            for record in featuredb.features(kind):
                features[record.name] = self._check(record, None)
                if kind not in tables or record.extra.get("category") == "fmod_ret_target":
                    continue  # those are attached to, not called
                for program_type in record.program_types:
                    status, _ = judge(self.platform, record, program_type, self.architecture)
                    tables[kind].setdefault(program_type, {})[record.name] = status
        return Report(self.describe(), features, tables["helper"], tables["kfunc"])


def judge(
    platform: Platform, record: Feature, program_type: str | None, architecture: str = ""
) -> tuple[str, list[Reason]]:
    """What the database says of a feature on a platform: a status and its reasons."""
    presence = platform.has(record, program_type)
    reasons = [Reason(presence.source, presence.text)]
    status = _STATUS[presence.status]
    if status == SUPPORTED and architecture and not _on_architecture(record, platform, architecture):
        return ABSENT, [Reason("mainline", f"not on {architecture} in {platform.name}")]
    if status == SUPPORTED:
        options = platform.kconfig
        option = missing_kconfig(record, program_type, lambda text: unmet(text, options.get))
        if option:
            return COMPILED_OUT, [
                Reason("kconfig", f"needs {option}, which {platform.name} is built without"),
                *reasons,
            ]
    return status, reasons


def _on_architecture(record: Feature, platform: Platform, architecture: str) -> bool:
    if not any(statement.arch for statement in record.statements) or platform.base is None:
        return True
    return record.known_at(platform.base, architecture) is not False


def missing_kconfig(record: Feature, program_type: str | None, unmet: Callable[[str], str]) -> str:
    """The build options a feature needs to exist that are known not to be set, in words; empty when none is."""
    expressions = [record.kconfig_exist]
    if program_type is not None and program_type in record.program_types:
        expressions.append(record.program_types[program_type].kconfig)
    for expression in expressions:
        if expression not in ("", "none", "unknown"):
            off = unmet(expression)
            if off:
                return off
    return ""


def unmet(expression: str, get: Callable[[str], str | None]) -> str:
    """What of a build expression is known not to hold, in words; empty when it holds or is not known."""
    if featuredb.kconfig.evaluate(expression, get) is not False:
        return ""
    off = [option for option in featuredb.kconfig.options(expression) if get(option) == "n"]
    return " and ".join(off) if "||" not in expression and "!" not in expression else expression
