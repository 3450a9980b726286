"""Every instruction's feature is one that the database has."""

from __future__ import annotations

import pytest

import featuredb
from ebpf.asm import (
    DW,
    R0,
    R1,
    R10,
    Instruction,
    W,
    addr_space_cast,
    atomic_add,
    atomic_cmpxchg,
    atomic_xchg,
    atomic_xor,
    call,
    call_function,
    call_kfunc,
    gotox,
    jlt,
    jlt32,
    load64,
    load_btf_id,
    load_function,
    load_map,
    load_map_index,
    load_map_value,
    needs,
)

from .programs import LOOP, NEWEST, V3, V4


@pytest.mark.parametrize(
    ("insn", "feature"),
    [
        (jlt(R0, 1, 0), "jlt"),
        (jlt32(R0, 1, 0), "jmp32"),
        (atomic_add(DW, R10, -8, R1), None),
        (atomic_add(DW, R10, -8, R1, True), "atomic_add_fetch"),
        (atomic_xor(DW, R10, -8, R1, True), "atomic_and_or_xor"),
        (atomic_xchg(W, R10, -8, R1), "atomic_xchg"),
        (atomic_cmpxchg(W, R10, -8, R1), "atomic_cmpxchg"),
        (addr_space_cast(R0, R1, 0, 1), "address_space_cast"),
        (gotox(R0), "indirect_jump"),
        (call("bpf_ktime_get_ns"), None),
        (call_function(1), "BPF_PSEUDO_CALL"),
        (call_kfunc(1), "BPF_PSEUDO_KFUNC_CALL"),
        (load64(R0, 1), None),
        (load_map(R0, 1), None),
        (load_map_value(R0, 1), "BPF_PSEUDO_MAP_VALUE"),
        (load_map_index(R0, 1), "BPF_PSEUDO_MAP_IDX"),
        (load_btf_id(R0, 1), "BPF_PSEUDO_BTF_ID"),
        (load_function(R0, 1), "BPF_PSEUDO_FUNC"),
    ],
)
def test_what_an_instruction_needs(insn: Instruction, feature: str | None) -> None:
    assert needs.feature(insn) == feature


def test_the_database_knows_all_of_them() -> None:
    found = {name for program in (V3, V4, NEWEST, LOOP) for insn in program if (name := needs.feature(insn))}
    assert {"jlt", "jmp32", "signed_division", "long_jump", "may_goto", "load_acquire_store_release"} < found
    assert all(featuredb.get(name).since != "unknown" for name in found)
