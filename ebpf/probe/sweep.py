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
from ebpf.probe import helpers, kernel_btf, kfuncs, programs
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["Survey", "survey"]

_RANK = {SUPPORTED: 0, DENIED: 1, UNKNOWN: 2, ABSENT: 3}
_EVERY_PROGRAM = "BPF_PROG_TYPE_UNSPEC"


class Survey:
    """What the trials said.

    Attributes:
        features: the `Outcome` of every feature that has a trial, by name.
        helpers: status by program type and helper, of every pair that was tried or that the database lists.
        kfuncs: the same for kfuncs.
    """

    __slots__ = ("features", "helpers", "kfuncs")

    def __init__(self) -> None:
        self.features: dict[str, Outcome] = {}
        self.helpers: dict[str, dict[str, str]] = {}
        self.kfuncs: dict[str, dict[str, str]] = {}

    def _better(self, name: str, status: str) -> bool:
        held = self.features.get(name)
        return held is None or _RANK[status] < _RANK.get(held.status, 3)

    def dump(self) -> Any:
        """All of it in types that `marshal` takes."""
        features = {name: (each.status, each.text, each.errno) for name, each in self.features.items()}
        return features, self.helpers, self.kfuncs

    def add(self, dumped: Any) -> None:
        """Take in what another process found; of two outcomes for a helper or kfunc the better one stays."""
        features, helper_table, kfunc_table = dumped
        for name, row in features.items():
            if self._better(name, row[0]):
                self.features[name] = Outcome(*row)
        self.helpers.update(helper_table)
        self.kfuncs.update(kfunc_table)


def survey(kinds: Collection[str] | None = None, workers: int | None = None) -> Survey:
    """Try every feature of these kinds, or of all kinds.

    Parameters:
        kinds: the kinds; `None` for all.
        workers: how many processes share the work; by default one for each core this process may use. With other
        threads
            running it is done in this process alone, since forking could copy a lock that one of them holds.
    """
    wanted = featuredb.kinds() if kinds is None else kinds
    jobs = _jobs(wanted)
    if workers is None:
        workers = len(os.sched_getaffinity(0))
        threading = sys.modules.get("threading")
        if threading is not None and threading.active_count() > 1:
            workers = 1
    found = Survey()
    children = []
    for number in range(1, workers):
        share = jobs[number::workers]
        child = _fork(share) if share else None
        if child is None:
            jobs += share  # no further process to be had: this one does it
        else:
            children.append((child, share))
    for job in jobs[::workers]:
        _do(job, found)
    for (pid, pipe), share in children:
        dumped = _collect(pid, pipe)
        if dumped is None:
            for job in share:
                _do(job, found)
        else:
            found.add(dumped)
    return found


def _jobs(kinds: Collection[str]) -> list[tuple[str, str]]:
    """What is to be done:

    (kind, program type), or (kind, "") for a kind that is quick. Long ones first, dealt out in turn.
    """
    types = [name for name in featuredb.names("program_type") if name != _EVERY_PROGRAM]
    # What needs ids out of the BTF goes to the same processes, so that not each of them walks over it.
    tracing = [name for name in types if any(shape.target for shape in programs.shapes(name))]
    plain = [name for name in types if name not in tracing]
    jobs: list[tuple[str, str]] = []
    if "helper" in kinds:
        jobs += [("helper", name) for name in (*tracing, *plain)]
    if "kfunc" in kinds:
        jobs += [("kfunc", name) for name in types]
    jobs += [(kind, "") for kind in kinds if kind not in ("helper", "kfunc")]
    return jobs


def _do(job: tuple[str, str], found: Survey) -> None:
    kind, program_type = job
    if kind == "helper":
        _helpers(program_type, found)
    elif kind == "kfunc":
        _kfuncs(program_type, found)
    else:
        for name in featuredb.names(kind):
            outcome = probe.trial(name)
            if outcome is not None:
                found.features[name] = outcome


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
            outcome = helpers.untried(record.name)
        else:
            outcome = stopped or helpers.call(record, table, listed)
        row[record.name] = outcome.status
        if found._better(record.name, outcome.status):
            found.features[record.name] = outcome


def _kfuncs(program_type: str, found: Survey) -> None:
    listed = [
        record
        for record in featuredb.features("kfunc")
        if program_type in record.program_types or _EVERY_PROGRAM in record.program_types
    ]
    kernel_btf.ids(featuredb.names("kfunc"))
    table = kfuncs.calls_of(program_type)
    row = found.kfuncs[program_type] = {}
    for record in listed:
        number = kfuncs.id_of(record)
        outcome = number if isinstance(number, Outcome) else kfuncs.one(record, table, number)
        row[record.name] = outcome.status
        if found._better(record.name, outcome.status):
            found.features[record.name] = outcome


def _fork(jobs: list[tuple[str, str]]) -> tuple[int, int] | None:
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
    try:
        os.close(reader)
        _work(jobs, writer)
    finally:
        os._exit(1)  # reached only when _work failed: the parent then does the jobs itself
    return None


def _work(jobs: list[tuple[str, str]], writer: int) -> None:
    import marshal

    found = Survey()
    for job in jobs:
        _do(job, found)
    data = memoryview(marshal.dumps(found.dump()))
    while data:
        data = data[os.write(writer, data) :]
    os._exit(0)


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
