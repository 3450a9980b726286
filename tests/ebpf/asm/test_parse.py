"""Text in the verifier's notation, read: what is printed comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.asm import (
    R0,
    R1,
    R2,
    Instruction,
    add,
    addr_space_cast,
    assemble,
    call,
    call_kfunc,
    call_register,
    disassemble,
    exit_,
    gotox,
    ja,
    jlt,
    listing,
    load64,
    load_btf_id,
    load_function,
    load_map,
    load_map_index,
    load_map_index_value,
    load_map_value,
    mov,
    parse,
)
from ebpf.errors import AssemblyError, UnknownFeatureError

from .programs import LOOP, NEWEST, V3, V4

OTHERS = [
    load_map(R1, 5),
    load_map_value(R1, 5, 8),
    load_map_index(R1, 2),
    load_map_index_value(R1, 2, 4),
    load_btf_id(R1, 77),
    load_btf_id(R1, 77, 9),
    load_function(R1, 3),
    call_kfunc(1234),
    call_kfunc(1234, 1),
    call_register(R2),
    gotox(R2),
    addr_space_cast(R1, R2, 0, 1),
]


@pytest.mark.parametrize("program", [V3, V4, NEWEST, LOOP, OTHERS], ids=["v3", "v4", "newest", "loop", "others"])
def test_what_is_printed_is_read(program: list[Instruction]) -> None:
    assert parse(listing(program)) == program
    assert parse("; ".join(map(str, program))) == program


codes = st.builds(
    Instruction,
    st.integers(0, 255).filter(lambda code: code != 0x18),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(-(2**15), 2**15 - 1),
    st.integers(-(2**31), 2**31 - 1),
)


@given(codes)
def test_any_instruction_that_has_a_text_comes_back_with_the_same_text(insn: Instruction) -> None:
    text = str(insn)
    if text.startswith("unknown") or text == "nospec":
        return
    (again,) = parse(text)
    assert str(again) == text


@given(st.text(alphabet="r0123456789 =*+-(u)gotexif&|^<>s.;:[]", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except (AssemblyError, UnknownFeatureError):
        return


def test_a_program_with_labels_and_comments() -> None:
    program = parse("""
        r0 = 0              // count
    again:
        r0 += 1
        if r0 < 10 goto again
        goto end            # not so far
    end:
        exit
    """)
    assert program == [mov(R0, 0), "again", add(R0, 1), jlt(R0, 10, "again"), ja("end"), "end", exit_()]
    assert len(assemble(program)) == 40


def test_constants() -> None:
    assert parse("r1 = 5; r1 = -1; r1 = 0x5; r1 = 4294967296") == [
        mov(R1, 5),
        mov(R1, -1),
        load64(R1, 5),
        load64(R1, 2**32),
    ]


def test_helpers_by_name() -> None:
    assert parse("call bpf_ktime_get_ns; call bpf_ktime_get_ns#5") == [call(5), call(5)]
    with pytest.raises(UnknownFeatureError, match="bpf_ktime_get_ns"):
        parse("call bpf_ktime_get_nss")


def test_what_the_disassembler_gives() -> None:
    code = assemble(V3)
    assert assemble(parse(listing(disassemble(code)))) == code


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("r0 = 0\nr11 = 0", "line 2: there is no register r11"),
        ("r0 = 0x10000000000000000", "has more than 64 bits"),
        ("r0 = w1", "line 1: `r0 = w1` mixes registers"),
        ("r0 equals 1", "line 1: `r0 equals 1` is no instruction"),
    ],
)
def test_what_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(AssemblyError, match=says):
        parse(text)
