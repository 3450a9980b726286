"""The notation, held against what the verifier prints of the same program, and against LLVM's assembler."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf import syscall, uapi
from ebpf.asm import (
    R1,
    R2,
    Instruction,
    addr_space_cast,
    assemble,
    call,
    call_kfunc,
    call_register,
    disassemble,
    gotox,
    ja,
    jeq,
    listing,
    load_btf_id,
    load_function,
    load_map,
    load_map_index,
    load_map_index_value,
    load_map_value,
)
from ebpf.errors import UnknownFeatureError
from ebpf.probe import calls

from .programs import LOOP, NEWEST, V3, V4


def verifier_listing(program: list[Instruction]) -> dict[int, str]:
    """What the kernel's verifier calls each instruction that it came by."""
    log = ctypes.create_string_buffer(1 << 20)
    fd = calls.load_program(
        uapi.BPF_PROG_TYPE_SOCKET_FILTER,
        assemble(program),
        log_level=2,
        log_size=len(log),
        log_buf=ctypes.addressof(log),
    )
    text = log.value.decode()
    assert fd >= 0, text[-2000:]
    syscall.close(fd)
    return {
        int(place): line.partition(" ;")[0].rstrip()
        for place, line in re.findall(r"^(\d+): (\([0-9a-f]{2}\) .*)$", text, re.MULTILINE)
    }


def held_against_the_verifier(program: list[Instruction]) -> None:
    ours = dict(line.split(": ", 1) for line in listing(program).splitlines())
    theirs = verifier_listing(program)
    assert len(theirs) > 2
    assert not [(text, ours[str(place)]) for place, text in theirs.items() if text != ours[str(place)]]


@pytest.mark.root
@pytest.mark.requires("isa_v3", "atomics")
def test_v3_is_what_the_verifier_prints() -> None:
    held_against_the_verifier(V3)


@pytest.mark.root
@pytest.mark.requires("isa_v4")
def test_v4_is_what_the_verifier_prints() -> None:
    held_against_the_verifier(V4)


@pytest.mark.root
@pytest.mark.requires("load_acquire_store_release")
def test_load_acquire_and_store_release_are_what_the_verifier_prints() -> None:
    held_against_the_verifier(NEWEST)


@pytest.mark.root
@pytest.mark.requires("may_goto")
def test_may_goto_is_what_the_verifier_prints() -> None:
    held_against_the_verifier(LOOP)


@pytest.mark.parametrize(
    ("insn", "text"),
    [
        (load_map(R1, 5), "r1 = map[fd:5]"),
        (load_map_value(R1, 5, 8), "r1 = map[fd:5][0]+8"),
        (load_map_index(R1, 2), "r1 = map[idx:2]"),
        (load_map_index_value(R1, 2, 4), "r1 = map[idx:2][0]+4"),
        (load_btf_id(R1, 77), "r1 = &kernel-variable#77"),
        (load_btf_id(R1, 77, 9), "r1 = &kernel-variable#77 of module 9"),
        (load_function(R1, 3), "r1 = function pc+3"),
        (load_function(R1, "each"), "r1 = function each"),
        (call_kfunc(1234), "call kernel-function#1234"),
        (call_kfunc(1234, 1), "call kernel-function#1234 of module 1"),
        (call(1 << 20), "call unknown#1048576"),
        (call_register(R2), "callx r2"),
        (gotox(R2), "gotox r2"),
        (addr_space_cast(R1, R2, 0, 1), "r1 = addr_space_cast(r2, 0, 1)"),
        (ja("there"), "goto there"),
        (jeq(R1, -1, "there"), "if r1 == 0xffffffff goto there"),
        (Instruction(0xE4, 1, 2, 3, 4), "unknown 0xe4 dst=1 src=2 off=3 imm=4"),
    ],
)
def test_what_a_socket_filter_cannot_show(insn: Instruction, text: str) -> None:
    assert str(insn) == text


def test_a_misspelt_helper() -> None:
    with pytest.raises(UnknownFeatureError, match="bpf_ktime_get_ns"):
        call("bpf_ktime_get_nss")


def test_a_listing_counts_slots() -> None:
    assert listing(assemble([load_map(R1, 5), ja(-3)])) == "0: (18) r1 = map[fd:5]\n2: (05) goto pc-3"


_LLVM_CANNOT = ("lock *", "fetch_", "xchg", "%=", " & ", "skb[r")  # version 14 at least


@pytest.mark.skipif(shutil.which("llvm-mc") is None, reason="LLVM's assembler is not here")
def test_llvm_assembles_the_same_bytes(tmp_path: Path) -> None:
    """The notation is LLVM's too, but for signs, helpers, and atomic operations."""
    program = [insn for insn in V3 if not any(word in str(insn) for word in _LLVM_CANNOT)]
    lines = []
    for insn in program:
        text = re.sub(r"\(r(\d+) ([+-])(\d+)\)", r"(r\1 \2 \3)", str(insn))
        text = re.sub(r"goto pc([+-]\d+)", r"goto \1", text)
        text = re.sub(r"call \w+#(\d+)", r"call \1", text)
        text = re.sub(r"\*\((u\d+) \*\)skb\[", r"*(\1 *)skb[", text)
        if insn.wide:
            text += " ll"
        if re.fullmatch(r"(\*\(.*\) = -?\d+)", text):
            continue  # a store of a number came to LLVM's syntax with version 4 of the instruction set
        lines.append((insn, text))
    source = tmp_path / "all.s"
    source.write_text("".join(f"{text}\n" for _, text in lines))
    made = tmp_path / "all.o"
    command = ["llvm-mc", "-triple", "bpfel", "-mcpu=v3", "-filetype=obj", "-o", str(made), str(source)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    code = tmp_path / "all.bin"
    subprocess.run(["llvm-objcopy", "-O", "binary", "--only-section=.text", str(made), str(code)], check=True)
    assert disassemble(code.read_bytes(), "little") == [insn for insn, _ in lines]
