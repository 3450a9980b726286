"""Every trial there is, in one go and over all cores.

Nearly all the time goes into loading thousands of tiny programs. A privileged caller's programs are verified in
parallel, so the work is shared with forked children, one for each further core; threads would spend much of the time
handing the interpreter's lock to each other. Who is free takes the next job from a pipe, children answer through
another.
"""

from __future__ import annotations

import gc
import os
import sys

import featuredb
from ebpf import probe
from ebpf.probe import helpers, kernel_btf, kfuncs, known, programs, wordings
from ebpf.probe.outcome import Outcome
from ebpf.verdict import SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from featuredb import Feature

    Job = tuple[str, str]

__all__ = ["Survey", "survey"]

_CHUNK = 1 << 20
_KNOWN = "known"  # the job of asking the kernel's BTF about names
_PARTS = 4  # the jobs that the kfuncs are dealt out in
_MISSING = helpers.Answer(False, 0, wordings.NO_SUCH[0])
_WITH_BTF = ("program_type", "iterator", "struct_ops", "verifier")  # kinds of which some trial needs an id


class Survey:
    """What the trials said.

    Attributes:
        features: the `Outcome` of every feature that has a trial, by name.
        helpers: status by program type and helper, of every pair that was tried or that the database lists.
        kfuncs: status by program type and kfunc, of the pairs that the database lists; ``BPF_PROG_TYPE_UNSPEC``
            stands for every program type.
        known: what the kernel's BTF says of the names of features (`ebpf.probe.known`).
    """

    __slots__ = ("_kfunc_calls", "_kinds", "_no_such", "_standing", "features", "helpers", "kfuncs", "known")

    def __init__(self) -> None:
        self.features: dict[str, Outcome] = {}
        self.helpers: dict[str, dict[str, str]] = {}
        self.kfuncs: dict[str, dict[str, str]] = {}
        self.known: dict[str, tuple[bool | None, str]] = {}
        # What this process needs for its share of the work.
        self._kinds: tuple[str, ...] = ()
        self._kfunc_calls: dict[str, kfuncs.Calls] = {}
        self._standing = helpers.Standing()
        self._no_such: set[int] = set()  # numbers of helpers that this kernel does not have

    def note(self, name: str, status: str, outcome: Callable[[], Outcome]) -> None:
        """Keep the outcome for a helper or kfunc when it is better than what other program types gave."""
        held = self.features.get(name)
        if held is None or helpers.rank(name, status) < helpers.rank(name, held.status):
            self.features[name] = outcome()

    def dump(self) -> Any:
        """All of it in types that `marshal` takes."""
        features = {name: (each.status, each.text, each.errno) for name, each in self.features.items()}
        return features, self.helpers, self.kfuncs, self.known

    def add(self, dumped: Any) -> None:
        """Take in what another process found."""
        features, helper_table, kfunc_table, names = dumped
        for name, row in features.items():
            self.note(name, row[0], lambda row=row: Outcome(*row))  # type: ignore[misc]  # called at once, or never
        self.helpers.update(helper_table)
        for program_type, row in kfunc_table.items():
            self.kfuncs.setdefault(program_type, {}).update(row)
        self.known.update(names)

    def ordered(self) -> Survey:
        """The same, in the database's order, whoever found it."""
        types = featuredb.names("program_type")
        self.helpers = {name: self.helpers[name] for name in types if name in self.helpers}
        names = featuredb.names("kfunc") if self.kfuncs else ()
        rows = {name: self.kfuncs[name] for name in types if name in self.kfuncs}
        self.kfuncs = {key: {name: row[name] for name in names if name in row} for key, row in rows.items()}
        return self


def survey(
    kinds: Collection[str] | None = None, workers: int | None = None, meanwhile: Callable[[], object] | None = None
) -> Survey:
    """Try every feature of these kinds, or of all kinds.

    Parameters:
        kinds: the kinds; `None` for all.
        workers: how many processes share the work; by default one for each core this process may use. With other
            threads running it is done in this process alone, since forking could copy a lock that one of them holds.
        meanwhile: what the caller has to do as well; it is done while the other processes are at work already.
    """
    kinds = tuple(featuredb.kinds() if kinds is None else kinds)
    jobs = _jobs(kinds)
    if workers is None:
        threading = sys.modules.get("threading")
        alone = threading is not None and threading.active_count() > 1
        workers = 1 if alone else min(len(os.sched_getaffinity(0)), 8)
    found = Survey()
    found._kinds = kinds
    collecting = gc.isenabled()
    gc.disable()  # thousands of objects are made and kept: looking for cycles among them costs a tenth of the time
    try:
        done: set[int] = set()
        if workers > 1 and len(jobs) > 1:
            done = _share(jobs, found, min(workers, len(jobs)), meanwhile)
        elif meanwhile is not None:
            meanwhile()
        for number, job in enumerate(jobs):  # all of them alone, or what a child that failed had taken
            if number not in done:
                _do(job, found)
    finally:
        if collecting:
            gc.enable()
    return found.ordered()


def _jobs(kinds: Collection[str]) -> list[Job]:
    """What is to be done: (kind, program type), or (kind, "") for a whole kind.

    What needs ids out of the kernel's BTF comes first, so that one process does most of it and others need not read it.
    Many jobs of one length come last, so that all processes end at about the same time.
    """
    types = [name for name in featuredb.names("program_type") if name != kfuncs.EVERYWHERE] if "helper" in kinds else []
    targeted = [name for name in types if _targeted(name)]
    jobs: list[Job] = [("kfunc", str(part)) for part in range(_PARTS)] if "kfunc" in kinds else []
    jobs += [("helper", name) for name in targeted]
    jobs += [(kind, "") for kind in kinds if kind in _WITH_BTF]
    if any(kind in known.KINDS for kind in kinds):
        jobs.append((_KNOWN, ""))
    jobs += [(kind, "") for kind in kinds if kind not in ("helper", "kfunc", *_WITH_BTF)]
    return jobs + [("helper", name) for name in types if name not in targeted]


def _targeted(program_type: str) -> bool:
    return any(shape.target for shape in programs.shapes(program_type))


def _do(job: Job, found: Survey) -> None:
    kind, what = job
    if kind in ("kfunc", _KNOWN, *_WITH_BTF) or (kind == "helper" and _targeted(what)):
        _look_up(found._kinds)
    if kind == "helper":
        _helpers(what, found)
    elif kind == "kfunc":
        _kfuncs(int(what), found)
    elif kind == _KNOWN:
        _known(found)
    else:
        _kind(kind, found)


def _kind(kind: str, found: Survey) -> None:
    for name in featuredb.names(kind):
        outcome = probe.trial(name)
        if outcome is not None:
            found.features[name] = outcome


def _look_up(kinds: Collection[str]) -> None:
    """Find all that these kinds need of the kernel's BTF, in one walk over it; nothing the second time."""
    names = known.names(record for kind in kinds if kind in known.KINDS for record in featuredb.features(kind))
    names |= programs.targets()
    if "kfunc" in kinds or "verifier" in kinds:
        names.update((*featuredb.names("kfunc"), *kfuncs.NO_KFUNC))
    if "iterator" in kinds:
        names.update("bpf_" + name for name in featuredb.names("iterator"))
    if "struct_ops" in kinds:
        names.update("bpf_struct_ops_" + name for name in featuredb.names("struct_ops"))
    kernel_btf.look_up(names)


def _known(found: Survey) -> None:
    """What the kernel's BTF says of the names of features."""
    evidence = known.BtfEvidence()
    for kind in found._kinds:
        for record in featuredb.features(kind) if kind in known.KINDS else ():
            answer = evidence.knows(record)
            if answer[0] is not None:
                found.known[record.name] = answer


def _helpers(program_type: str, found: Survey) -> None:
    """The row of one program type: helpers it may call, and those it may not."""
    table = helpers.Calls(program_type, standing=found._standing)
    stopped = table.first()
    row = found.helpers[program_type] = {}
    asked: list[tuple[Feature, int, bool]] = []
    for record in featuredb.features("helper"):
        name, number = record.name, record.value
        relation = record.program_types.get(program_type)
        quiet = name not in helpers.NOISY
        if not number or (relation is None and (stopped is not None or not quiet)):
            continue  # neither tried nor expected
        outcome = stopped
        if outcome is None and (not quiet or (relation is not None and relation.lockdown)):
            outcome = helpers.untried(record, table)
        if outcome is None:
            row[name] = UNKNOWN  # its place in the row
            asked.append((record, number, relation is not None))
        else:
            row[name] = outcome.status
            found.note(name, outcome.status, lambda: outcome)  # noqa: B023  # called at once, or never
    missing = found._no_such
    answers = table.answers({number: expected for _, number, expected in asked if number not in missing})
    # The body runs five thousand times: what is the rule in it is not left to functions.
    held = found.features
    for record, number, _ in asked:
        name = record.name
        answer = answers.get(number) or _MISSING
        row[name] = status = SUPPORTED if answer is helpers.OPEN else helpers.status(record, table, answer)
        if name in held and held[name].status == SUPPORTED:
            continue
        found.note(name, status, lambda: helpers.call(record, table, answer))  # noqa: B023
        if answer.open is False and wordings.no_such(answer.log):
            missing.add(number)


def _kfuncs(part: int, found: Survey) -> None:
    """A part of the rows of all program types."""
    tables = found._kfunc_calls
    records = featuredb.features("kfunc")[part::_PARTS]
    kernel_btf.in_modules([record.name for record in records if kernel_btf.find(record.name) is None])
    for record in records:
        function = kfuncs.function(record)
        if isinstance(function, kfuncs.Function) and (function.module or kfuncs.is_target(record)):
            # Of a module, or to be attached to: not by the calls of the tables.
            outcome = kfuncs.trial(record.name)
            if outcome is not None:
                found.features[record.name] = outcome
            continue
        for program_type in record.program_types:
            if isinstance(function, Outcome):
                outcome = function
            else:
                callers = kfuncs.callers(record, program_type)
                tables.update({name: kfuncs.Calls(name) for name in callers if name not in tables})
                outcome = helpers.any_of(record, (kfuncs.one(record, tables[name], function) for name in callers))
            found.kfuncs.setdefault(program_type, {})[record.name] = outcome.status
            found.note(record.name, outcome.status, lambda: outcome)  # noqa: B023  # called at once, or never
        if record.name not in found.features and isinstance(function, Outcome):
            found.features[record.name] = function


# Sharing the work


def _share(jobs: list[Job], found: Survey, workers: int, meanwhile: Callable[[], object] | None) -> set[int]:
    """Do the jobs together with children; returns the numbers of those that are done."""
    queue, feed = os.pipe()
    os.write(feed, bytes(range(len(jobs))))  # fewer than a pipe holds
    os.close(feed)
    children: list[tuple[int, int]] = []
    done: set[int] = set()
    try:
        for _ in range(workers - 1):
            child = _fork(jobs, found._kinds, queue)
            if child is None:
                break  # no further process to be had
            children.append(child)
        if meanwhile is not None:
            meanwhile()
        done |= _work(jobs, queue, found)
    finally:
        while os.read(queue, _CHUNK):  # after an exception: nobody shall begin another job
            pass
        os.close(queue)
        answers = [_collect(*child) for child in children]
    for answer in answers:
        if answer is not None:
            found.add(answer[1])
            done.update(answer[0])
    return done


def _work(jobs: list[Job], queue: int, found: Survey) -> set[int]:
    """Take jobs until there are none; returns the numbers of those that were done."""
    done = set()
    while number := os.read(queue, 1):
        _do(jobs[number[0]], found)
        done.add(number[0])
    return done


def _fork(jobs: list[Job], kinds: tuple[str, ...], queue: int) -> tuple[int, int] | None:
    """Start a child: its pid and the pipe it answers through; `None` when no process can be had."""
    try:
        reader, writer = os.pipe()
    except OSError:
        return None
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return None
    if pid:
        os.close(writer)
        return pid, reader
    try:
        os.close(reader)
        _answer(jobs, kinds, queue, writer)
    finally:
        os._exit(1)  # reached only when something failed: the parent then does the jobs itself


def _answer(jobs: list[Job], kinds: tuple[str, ...], queue: int, writer: int) -> None:
    import marshal

    found = Survey()
    found._kinds = kinds
    done = _work(jobs, queue, found)
    data = memoryview(marshal.dumps((done, found.dump())))
    while data:
        data = data[os.write(writer, data) :]
    os.close(writer)  # now, not when the memory of this process has been taken apart: the parent waits for it
    os._exit(0)


def _collect(pid: int, pipe: int) -> Any:
    """What a child found; `None` when it failed."""
    import marshal

    parts = []
    try:
        while part := os.read(pipe, _CHUNK):
            parts.append(part)
        return marshal.loads(b"".join(parts))
    except (EOFError, ValueError, TypeError):  # it ended before it had written all
        return None
    finally:
        os.close(pipe)
        os.waitpid(pid, 0)
