"""Trials of helpers: a bare call from a program of each type."""

from __future__ import annotations

import featuredb
from ebpf import uapi
from ebpf.probe import context, programs, wordings
from ebpf.probe.load import Loader
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from featuredb import Feature

__all__ = ["NOISY", "Calls", "trial"]

NOISY = frozenset(("bpf_trace_printk", "bpf_trace_vprintk", "bpf_probe_write_user"))
"""Loading a program that calls one of these writes into the kernel log (kernel/trace/bpf_trace.c: the functions that
hand out their prototypes, bpf_get_trace_printk_proto() and bpf_get_probe_write_proto(), do), so it is not done."""

_NO_HELPER = 0x7FFFFFF  # a number no kernel has a helper of: the control, which must be refused


class Calls:
    """Which calls are open to a program type, through each of its shapes.

    `usable`: whether programs of the type can be loaded at all; when not, `outcome` says why.
    """

    def __init__(self, program_type: str, source: int = 0) -> None:
        self.program_type = program_type
        self._source = source
        self._number: int = getattr(uapi, program_type)
        self._loaders: dict[int, Loader] = {}
        self._shapes = programs.shapes(program_type)
        self._refused: dict[int, Outcome | None] = {}

    def _loader(self, index: int) -> Loader:
        loader = self._loaders.get(index)
        if loader is None:
            shape = self._shapes[index]
            target = programs.target_id(shape.target)
            loader = self._loaders[index] = Loader(self._number, shape, target, self._source)
        return loader

    def control(self, index: int) -> Outcome | None:
        """What stops every program of this shape;

        `None` when nothing does: a call of nothing is refused for being one.
        """
        if index not in self._refused:
            self._refused[index] = self._control(index)
        return self._refused[index]

    def _control(self, index: int) -> Outcome | None:
        loader = self._loader(index)
        result = loader.call(_NO_HELPER)
        call = f"BPF_PROG_LOAD of {self.program_type}"
        refused = context.refusal(result, call)
        if refused is not None:
            return refused
        log = loader.log
        if wordings.classify(result, log) is False or (self._source and log):
            return None
        return Outcome(UNKNOWN, f"{call} with a call that no kernel has was not refused for the call", -result)

    def first(self) -> Outcome | None:
        """What stops the type's own shape; the outcome of all calls then."""
        if not self._shapes:
            text = f"which calls {self.program_type} may make depends on what it is attached to"
            return Outcome(UNKNOWN, text)
        return self.control(0)

    def status(self, number: int, deep: bool) -> tuple[bool | None, int, str]:
        """Whether a call is open (`None`: undecided), the errno, and the verifier's words.

        With `deep`, the type's other shapes are tried as well when the first refuses it.
        """
        open_, error, log = self._try(0, number)
        if open_ is not False or not deep:
            return open_, error, log
        for index in range(1, len(self._shapes)):
            if self.control(index) is None:
                other, _, _ = self._try(index, number)
                if other:
                    return True, 0, ""
        return open_, error, log

    def _try(self, index: int, number: int) -> tuple[bool | None, int, str]:
        loader = self._loader(index)
        result = loader.call(number)
        if result == 0:
            return True, 0, ""
        log = loader.log
        said = wordings.classify_kfunc(result, log) if self._source else wordings.classify(result, log)
        return said, -result, log


def trial(name: str, program_type: str | None = None, log_noise: bool = False) -> Outcome | None:
    """Whether programs of a type, or of any type, may call a helper; `None` for a name that is no helper.

    Parameters:
        name: the helper.
        program_type: the program type; without one, those that the database lists are tried in turn.
        log_noise: also load what writes a warning into the kernel log (`NOISY`).
    """
    record = featuredb.get(name)
    if record.kind != "helper" or record.value is None or not record.value:
        return None
    if record.name in NOISY and not log_noise:
        return untried(name)
    if program_type is not None:
        return one(record, Calls(program_type))
    return any_of(record, (one(record, Calls(each)) for each in record.program_types))


def any_of(record: Feature, outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome for a helper or kfunc as such: the best of those for its program types."""
    rank = {SUPPORTED: 0, DENIED: 1, UNKNOWN: 2, ABSENT: 3}
    best: Outcome | None = None
    for outcome in outcomes:
        if outcome.status == SUPPORTED:
            return outcome
        if best is None or rank.get(outcome.status, 3) < rank.get(best.status, 3):
            best = outcome
    return best or Outcome(UNKNOWN, f"no program type that could call {record.name} can be tried")


def untried(name: str) -> Outcome:
    """The outcome for what would write into the kernel log."""
    return Outcome(UNKNOWN, f"loading a call of {name} writes into the kernel log, so it was not tried")


def one(record: Feature, table: Calls) -> Outcome:
    """The outcome for one program type."""
    return table.first() or call(record, table, table.program_type in record.program_types)


def call(record: Feature, table: Calls, listed: bool) -> Outcome:
    """The outcome for a program type that can be loaded; all its shapes are tried when the database lists the pair."""
    open_, error, log = table.status(record.value or 0, deep=listed)
    return outcome(record, table.program_type, open_, error, log)


def outcome(record: Feature, program_type: str, open_: bool | None, error: int, log: str) -> Outcome:
    """What an answer means, given what this process may do."""
    what = f"{record.name} in a program of {program_type}"
    status = status_of(record, program_type, open_, log)
    if status == SUPPORTED:
        return Outcome(SUPPORTED, f"the verifier accepted a call of {what}")
    said = wordings.gist(log)
    if status == UNKNOWN:
        return Outcome(UNKNOWN, f"the verifier refused {what} in words unknown here ({said or error})", error)
    if status == DENIED:
        missing = " and ".join(_missing(record, program_type))
        return Outcome(DENIED, f"the verifier refused {what} ({said}), and {missing} is missing", error)
    return Outcome(ABSENT, f"the verifier refused {what} ({said})", error)


def status_of(record: Feature, program_type: str, open_: bool | None, log: str) -> str:
    """The status that an answer means. A missing capability makes the verifier say that there is no such helper."""
    if open_ is None:
        return UNKNOWN
    if open_:
        return SUPPORTED
    if any(text in log for text in wordings.NO_SUCH):
        return ABSENT
    return DENIED if _missing(record, program_type) else ABSENT


def _missing(record: Feature, program_type: str) -> list[str]:
    """The capabilities that the database says the pair needs and this thread does not have."""
    relation = record.program_types.get(program_type)
    needed = relation.capabilities if relation is not None else record.capabilities
    if not needed:
        return []
    from ebpf import host

    held = host.read().capabilities
    return [name for name in needed if not held.has(name)]
