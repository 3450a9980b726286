"""The database held against a kernel: where what was found and what the release's entry says are opposites."""

from __future__ import annotations

from ebpf import kernel
from ebpf.kernel.base import Report
from ebpf.verdict import ABSENT, SUPPORTED

__all__ = ["disagreements"]

Table = dict[str, dict[str, str]]


def disagreements(report: Report, release: str) -> dict[str, str]:
    """What is *supported* in a report and *absent* from the release's entry of the database, or the other way round.

    *Compiled out*, *denied* and *unknown* contradict neither: the release has it, and this build or this process has
    not, or nothing was decided.
    """
    named = kernel.release(release, architecture=report.kernel["architecture"]).report()
    found = {name: verdict.status for name, verdict in report.features.items()}
    said = {name: verdict.status for name, verdict in named.features.items()}
    for table, expected in ((report.helpers, named.helpers), (report.kfuncs, named.kfuncs)):
        _add_pairs(table, expected, found, said)
    return {
        name: f"{status} here, {said[name]} in {release}"
        for name, status in sorted(found.items())
        if {status, said[name]} == {SUPPORTED, ABSENT}
    }


def _add_pairs(table: Table, expected: Table, found: dict[str, str], said: dict[str, str]) -> None:
    """The same for every pair; one that a table does not list is one it does not allow."""
    for program_type in {*table, *expected}:
        row, other = table.get(program_type, {}), expected.get(program_type, {})
        for name in {*row, *other}:
            pair = f"{name} for {program_type}"
            # A helper that was compiled out, or denied, is so for every program.
            found[pair] = row.get(name, ABSENT if found[name] == SUPPORTED else found[name])
            said[pair] = other.get(name, ABSENT)
