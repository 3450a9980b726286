"""Statically defined tracing points: found, attached to, their arguments read."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ebpf import errors, v2
from ebpf.core.links import attach, usdt
from ebpf.core.links.points import Argument, arguments
from ebpf.elf.executable import Executable
from tests.clang import compiled

from .counting import counting

pytestmark = pytest.mark.root

NOTE = r"""
unsigned short semaphore __attribute__((section(".probes")));
void fire(int sold, long *price) {
  long on_stack = *price;
  __asm__ volatile(
    "990: nop\n"
    ".pushsection .note.stapsdt,\"\",\"note\"\n"
    ".balign 4\n"
    ".4byte 992f-991f,994f-993f,3\n"
    "991: .asciz \"stapsdt\"\n"
    "992: .balign 4\n"
    "993: .8byte 990b\n"
    ".8byte _.stapsdt.base\n"
    ".8byte semaphore\n"
    ".asciz \"shop\"\n"
    ".asciz \"sold\"\n"
    ".asciz \"-4@%0 8@%1 4@$42\"\n"
    "994: .balign 4\n"
    ".popsection\n"
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
    ".weak _.stapsdt.base\n"
    ".hidden _.stapsdt.base\n"
    "_.stapsdt.base: .space 1\n"
    ".size _.stapsdt.base,1\n"
    ".popsection\n" :: "r"(sold), "m"(on_stack));
}
int counted(void) { return semaphore; }
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to make a tracing point with")
    source, made = tmp_path / "shop.c", tmp_path / "libshop.so"
    source.write_text(NOTE)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wl,-Bsymbolic", "-o", made, source], check=True)
    return made


def fire(library: Path) -> Callable[[int, int], None]:
    shop = ctypes.CDLL(str(library))
    return lambda sold, price: shop.fire(sold, ctypes.byref(ctypes.c_long(price)))


def test_notes(library: Path) -> None:
    with Executable(str(library)) as executable:
        (note,) = executable.usdt()
    assert (note.provider, note.name) == ("shop", "sold")
    assert note.arguments.endswith(" 4@$42")
    assert len(arguments(note.arguments)) == 3
    assert note.offset > 0
    assert note.semaphore > 0
    assert library.read_bytes()[note.offset] == 0x90 or os.uname().machine != "x86_64"


@pytest.mark.requires("BPF_PSEUDO_MAP_VALUE", "perf_uprobe_pmu", "uprobe_reference_counter")
def test_a_program_at_a_tracing_point(library: Path) -> None:
    sell, counted = fire(library), ctypes.CDLL(str(library)).counted
    with counting("kprobe") as (program, counter):
        with usdt(program, str(library), "shop", "sold", pid=os.getpid()):
            assert counted() == 1
            sell(1, 2)
            assert counter.value == 1
        assert counted() == 0
        sell(1, 2)
        assert counter.value == 1
        with attach(program, f"usdt/{library}:shop:sold"):
            sell(1, 2)
        assert counter.value == 2
        with pytest.raises(errors.ArgumentError, match="no tracing point shop:bought; it has shop:sold"):
            usdt(program, str(library), "shop", "bought")
        with pytest.raises(errors.ArgumentError, match="is no FILE:PROVIDER:NAME"):
            attach(program, "usdt/shop")


@pytest.mark.requires("perf_uprobe_pmu", "uprobe_reference_counter", "attach_cookies", "BPF_PSEUDO_MAP_VALUE")
def test_arguments_that_a_program_reads(library: Path) -> None:
    sell = fire(library)
    with v2.Object.open(compiled("usdt")) as reader:
        reader.load()
        target = f"{library}:shop:sold"
        with reader.programs["on_sale"].attach(target=target, cookie=77, pid=os.getpid()):
            sell(-3, 1 << 40)
        seen = {name: reader.variables[name] for name in ("runs", "count", "first", "second", "third", "cookie")}
    assert seen == {"runs": 1, "count": 3, "first": -3, "second": 1 << 40, "third": 42, "cookie": 77}


@pytest.mark.parametrize(
    ("machine", "text", "found"),
    [
        ("x86_64", "", []),
        ("x86_64", "-4@%edi", [(-4, 1, 0, 112)]),
        ("x86_64", "8@-16(%rbp) 4@$-5", [(8, 2, -16, 32), (4, 0, -5, 0)]),
        ("x86_64", "1@%al 2@%r10w 8@(%rax)", [(1, 1, 0, 80), (2, 1, 0, 56), (8, 2, 0, 80)]),
        ("x86_64", "4f@%r8d", [(4, 1, 0, 72)]),
        ("aarch64", "-4@x1 8@[sp, 16] 4@7", [(-4, 1, 0, 8), (8, 2, 16, 248), (4, 0, 7, 0)]),
        ("aarch64", "4@w30 8@[x2]", [(4, 1, 0, 240), (8, 2, 0, 16)]),
    ],
)
def test_how_arguments_are_found(machine: str, text: str, found: list[tuple[int, int, int, int]]) -> None:
    def fields(argument: Argument) -> tuple[int, int, int, int]:
        return argument.size, argument.kind, argument.value, argument.register

    assert [fields(argument) for argument in arguments(text, machine)] == found


@pytest.mark.parametrize("text", ["8@%xmm0", "8@(%rax,%rbx,8)", " ".join(["8@%rax"] * 13)])
def test_arguments_that_cannot_be_found(text: str) -> None:
    with pytest.raises(errors.ArgumentError, match="tracing point"):
        arguments(text, "x86_64")
