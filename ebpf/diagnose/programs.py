"""A program that the kernel refused: why, in words, from the errno, the verifier's log and the database."""

from __future__ import annotations

import errno
import os

from ebpf.core import rules
from ebpf.diagnose import verifier_log
from ebpf.diagnose.needs import instruction_at
from ebpf.diagnose.refusals import find
from ebpf.diagnose.verdicts import verdict_error
from ebpf.errors import (
    ArgumentError,
    EbpfError,
    ProgramDeniedError,
    ProgramLoadError,
    SyscallError,
    UnsupportedProgramError,
)
from ebpf.probe.calls import ENOTSUPP, spell
from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program_load import Load
    from ebpf.diagnose.verifier_log import Said

__all__ = ["program_load", "test_run"]


def program_load(load: Load, error: int, log: str) -> ProgramLoadError:
    """The exception for a ``BPF_PROG_LOAD`` that failed.

    Parameters:
        load: what was tried.
        error: the errno.
        log: the verifier's log; empty when it was not reached.
    """
    type_name = rules.program_type_name(load.program_type)
    called = f"{load.name!r} ({type_name})" if load.name else type_name
    said = verifier_log.read(log)
    finding = find(load, error, said, type_name)
    source = _source(load, said)
    lines = [f"BPF_PROG_LOAD of {called} failed ({spell(error)}): {finding.text}"]
    where = _where(load, said, source)
    if where:
        lines.append(f"  {where}")
    lines.extend(f"  verifier: {line}" for line in said.lines)
    verdicts = finding.verdicts
    statuses = {verdict.status for verdict in verdicts}
    if finding.denied or DENIED in statuses:
        kind: type[ProgramLoadError] = ProgramDeniedError
    elif statuses & {ABSENT, COMPILED_OUT}:
        kind = UnsupportedProgramError
    else:
        kind = ProgramLoadError
    return kind(error, "\n".join(lines), log, said.instruction, source, verdicts)


def _source(load: Load, said: Said) -> str:
    if said.instruction is not None and load.describe is not None:
        told = load.describe(said.instruction)
        if told:
            return told
    return said.source


def _where(load: Load, said: Said, source: str) -> str:
    insn = instruction_at(load.insns, said.instruction)
    where = "" if said.instruction is None else f"at instruction {said.instruction}"
    if insn is not None:
        where += f", `{insn}`"
    if source:
        where += f"{', from' if where else 'at'} {source}"
    return where


def test_run(program_type: int, error: int, data: bytes | None, ctx: bytes | None) -> EbpfError:
    """The exception for a ``BPF_PROG_TEST_RUN`` that failed."""
    from ebpf.kernel import running

    name = rules.program_type_name(program_type)
    what = f"BPF_PROG_TEST_RUN of a {name} program failed ({spell(error)})"
    if error in (errno.EINVAL, errno.EPERM):
        verdict = running().check("BPF_PROG_TEST_RUN")
        if verdict.status in (ABSENT, COMPILED_OUT, DENIED):
            return verdict_error(verdict)
    if error in (ENOTSUPP, errno.EOPNOTSUPP):
        return SyscallError(
            error, f"{what}: this kernel cannot run programs of this type on test data", "BPF_PROG_TEST_RUN"
        )
    if error == errno.ENOSPC:
        return ArgumentError(f"{what}: the packet has grown; give a larger data_size_out")
    if error == errno.EINVAL:
        given = [f"{len(data)} bytes of data" if data else "no data", f"{len(ctx)} bytes of ctx" if ctx else "no ctx"]
        return ArgumentError(
            f"{what}: it was given {' and '.join(given)}. Network programs take a packet of 14 bytes or more and the"
            " context of their type, tracing programs a context alone, and not every type takes repeat, flags or cpu."
        )
    return SyscallError(error, f"{what}: {os.strerror(error)}", "BPF_PROG_TEST_RUN")
