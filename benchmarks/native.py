"""What is compiled for the peers: a library of loops in C, an object file with maps."""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile

__all__ = ["Missing", "library", "maps_object", "tracing_object"]

_HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """Something that a measurement needs is not here; the text says what."""


@functools.lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """benchmarks/native.c, compiled and loaded. Raises `Missing` without a compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise Missing("a C compiler")
    made = ctypes.CDLL(_compile([compiler, "-O2", "-shared", "-fPIC"], "native.c", "native.so"))
    made.elements.restype = made.batch.restype = made.ring_sum.restype = ctypes.c_long
    made.elements.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_uint32)
    return made


@functools.lru_cache(maxsize=1)
def maps_object() -> str:
    """The path of benchmarks/maps.bpf.c, compiled. Raises `Missing` without clang."""
    compiler = shutil.which("clang")
    if compiler is None:
        raise Missing("clang")
    return _compile([compiler, "-O2", "-g", "-target", "bpf", "-c"], "maps.bpf.c", "maps.bpf.o")


@functools.lru_cache(maxsize=1)
def tracing_object() -> str:
    """The path of an object of an execsnoop's size: CO-RE, a ring buffer, variables, three programs."""
    compiler = shutil.which("clang")
    if compiler is None:
        raise Missing("clang")
    include = f"-I/usr/include/{os.uname().machine}-linux-gnu"
    source = os.path.join("..", "tests", "objects", "tracing.bpf.c")
    return _compile([compiler, "-O2", "-g", "-target", "bpf", include, "-c"], source, "tracing.bpf.o")


@functools.lru_cache(maxsize=1)
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="ebpf-benchmarks-")


def _compile(command: list[str], source: str, name: str) -> str:
    path = os.path.join(_directory().name, name)
    done = subprocess.run([*command, "-o", path, os.path.join(_HERE, source)], capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"a compiler that takes {source} ({done.stderr.strip().splitlines()[0]})")
    return path
