"""Programs that count how often they run, in an array of one u64."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ebpf import uapi
from ebpf.asm import DW, R0, R1, R2, Instruction, atomic_add, exit_, load_map_value, mov
from ebpf.core.map import MapCore
from ebpf.v2 import Program


class Counter(MapCore):
    """The array, and the code that counts in it."""

    def __init__(self) -> None:
        super().__init__(uapi.BPF_MAP_TYPE_ARRAY, 4, 8, 1)

    def code(self, returns: int = 0) -> list[Instruction]:
        return [load_map_value(R1, self.fd), mov(R2, 1), atomic_add(DW, R1, 0, R2), mov(R0, returns), exit_()]

    @property
    def value(self) -> int:
        return int(struct.unpack("=Q", self.lookup(bytes(4)))[0])


@contextmanager
def counting(program_type: str, returns: int = 0, **more: Any) -> Iterator[tuple[Program, Counter]]:
    """A program that counts its runs and returns this, and its counter."""
    with Counter() as counter, Program(program_type, counter.code(returns), name="counts", **more) as program:
        yield program, counter
