"""Logs as kernels wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.diagnose.verifier_log import read

OLD = """\
0: (85) call bpf_probe_read_kernel#113
unknown func bpf_probe_read_kernel#113
"""
SOURCE = """\
func#0 @0
0: R1=ctx() R10=fp0
; int count(struct xdp_md *ctx) @ count.bpf.c:20
0: (b7) r1 = 0                        ; R1_w=P0
; *(__u64 *)0 = 1; @ count.bpf.c:22
1: (7b) *(u64 *)(r1 +0) = r1
R1 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""
STATES = """\
from 3 to 5: R0=inv(id=0) R6=ctx(id=0,off=0,imm=0) R10=fp0
5: (61) r0 = *(u32 *)(r6 +4000)
invalid bpf_context access off=4000 size=4
processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""


@pytest.mark.parametrize(
    ("log", "message", "instruction", "source"),
    [
        ("", "", None, ""),
        (OLD, "unknown func bpf_probe_read_kernel#113", 0, ""),
        (SOURCE, "R1 invalid mem access 'scalar'", 1, "count.bpf.c:22: *(__u64 *)0 = 1;"),
        (STATES, "invalid bpf_context access off=4000 size=4", 5, ""),
        ("back-edge from insn 4 to 1\n", "back-edge from insn 4 to 1", 4, ""),
        ("0: (95) exit\nR0 !read_ok\n", "R0 !read_ok", 0, ""),
    ],
)
def test_what_it_says(log: str, message: str, instruction: int | None, source: str) -> None:
    said = read(log)
    assert (said.message, said.instruction, said.source) == (message, instruction, source)
    assert all("processed" not in line for line in said.lines)


@given(st.text())
def test_any_text_is_read(log: str) -> None:
    assert len(read(log).lines) <= 6
