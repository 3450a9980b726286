"""Instructions as values and as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.asm import (
    R0,
    R1,
    AssemblyError,
    Instruction,
    add,
    assemble,
    call_function,
    disassemble,
    exit_,
    gotol,
    ja,
    jlt,
    load64,
    load_function,
    may_goto,
    mov,
)
from ebpf.errors import ArgumentError, EbpfError

fields = st.builds(
    Instruction,
    st.integers(0, 255).filter(lambda code: code != 0x18),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(-(2**15), 2**15 - 1),
    st.integers(-(2**31), 2**31 - 1),
)
wide = st.builds(load64, st.integers(0, 15), st.integers(0, 2**64 - 1), st.integers(0, 15))


@given(st.lists(st.one_of(fields, wide)), st.sampled_from(["little", "big"]))
def test_bytes_and_back(program: list[Instruction], byteorder: str) -> None:
    code = assemble(program, byteorder)
    assert len(code) == 8 * sum(insn.slots for insn in program)
    assert disassemble(code, byteorder) == program
    assert assemble(disassemble(code, byteorder), byteorder) == code


@given(st.binary(max_size=64), st.sampled_from(["little", "big"]))
def test_any_bytes_are_taken_apart_or_refused(code: bytes, byteorder: str) -> None:
    try:
        program = disassemble(code, byteorder)
    except AssemblyError:
        return
    assert assemble(program, byteorder) == code
    for insn in program:
        assert str(insn)


def test_struct_bpf_insn() -> None:
    insn = Instruction(0x61, 1, 6, -4, 0x11223344)
    assert insn.encode("little").hex() == "6161fcff44332211"
    assert insn.encode("big").hex() == "6116fffc11223344"
    assert load64(R1, 0x1122334455667788, 1).encode("little").hex() == "18110000887766550000000044332211"


def test_labels() -> None:
    program: list[Instruction | str] = [mov(R0, 0), "again", add(R0, 1), jlt(R0, 10, "again"), exit_()]
    assert assemble(program) == assemble([mov(R0, 0), add(R0, 1), jlt(R0, 10, -2), exit_()])


def test_labels_count_slots() -> None:
    program: list[Instruction | str] = [ja("end"), load64(R1, 1), load64(R1, 2), "end", mov(R0, 0), exit_()]
    assert disassemble(assemble(program))[0].off == 4


def test_a_distance_goes_where_the_instruction_keeps_it() -> None:
    calls: list[Instruction | str] = [
        call_function("f"),
        gotol("f"),
        may_goto("f"),
        load_function(R1, "f"),
        exit_(),
        "f",
        exit_(),
    ]
    code = disassemble(assemble(calls))
    assert [(insn.off, insn.imm) for insn in code[:4]] == [(0, 5), (0, 4), (3, 0), (0, 2)]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ([ja("nowhere")], "the labels are: none"),
        (["a", exit_(), "a"], "two places, 0 and 1"),
        ([3], "3 is neither an instruction nor a label"),
        (["far", *[exit_()] * 40000, ja("far")], "use gotol"),
        ([mov(R0, 2**40)], "imm of the instruction 0xb7 is"),
        (
            [
                Instruction(0xB7, off=1.5)  # type: ignore[arg-type]  # on purpose
            ],
            "off of an instruction is 1.5",
        ),
        ([Instruction(0xB7, dst=16)], "dst of the instruction 0xb7 is 16: it must be from 0 to 15"),
    ],
)
def test_what_cannot_be_assembled(program: list[Instruction], says: str) -> None:
    with pytest.raises(AssemblyError, match=says) as caught:
        assemble(program)
    assert isinstance(caught.value, (EbpfError, ArgumentError))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (bytes(7), "7 bytes are no whole number"),
        (b"\x18" + bytes(7), "ends within the 64-bit load"),
        (b"\x18" + bytes(7) + b"\1" + bytes(7), "is not one"),
    ],
)
def test_what_cannot_be_disassembled(code: bytes, says: str) -> None:
    with pytest.raises(AssemblyError, match=says):
        disassemble(code)


def test_instructions_are_values() -> None:
    insn = mov(R0, -1)
    assert insn == Instruction(0xB7, imm=0xFFFFFFFF)
    assert hash(insn) == hash(Instruction(0xB7, imm=0xFFFFFFFF))
    assert insn != 5
    assert len({insn, insn.replace(imm=3), insn.replace(dst=1)}) == 3
    with pytest.raises(AttributeError, match="replace"):
        insn.imm = 4
    assert repr(insn) == "<r0 = -1>"


def test_a_label_alone_is_not_encoded() -> None:
    with pytest.raises(AssemblyError, match="assemble"):
        ja("somewhere").encode()
