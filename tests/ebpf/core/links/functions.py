"""A program of two functions with BTF, of which one can be replaced."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from ebpf.asm import R0, Instruction, call_function, exit_, mov
from ebpf.probe import btf, calls
from ebpf.v2 import Program


def _types() -> bytes:
    # 1: int; 2: struct __sk_buff, known by its name; 3: a pointer to it; 4: int (struct __sk_buff *skb); 5, 6:
    # the functions.
    strings = b"\0int\0__sk_buff\0skb\0main\0replaced\0"

    def at(name: bytes) -> int:
        return strings.index(b"\0" + name + b"\0") + 1

    types = btf.record(at(b"int"), 1, 4, 1 << 24 | 32)
    types += btf.record(at(b"__sk_buff"), 4, 192)
    types += btf.record(0, 2, 2)
    types += btf.record(0, 13, 1, at(b"skb"), 3, vlen=1)
    types += btf.record(at(b"main"), 12, 4, vlen=1)
    types += btf.record(at(b"replaced"), 12, 4, vlen=1)
    return calls.btf(types, strings)


MAIN, REPLACED = 5, 6


@contextmanager
def two_functions() -> Iterator[tuple[Program, int]]:
    """A classifier that returns what its function `replaced` does, 7, and the descriptor of its BTF."""
    fd = calls.load_btf(_types())
    assert fd >= 0, os.strerror(-fd)
    code: list[Instruction | str] = [call_function("replaced"), exit_(), "replaced", mov(R0, 7), exit_()]
    info = struct.pack("=IIII", 0, MAIN, 2, REPLACED)
    try:
        with Program("sched_cls", code, btf_fd=fd, func_info=info, func_info_rec_size=8) as program:
            yield program, fd
    finally:
        os.close(fd)
