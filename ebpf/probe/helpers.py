"""Trials of helpers: a bare call from a program of each type."""

from __future__ import annotations

import errno

import featuredb
from ebpf import uapi
from ebpf.probe import context, programs, wordings
from ebpf.probe.calls import spell
from ebpf.probe.load import Loader
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ebpf.host import Host
    from featuredb import Feature

__all__ = ["NOISY", "OPEN", "Answer", "Calls", "Standing", "any_of", "call", "rank", "status", "trial", "untried"]

NOISY = frozenset(("bpf_trace_printk", "bpf_trace_vprintk", "bpf_probe_write_user"))
"""Asking the verifier for one of these is not without trace, so it is not done. What hands out their prototypes
(kernel/trace/bpf_trace.c) acts before the verifier can be stopped by anything else: bpf_get_trace_printk_proto() prints
the banner of trace_printk() up to 5.8, and later switches the trace event bpf_trace_printk on, warning where that
fails, as under lockdown; bpf_get_probe_write_proto() prints a warning up to 6.13."""

_WEAK = (
    "bpf_get_current_ancestor_cgroup_id",
    "bpf_get_current_cgroup_id",
    "bpf_get_local_storage",
    "bpf_get_retval",
    "bpf_seq_printf_btf",
    "bpf_set_retval",
    "bpf_snprintf_btf",
)
"""Helpers whose prototype may be an empty one: a weak symbol (kernel/bpf/core.c) which another file, or a part of one
that can be left out of the build, defines. Such a prototype asks for no argument, so that a bare call of it goes
through; the verifier looks for the function behind it last of all ("kernel subsystem misconfigured func")."""
_NO_HELPER = 0x7FFFFFF  # a number no kernel has a helper of: the control, which must be refused
_LOCKDOWN = ("none", "integrity", "confidentiality")
_RANK = {SUPPORTED: 0, DENIED: 2, UNKNOWN: 3, ABSENT: 4}


class Answer:
    """What was said of a call.

    Attributes:
        open: whether it is open to the program type; `None`: undecided.
        errno: of the load; 0 when it is open.
        log: the verifier's words.
        refused: what keeps this process from asking another shape of the type, when this one says no.
    """

    __slots__ = ("errno", "log", "open", "refused")

    def __init__(self, open_: bool | None, error: int, log: bytes, refused: Outcome | None = None) -> None:
        self.open = open_
        self.errno = error
        self.log = log
        self.refused = refused


OPEN = Answer(True, 0, b"")
_HOLLOW = b"the kernel was built without the function behind it"
_doubtful: list[set[int]] = []


def _weak() -> set[int]:
    """The numbers of the helpers of `_WEAK` that are not known yet to have a function behind their prototype."""
    if not _doubtful:
        _doubtful.append({featuredb.get(name).value or 0 for name in _WEAK})
    return _doubtful[0]


class Standing:
    """What this process may do on this machine, read when it is first asked about."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._capabilities: dict[str, bool] = {}
        self._lockdown: int | None = None

    def _machine(self) -> Host:
        if self._host is None:
            from ebpf import host

            self._host = host.read()
        return self._host

    def locked_down(self, level: str) -> bool:
        """Whether the kernel is known to be locked down as far as `level`, or further."""
        if self._lockdown is None:
            now = self._machine().lockdown
            self._lockdown = _LOCKDOWN.index(now) if now in _LOCKDOWN else 0
        return level in _LOCKDOWN[1 : self._lockdown + 1]

    def lacks(self, capabilities: Iterable[str]) -> list[str]:
        """Which of these capabilities this process lacks."""
        if not self._capabilities:
            held = self._machine().capabilities
            self._capabilities.update((name, held.has(name)) for name in ("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"))
            self._capabilities["CAP_SYS_ADMIN"] = held.has("CAP_SYS_ADMIN")
        return [name for name in capabilities if not self._capabilities.get(name, True)]


class Calls:
    """Which helpers are open to a program type, through each of its shapes."""

    source = 0  # src_reg of the call
    classify = staticmethod(wordings.classify)

    def __init__(
        self, program_type: str, more: Mapping[str, int | bytes] | None = None, standing: Standing | None = None
    ) -> None:
        self.program_type = program_type
        self._number: int = getattr(uapi, program_type)
        self._more = dict(more or {})
        if program_type == "BPF_PROG_TYPE_KPROBE":
            self._more["kern_version"] = programs.version_code()
        self._loaders: dict[int, Loader] = {}
        self._shapes = programs.shapes(program_type)
        self._stopped: dict[int, Outcome | None] = {}
        self.standing = standing or Standing()
        self._usable: int | None = None  # the first shape that can be loaded; -1: there is none

    def _loader(self, index: int) -> Loader:
        loader = self._loaders.get(index)
        if loader is None:
            shape = self._shapes[index]
            target = programs.target_id(shape.target)
            loader = self._loaders[index] = Loader(self._number, shape, target, self.source, **self._more)
        return loader

    def stopped(self, index: int) -> Outcome | None:
        """What stops every program of this shape; `None` when nothing does: a call of nothing is refused as such."""
        if index not in self._stopped:
            self._stopped[index] = self._control(index)
        return self._stopped[index]

    def negative(self) -> int:
        """What no program may call."""
        return _NO_HELPER

    def _control(self, index: int) -> Outcome | None:
        loader = self._loader(index)
        result = loader.call(self.negative())
        if result < 0 and not loader.log and context.refusal(result, "") is None and loader.log_fully():
            result = loader.call(self.negative())
        call = f"BPF_PROG_LOAD of {self.program_type}"
        refused = context.refusal(result, call)
        if refused is not None:
            return refused
        if self.classify(result, loader.log) is False:
            return None
        # A type, or a way to attach it, that this kernel does not have; or a verifier that speaks in unknown words.
        said = wordings.gist(loader.log)
        answer = "succeeded" if result >= 0 else f"was refused ({said or spell(result)})"
        text = f"{call} with a call of nothing {answer}, which decides nothing about its calls"
        return Outcome(UNKNOWN, text, max(0, -result))

    def first(self) -> Outcome | None:
        """What stops programs of this type, in every shape; the outcome of all calls then."""
        if not self._shapes:
            held = context.can_trace()
            if held.status == DENIED:
                return held
            return Outcome(UNKNOWN, f"which calls {self.program_type} may make depends on what it extends")
        if self._usable is None:
            usable = (index for index in range(len(self._shapes)) if self.stopped(index) is None)
            self._usable = next(usable, -1)
        return None if self._usable >= 0 else self._of_type()

    def _of_type(self) -> Outcome:
        """No shape can be loaded: because of the program type itself, when its own trial says so."""
        stopped = self.stopped(0)
        outcome = programs.trial(self.program_type) if stopped is None or stopped.status != DENIED else None
        if stopped is None or (outcome is not None and outcome.status in (ABSENT, DENIED)):
            return outcome or Outcome(UNKNOWN, f"{self.program_type} could not be tried")
        return stopped

    def answers(self, numbers: Mapping[int, bool]) -> dict[int, Answer]:
        """Which of these calls are open; `first` comes before it.

        Parameters:
            numbers: for each call whether it is expected to be open. Then it is asked about without a word first, and
                the type's other shapes are tried as well when the first usable one refuses it.
        """
        if not numbers:
            return {}
        loader = self._loader(self._usable or 0)
        likely = [number for number, expected in numbers.items() if expected]
        tried = zip(likely, loader.try_all(likely))
        taken = {number: OPEN for number, result in tried if result == -errno.EACCES}
        # In words, where there is anything more to be said: why, and whether there is a function behind the prototype.
        weak = _weak()
        rest = [number for number in numbers if number not in taken or number in weak]
        for number, (result, log) in zip(rest, loader.call_all(rest)):
            answer = self._answer(loader, number, result, log)
            taken[number] = self._elsewhere(number, answer) if numbers[number] and answer.open is False else answer
        return taken

    def status(self, number: int, deep: bool, module: int = 0) -> Answer:
        """Whether one call is open; `first` comes before it. With `deep`, also through the type's other shapes."""
        answer = self._try(self._usable or 0, number, module)
        return self._elsewhere(number, answer, module) if deep and answer.open is False else answer

    def _elsewhere(self, number: int, answer: Answer, module: int = 0) -> Answer:
        """The answer through the type's other shapes, for a call that the first usable one refuses."""
        refused = None
        for index in range(len(self._shapes)):
            stopped = self.stopped(index)
            if stopped is None and index != (self._usable or 0):
                other = self._try(index, number, module)
                if other.open:
                    return other
            elif stopped is not None and stopped.status == DENIED:
                refused = stopped
        return answer if refused is None else Answer(answer.open, answer.errno, answer.log, refused)

    def _try(self, index: int, number: int, module: int) -> Answer:
        loader = self._loader(index)
        result = loader.call(number, module)
        return self._answer(loader, number, result, loader.log)

    def _answer(self, loader: Loader, number: int, result: int, log: bytes) -> Answer:
        open_ = self.classify(result, log)
        if not open_:
            return Answer(open_, -result, log)
        if not self.source and number in _weak():
            if wordings.went_through(log) and loader.returns(number) == -errno.EFAULT:
                return Answer(False, errno.EFAULT, _HOLLOW)
            _weak().discard(number)
        return OPEN


def trial(name: str, program_type: str | None = None, log_noise: bool = False) -> Outcome | None:
    """Whether programs of a type, or of any type, may call a helper; `None` for a name that is no helper.

    Parameters:
        name: the helper.
        program_type: the program type; without one, those that the database lists are tried in turn.
        log_noise: also load what leaves a trace in the kernel log or its trace events (`NOISY`).
    """
    record = featuredb.get(name)
    if record.kind != "helper" or not record.value:
        return None
    if program_type is not None:
        return _one(record, Calls(program_type), log_noise)
    return any_of(record, (_one(record, Calls(each), log_noise) for each in record.program_types))


def rank(name: str, status: str) -> int:
    """Which of the outcomes for several program types counts for the helper or kfunc as such: the lowest."""
    if name in NOISY and status == UNKNOWN:
        return 1  # not tried, though nothing was refused: that other types are says nothing then
    return _RANK.get(status, 4)


def any_of(record: Feature, outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome for a helper or kfunc as such: the best of those for its program types."""
    best: Outcome | None = None
    for outcome in outcomes:
        if outcome.status == SUPPORTED:
            return outcome
        if best is None or rank(record.name, outcome.status) < rank(record.name, best.status):
            best = outcome
    return best or Outcome(UNKNOWN, f"no program type that could call {record.name} can be tried")


def _one(record: Feature, table: Calls, log_noise: bool) -> Outcome:
    outcome = table.first() or untried(record, table, log_noise)
    if outcome is not None:
        return outcome
    return call(record, table, table.status(record.value or 0, deep=table.program_type in record.program_types))


def untried(record: Feature, table: Calls, log_noise: bool = False) -> Outcome | None:
    """The outcome of a call that is not tried, since that would leave a trace; `None` for any other."""
    relation = record.program_types.get(table.program_type)
    level = relation.lockdown if relation is not None else ""
    if level and table.standing.locked_down(level):
        # Each refusal writes a notice (security/lockdown/lockdown.c, lockdown_is_locked_down()).
        return Outcome(DENIED, f"{record.name} was not tried: the kernel is locked down, which refuses it ({level})")
    if record.name not in NOISY or log_noise:
        return None
    lacks = table.standing.lacks(_needed(record, table))
    if lacks:
        return Outcome(DENIED, f"{record.name} was not tried: {_missing(lacks)}")
    return Outcome(UNKNOWN, f"a call of {record.name} leaves traces when it is loaded, so it was not tried")


def _needed(record: Feature, table: Calls) -> tuple[str, ...]:
    relation = record.program_types.get(table.program_type)
    return relation.capabilities if relation is not None else record.capabilities


def _missing(lacks: list[str]) -> str:
    return f"{' and '.join(lacks)} {'is' if len(lacks) == 1 else 'are'} missing"


def status(record: Feature, table: Calls, answer: Answer) -> str:
    """The status that an answer means, given what this process may do.

    Without a capability the verifier speaks as if the helper were not offered to the program type.
    """
    if answer.open:
        return SUPPORTED
    if answer.open is None:
        return UNKNOWN
    if answer.log is _HOLLOW or wordings.no_such(answer.log):
        return ABSENT
    return DENIED if answer.refused is not None or table.standing.lacks(_needed(record, table)) else ABSENT


def call(record: Feature, table: Calls, answer: Answer) -> Outcome:
    """The outcome of a call for one program type."""
    what = f"{record.name} in a program of {table.program_type}"
    if answer.open:
        return Outcome(SUPPORTED, f"the verifier lets a program of {table.program_type} call {record.name}", 0)
    said = wordings.gist(answer.log)
    if answer.open is None:
        text = f"the verifier refused {what} in words unknown here ({said or spell(answer.errno)})"
        return Outcome(UNKNOWN, text, answer.errno)
    text = f"the verifier refused {what} ({said})"
    if status(record, table, answer) == DENIED:
        if answer.refused is not None:
            return Outcome(DENIED, f"{text}, and another way to attach such programs was refused", answer.refused.errno)
        return Outcome(DENIED, f"{text}, and {_missing(table.standing.lacks(_needed(record, table)))}", answer.errno)
    return Outcome(ABSENT, text, answer.errno)
