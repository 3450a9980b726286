"""One link for many functions, and statically defined tracing points: each seen running."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf import errors
from ebpf.core.links import attach, kprobe_multi, uprobe_multi, usdt
from ebpf.core.links.base import Attempt
from ebpf.core.links.multi import together
from ebpf.core.links.probes import uprobe
from ebpf.elf.executable import Executable

from .counting import counting

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]
LIBC = "libc.so.6"
MULTI = "BPF_TRACE_KPROBE_MULTI"


@pytest.mark.requires("kprobe_multi")
@pytest.mark.parametrize("at_return", [False, True])
def test_kprobe_multi(at_return: bool) -> None:
    names = [f"__x64_sys_{name}" for name in ("getppid", "getuid")]
    with counting("kprobe", attach_type=MULTI) as (program, counter):
        with kprobe_multi(program, names, at_return=at_return) as link:
            os.getppid()
            os.getuid()
            assert counter.value >= 2
            assert link.info().details["count"] == 2
        with pytest.raises(errors.AttachError, match="no such function"):
            kprobe_multi(program, [*names, "no_such_function_1"])


@pytest.mark.requires("kprobe_multi")
def test_kprobe_multi_by_pattern(tracefs: None) -> None:
    with counting("kprobe", attach_type=MULTI) as (program, counter):
        with kprobe_multi(program, "__x64_sys_getp?id"):
            os.getppid()
            assert counter.value >= 1
        with pytest.raises(errors.ArgumentError, match="no function of this kernel"):
            kprobe_multi(program, "no_such_function_*")


@pytest.mark.requires("kprobe_session")
def test_kprobe_session() -> None:
    with counting("kprobe", attach_type="BPF_TRACE_KPROBE_SESSION") as (program, counter):
        with kprobe_multi(program, ["__x64_sys_getppid"], session=True):
            os.getppid()
        assert counter.value >= 2


@pytest.mark.requires("uprobe_multi", "BPF_TRACE_UPROBE_MULTI")
@pytest.mark.parametrize("at_return", [False, True])
def test_uprobe_multi(at_return: bool) -> None:
    libc = ctypes.CDLL(LIBC)
    with counting("kprobe", attach_type="BPF_TRACE_UPROBE_MULTI") as (program, counter):
        with uprobe_multi(program, LIBC, ["toupper", "tolower"], at_return=at_return, pid=os.getpid()) as link:
            libc.toupper(97)
            libc.tolower(97)
            assert counter.value == 2
            assert link.kind == "uprobe_multi"
        with uprobe_multi(program, LIBC, "to?pper", pid=os.getpid()):
            libc.toupper(97)
        assert counter.value == 3
        with pytest.raises(errors.ArgumentError, match="2 values are given for 1 places"):
            uprobe_multi(program, LIBC, "toupper", cookies=[1, 2])


@pytest.mark.requires("perf_uprobe_pmu")
def test_a_probe_for_each() -> None:
    libc = ctypes.CDLL(LIBC)
    with counting("kprobe") as (program, counter):
        attempt = Attempt("uprobe_multi", "2 places", program)
        makers = [lambda name=name: uprobe(program, LIBC, name, pid=os.getpid()) for name in ("toupper", "tolower")]
        before = len(os.listdir("/proc/self/fd"))
        with together(attempt, makers, "uprobe_each") as link:
            libc.toupper(97)
            libc.tolower(97)
            assert counter.value == 2
            assert link.adaptations[0].name == "uprobe_each"
        with pytest.raises(errors.ArgumentError, match="has no function"):
            together(attempt, [*makers, lambda: uprobe(program, LIBC, "no_such_function_1")])
        assert len(os.listdir("/proc/self/fd")) == before


NOTE = r"""
unsigned short semaphore __attribute__((section(".probes")));
void fire(void) {
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
    ".asciz \"4@$42\"\n"
    "994: .balign 4\n"
    ".popsection\n"
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
    ".weak _.stapsdt.base\n"
    ".hidden _.stapsdt.base\n"
    "_.stapsdt.base: .space 1\n"
    ".size _.stapsdt.base,1\n"
    ".popsection\n");
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


def test_usdt_notes(library: Path) -> None:
    with Executable(str(library)) as executable:
        (note,) = executable.usdt()
    assert (note.provider, note.name, note.arguments) == ("shop", "sold", "4@$42")
    assert note.offset > 0
    assert note.semaphore > 0
    assert library.read_bytes()[note.offset] == 0x90 or os.uname().machine != "x86_64"


@pytest.mark.requires("perf_uprobe_pmu", "uprobe_reference_counter")
def test_usdt(library: Path) -> None:
    shop = ctypes.CDLL(str(library))
    with counting("kprobe") as (program, counter):
        with usdt(program, str(library), "shop", "sold", pid=os.getpid()):
            assert shop.counted() == 1
            shop.fire()
            assert counter.value == 1
        assert shop.counted() == 0
        shop.fire()
        assert counter.value == 1
        with attach(program, f"usdt/{library}:shop:sold"):
            shop.fire()
        assert counter.value == 2
        with pytest.raises(errors.ArgumentError, match="no tracing point shop:bought; it has shop:sold"):
            usdt(program, str(library), "shop", "bought")
