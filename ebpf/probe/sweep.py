"""Every trial there is, in one go and over all cores.

Nearly all the time goes into loading thousands of two-instruction programs. A privileged caller's programs are
verified in parallel, so the work is dealt out to forked children, one for each further core, which send what they
found through a pipe.
"""

from __future__ import annotations

import os
import sys

import featuredb
from ebpf import probe
from ebpf.probe import helpers, kernel_btf, kfuncs, known, programs
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["Survey", "survey"]

_RANK = {SUPPORTED: 0, DENIED: 1, UNKNOWN: 2, ABSENT: 3}
# Kinds whose trials, or whose names, are looked for in the kernel's BTF.
_IN_BTF = ("kfunc", "iterator", "struct_ops")
_BTF = "BTF"


class Survey:
    """What the trials said.

    Attributes:
        features: the `Outcome` of every feature that has a trial, by name.
        helpers: status by program type and helper, of every pair that was tried or that the database lists.
        kfuncs: the same for kfuncs; ``BPF_PROG_TYPE_UNSPEC`` stands for every program type.
        known: what the kernel's BTF says of the names of features (`ebpf.probe.known`).
    """

    __slots__ = ("features", "helpers", "kfuncs", "known")

    def __init__(self) -> None:
        self.features: dict[str, Outcome] = {}
        self.helpers: dict[str, dict[str, str]] = {}
        self.kfuncs: dict[str, dict[str, str]] = {}
        self.known: dict[str, tuple[bool | None, str]] = {}

    def better(self, name: str, status: str) -> bool:
        """Whether a status is better news of a helper or kfunc than what is held."""
        held = self.features.get(name)
        return held is None or _RANK[status] < _RANK.get(held.status, 3)

    def pair(self, row: dict[str, str], name: str, outcome: Outcome) -> None:
        """Enter the outcome for one program type."""
        row[name] = outcome.status
        if self.better(name, outcome.status):
            self.features[name] = outcome

    def dump(self) -> Any:
        """All of it in types that `marshal` takes."""
        features = {name: (each.status, each.text, each.errno) for name, each in self.features.items()}
        return features, self.helpers, self.kfuncs, self.known

    def add(self, dumped: Any) -> None:
        """Take in what another process found; of two outcomes for a helper or kfunc the better one stays."""
        features, helper_table, kfunc_table, known_names = dumped
        for name, row in features.items():
            if self.better(name, row[0]):
                self.features[name] = Outcome(*row)
        self.helpers.update(helper_table)
        self.kfuncs.update(kfunc_table)
        self.known.update(known_names)


def survey(kinds: Collection[str] | None = None, workers: int | None = None) -> Survey:
    """Try every feature of these kinds, or of all kinds.

    Parameters:
        kinds: the kinds; `None` for all.
        workers: how many processes share the work; by default one for each core this process may use. With other
        threads
            running it is done in this process alone, since forking could copy a lock that one of them holds.
    """
    wanted = featuredb.kinds() if kinds is None else tuple(kinds)
    if workers is None:
        workers = len(os.sched_getaffinity(0))
        threading = sys.modules.get("threading")
        if threading is not None and threading.active_count() > 1:
            workers = 1
    shares = _shares(wanted, max(1, workers))
    children = [(_fork(share, wanted), share) for share in shares[1:]]
    found = Survey()
    _work(shares[0], wanted, found)
    for child, share in children:
        dumped = _collect(*child) if child is not None else None
        if dumped is None:
            _work(share, wanted, found)  # no further process was to be had, or it failed: this one does it
        else:
            found.add(dumped)
    return found


def _shares(kinds: Collection[str], workers: int) -> list[list[tuple[str, str]]]:
    """The jobs for each process, about as long as one another.

    A job is a kind and, for helpers, a program type. What needs the kernel's BTF goes to the last process, which then
    walks over it once; its share of the helpers is smaller for it.
    """
    types = [name for name in featuredb.names("program_type") if name != kfuncs.EVERY_PROGRAM and "helper" in kinds]
    traced = [name for name in types if any(shape.target for shape in programs.shapes(name))]
    btf: list[tuple[str, str]] = [(_BTF, "")] + [("helper", name) for name in traced]
    btf += [(kind, "") for kind in kinds if kind in _IN_BTF]
    rest = [("helper", name) for name in types if name not in traced]
    rest += [(kind, "") for kind in kinds if kind != "helper" and kind not in _IN_BTF]
    if workers == 1:
        return [btf + rest]
    # Measured in helper tables, of about 7 ms each: the walk is worth ten, the kfuncs as many.
    lead = 10 + (10 if "kfunc" in kinds else 0) + len(traced)
    own = max(0, (len(rest) - (workers - 1) * lead) // workers)
    head = [rest[number :: workers - 1] for number in range(workers - 1)] if not own else None
    if head is None:
        last, others = rest[:own], rest[own:]
        head = [others[number :: workers - 1] for number in range(workers - 1)]
        btf += last
    return [*head, btf]


def _work(jobs: list[tuple[str, str]], kinds: Collection[str], found: Survey) -> None:
    for kind, program_type in jobs:
        if kind == _BTF:
            _btf(kinds, found)
        elif kind == "helper":
            _helpers(program_type, found)
        elif kind == "kfunc":
            _kfuncs(found)
        else:
            for name in featuredb.names(kind):
                outcome = probe.trial(name)
                if outcome is not None:
                    found.features[name] = outcome


def _btf(kinds: Collection[str], found: Survey) -> None:
    """One walk over the kernel's BTF for all that this survey asks of it."""
    records = [record for kind in kinds for record in featuredb.features(kind)]
    wanted = known.names(records)
    if "kfunc" in kinds:
        wanted.update(featuredb.names("kfunc"))
    if "helper" in kinds:
        wanted.update(shape.target for row in programs.TABLE.values() for shape in row if shape.target)
    kernel_btf.look_up(wanted)
    evidence = known.BtfEvidence()
    for record in records:
        answer = evidence.knows(record)
        if answer[0] is not None:
            found.known[record.name] = answer


def _helpers(program_type: str, found: Survey) -> None:
    table = helpers.Calls(program_type)
    stopped = table.first()
    row = found.helpers[program_type] = {}
    for record in featuredb.features("helper"):
        if not record.value:
            continue
        listed = program_type in record.program_types
        if (stopped is not None or record.name in helpers.NOISY) and not listed:
            continue  # neither tried nor expected
        if record.name in helpers.NOISY:
            found.pair(row, record.name, helpers.untried(record.name))
        elif stopped is not None:
            found.pair(row, record.name, stopped)
        else:
            open_, error, log = table.status(record.value, deep=listed)
            status = row[record.name] = helpers.status_of(record, program_type, open_, log)
            if found.better(record.name, status):
                found.features[record.name] = helpers.outcome(record, program_type, open_, error, log)


def _kfuncs(found: Survey) -> None:
    tables: dict[str, helpers.Calls] = {}
    for record in featuredb.features("kfunc"):
        number = kfuncs.id_of(record)
        for program_type in record.program_types:
            row = found.kfuncs.setdefault(program_type, {})
            if isinstance(number, Outcome):
                found.pair(row, record.name, number)
                continue
            callers = kfuncs.callers(record) if program_type == kfuncs.EVERY_PROGRAM else (program_type,)
            tables.update({name: kfuncs.calls_of(name) for name in callers if name not in tables})
            tried = helpers.any_of(record, (kfuncs.one(record, tables[name], number) for name in callers))
            found.pair(row, record.name, tried)
        if record.name not in found.features:
            outcome = kfuncs.trial(record.name)
            if outcome is not None:
                found.features[record.name] = outcome


def _fork(jobs: list[tuple[str, str]], kinds: Collection[str]) -> tuple[int, int] | None:
    """Start a child on some jobs: its pid and the pipe it answers through; `None` when no process can be had."""
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
    code = 1
    try:
        import marshal

        found = Survey()
        _work(jobs, kinds, found)
        data = memoryview(marshal.dumps(found.dump()))
        while data:
            data = data[os.write(writer, data) :]
        code = 0
    finally:
        os._exit(code)  # whatever happened: the child must not go on in the parent's code


def _collect(pid: int, pipe: int) -> Any:
    """What a child found; `None` when it failed."""
    import marshal

    parts = []
    try:
        while part := os.read(pipe, 1 << 20):
            parts.append(part)
    finally:
        os.close(pipe)
        _, status = os.waitpid(pid, 0)
    return marshal.loads(b"".join(parts)) if status == 0 else None
