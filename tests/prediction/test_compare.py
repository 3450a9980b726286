"""How what happened is told apart."""

from __future__ import annotations

import pytest

from ebpf.check import Answer, Finding, Requirement
from tests.prediction import compare

REFUSED = """\
libbpf: prog 'x': -- BEGIN PROG LOAD LOG --
0: (61) r1 = *(u32 *)(r1 +0)
R1 invalid mem access 'inv'
processed 1 insns (limit 1000000) max_states_per_insn 0
-- END PROG LOAD LOG --
Error: failed to load object file
"""
LACKS = REFUSED.replace("R1 invalid mem access 'inv'", "invalid func unknown#160")
OURS = "ObjectLoadError: x.o cannot be loaded here\n  program 'x' failed (EACCES)\n    verifier: R1 invalid mem access"


def answer(*statuses: str, stage: str = "load") -> Answer:
    needed = Requirement("bounded_loops", "verifier", None, "needs", stage, "", ())
    return Answer("5.10", [Finding(needed, "needs", status, None, "it is not there") for status in statuses])


@pytest.mark.parametrize(
    ("foretold", "said", "verdict"),
    [
        (answer(), "", compare.RIGHT),
        (answer(), REFUSED, compare.VERIFIER),
        (answer(), OURS, compare.VERIFIER),
        (answer(), LACKS, compare.FALSE_YES),
        (answer(), "libbpf: legacy map definitions in 'maps' section are not supported", compare.LOADER),
        (answer("absent"), LACKS, compare.RIGHT),
        (answer("absent"), "", compare.FALSE_NO),
        (answer("unknown"), "", compare.UNDECIDED),
        (answer("absent", stage="attach"), "", compare.RIGHT),
    ],
)
def test_a_load_is_judged(foretold: Answer, said: str, verdict: str) -> None:
    assert compare._judge(foretold, said, False)[0] == verdict


def test_a_map_without_a_size_is_nobodys_fault() -> None:
    assert compare._judge(answer(), "failed to create: Invalid argument(-22)", True)[0] == compare.LOADER


def test_the_line_that_says_most() -> None:
    assert compare._last(REFUSED) == "R1 invalid mem access 'inv'"
    assert compare._last("") == ""
