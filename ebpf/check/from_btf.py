"""A kernel of which its type information is at hand: what vmlinux BTF says comes first, a release answers the rest."""

from __future__ import annotations

import featuredb
from ebpf.kernel.base import Kernel
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED, UNKNOWN, Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.btf import Btf
    from ebpf.verdict import Verdict
    from featuredb import Feature

__all__ = ["BtfKernel", "release_of"]

_TELLING = ("helper", "map_type", "program_type", "command")
"""Kinds whose names are enumerators that every build of a release has."""


class BtfKernel(Kernel):
    """A kernel as its BTF and, beside that, the release it looks like describe it.

    Parameters:
        btf: of its vmlinux.
        name: how to call it.
        base: answers what BTF says nothing about; ``None``: the release that BTF looks like.
        modules: BTF of its modules, where functions may be that vmlinux has not.

    Raises `ebpf.errors.ProfileError` when the BTF is not a kernel's.
    """

    def __init__(self, btf: Btf, name: str, base: Kernel | None = None, modules: Sequence[Btf] = ()) -> None:
        from ebpf import kernel
        from ebpf.probe.known import BtfEvidence

        self._evidence = BtfEvidence(lambda: btf)
        if base is None:
            release = release_of(self._evidence)
            if release is None:
                from ebpf.errors import ProfileError

                raise ProfileError(f"{name}: no kernel's BTF: give that of a vmlinux, not of an object or a module")
            base = kernel.release(release)
        self._base = base
        self._types = (btf, *modules)
        self.name = name
        self.release = base.release
        self.version = base.version
        self.distribution = base.distribution
        self.architecture = base.architecture

    def _check(self, record: Feature, program_type: str | None) -> Verdict:
        verdict = self._base._check(record, program_type)
        known, text = self._knows(record)
        if record.kind == "kfunc" and known is None and verdict.status == SUPPORTED:
            text = f"{record.name} is no function of vmlinux's BTF: a module has it, which must be loaded"
            return self._verdict(record, program_type, UNKNOWN, [Reason("btf", text), *verdict.reasons], too_old=False)
        if known is None or (known and verdict.status in (SUPPORTED, COMPILED_OUT)):
            return verdict
        if known and program_type is not None and verdict.status == ABSENT:
            # BTF names a helper, not who may call it.
            return verdict
        status = SUPPORTED if known else ABSENT
        reasons = [Reason("btf", text), *verdict.reasons]
        return self._verdict(record, program_type, status, reasons, too_old=False)

    def _knows(self, record: Feature) -> tuple[bool | None, str]:
        if record.kind == "kfunc":
            from ebpf.btf import kinds

            names = (record.name, *record.aliases)
            found = any(types.find(name, kinds.FUNC) is not None for types in self._types for name in names)
            return (True, f"a function {record.name} in the kernel's BTF") if found else (None, "")
        return self._evidence.knows(record)

    def _alternatives(self, record: Feature) -> tuple[str, ...]:
        return tuple(name for name in record.alternatives if self._check(featuredb.get(name), None))


def release_of(evidence: object) -> str | None:
    """The mainline release that BTF is complete to: the first that has all the names it knows; ``None``: no kernel's.

    Parameters:
        evidence: a `ebpf.probe.known.BtfEvidence`.
    """
    from ebpf.probe.known import BtfEvidence

    assert isinstance(evidence, BtfEvidence)
    newest: str | None = None
    names: dict[str, list[Feature]] = {}
    for kind in _TELLING:
        for record in featuredb.features(kind):
            names.setdefault(record.since, []).append(record)
    for release in featuredb.releases():
        known = [evidence.knows(record)[0] for record in names.get(release.version, ())]
        if any(answer is False for answer in known):
            break
        if any(known):
            newest = release.version
    return newest
