"""One link for many functions: each seen running."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from ebpf import errors
from ebpf.core.links import kprobe_multi, uprobe_multi
from ebpf.core.links.base import Attempt
from ebpf.core.links.multi import together
from ebpf.core.links.probes import uprobe

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
        with kprobe_multi(program, "vfs_rea?"):
            Path("/proc/self/stat").read_text()
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
