"""Constants are followed, and the branches that they decide: on programs built by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf import asm
from ebpf.asm import R0, R1, R2, R6, R10
from ebpf.check.arithmetic import computed, decided
from ebpf.check.flow import Blocks, Flow, has_loop
from ebpf.check.program import _slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    Program = list[asm.Instruction | str]


def walk(program: Program, values: dict[int, int] | None = None) -> Flow:
    slots, high = _slots(asm.assemble(program))
    return Flow(slots, dict(values or {}), lambda pointer, size: None, high, Blocks(slots))


def test_a_branch_that_a_constant_decides_is_not_followed() -> None:
    program: Program = [asm.mov(R1, 0), asm.jeq(R1, 0, "out"), asm.call(5), "out", asm.mov(R0, 0), asm.exit_()]
    assert walk(program).reached == {0, 1, 3, 4}
    assert walk(program, {0: 1}).reached == {0, 1, 2, 3, 4}


def test_what_is_not_known_goes_both_ways() -> None:
    program: Program = [
        asm.load(asm.W, R2, R1, 0),
        asm.jeq(R2, 0, "out"),
        asm.call(5),
        "out",
        asm.mov(R0, 0),
        asm.exit_(),
    ]
    assert walk(program).reached == {0, 1, 2, 3, 4}


def test_where_paths_join_only_what_they_agree_on_is_known() -> None:
    program: Program = [
        asm.load(asm.W, R2, R1, 0),
        asm.mov(R0, 1),
        asm.mov(R6, 7),
        asm.jeq(R2, 0, "join"),
        asm.mov(R0, 2),
        "join",
        asm.jeq(R6, 7, "same"),
        asm.call(5),
        "same",
        asm.jeq(R0, 1, "out"),
        asm.call(6),
        "out",
        asm.exit_(),
    ]
    reached = walk(program).reached
    assert 6 not in reached
    assert 8 in reached


def test_a_call_forgets_what_it_may_change() -> None:
    program: Program = [asm.mov(R6, 1), asm.mov(R1, 1), asm.call(5), asm.jeq(R1, 1, 1), asm.call(6), asm.jeq(R6, 1, 1)]
    program += [asm.call(7), asm.exit_()]
    reached = walk(program).reached
    assert 4 in reached
    assert 6 not in reached


def test_functions_are_entered_where_they_are_called() -> None:
    program: Program = [
        asm.mov(R1, 0),
        asm.jeq(R1, 0, "out"),
        asm.call_function("unused"),
        "out",
        asm.call_function("used"),
        asm.exit_(),
        "used",
        asm.mov(R0, 0),
        asm.exit_(),
        "unused",
        asm.mov(R0, 1),
        asm.exit_(),
    ]
    assert walk(program).reached == {0, 1, 3, 4, 5, 6}


def test_the_context_is_watched_through_copies() -> None:
    program: Program = [
        asm.mov(R6, R1),
        asm.add(R6, 8),
        asm.load(asm.W, R0, R6, 4),
        asm.store(asm.H, R6, 0, R0),
        asm.store(asm.DW, R10, -8, R0),
        asm.exit_(),
    ]
    found = walk(program).accesses()
    assert [(each.slot, each.offset, each.size, each.writes) for each in found] == [(2, 12, 4, False), (3, 8, 2, True)]


def test_loops() -> None:
    def loops(*program: asm.Instruction | str) -> bool:
        return has_loop(_slots(asm.assemble(list(program)))[0])

    assert loops("again", asm.add(R0, 1), asm.jlt(R0, 10, "again"), asm.exit_())
    assert loops("again", asm.ja("again"))
    assert not loops(asm.mov(R0, 0), asm.jeq(R0, 0, 1), asm.mov(R0, 1), asm.exit_())
    # A jump backwards is no loop when nothing leads there again.
    assert not loops(asm.ja("down"), "up", asm.exit_(), "down", asm.ja("up"))


NUMBERS = st.integers(0, 2**64 - 1)


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS)
def test_arithmetic_is_that_of_64_and_32_bits(left: int, right: int) -> None:
    for build, result in ((asm.add, left + right), (asm.sub, left - right), (asm.xor, left ^ right)):
        assert computed(build(R0, R1).code, left, right, 0) == result % 2**64
    assert computed(asm.mov32(R0, R1).code, left, right, 0) == right % 2**32
    assert computed(asm.lsh32(R0, R1).code, left, right, 0) == (left % 2**32 << right % 32) % 2**32
    signed = left - 2**64 if left >> 63 else left
    assert computed(asm.arsh(R0, 3).code, left, 3, 0) == (signed >> 3) % 2**64
    other = right - 2**64 if right >> 63 else right
    assert decided(asm.jsgt(R0, R1, 0).code, left, right) is (signed > other)
    assert decided(asm.jgt(R0, R1, 0).code, left, right) is (left > right)
    assert decided(asm.jle32(R0, R1, 0).code, left, right) is (left % 2**32 <= right % 2**32)


def test_what_cannot_be_computed_is_not_known() -> None:
    assert computed(asm.div(R0, R1).code, 8, 2, 0) is None
    assert computed(asm.to_be(R0, 16).code, 8, 16, 0) is None
    assert computed(asm.add(R0, R1).code, None, 2, 0) is None
    assert decided(asm.jeq(R0, R1, 0).code, None, 2) is None
