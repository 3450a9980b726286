"""Programs that send events, run by ``BPF_PROG_TEST_RUN``: nothing is attached."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from types import TracebackType

from ebpf import uapi
from ebpf.asm import (
    DW,
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R10,
    Instruction,
    W,
    add,
    assemble,
    call,
    exit_,
    jeq,
    jne,
    load,
    load64,
    load_function,
    load_map,
    mov,
    store,
)
from ebpf.btf.build import BtfBuilder
from ebpf.core.btf import BtfCore
from ebpf.core.map import MapCore
from ebpf.core.program import ProgramCore

PACKET = bytes(64)
KEY = bytes(4)


@contextlib.contextmanager
def one_cpu() -> Iterator[None]:
    """Programs run on one CPU: what a perf buffer holds and loses is that of one ring."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Producer:
    """Sends records of `size` bytes whose first eight are a number that grows by one.

    Each run of the program sends one, and counts how many found no room.
    """

    def __init__(self, events: MapCore, size: int = 8, flags: int = 0) -> None:
        self.state = MapCore(uapi.BPF_MAP_TYPE_ARRAY, 4, max(size, 8) + 8, 1)
        # The value of the map: how many found no room, then the record.
        if events.map_type == uapi.BPF_MAP_TYPE_RINGBUF:
            send = [
                load_map(R1, events.fd),
                mov(R2, R7),
                add(R2, 8),
                mov(R3, size),
                mov(R4, flags),
                call("bpf_ringbuf_output"),
            ]
        else:
            send = [
                mov(R1, R6),
                load_map(R2, events.fd),
                load64(R3, 0xFFFFFFFF),  # BPF_F_CURRENT_CPU
                mov(R4, R7),
                add(R4, 8),
                mov(R5, size),
                call("bpf_perf_event_output"),
            ]
        program: list[Instruction | str] = [
            mov(R6, R1),
            store(W, R10, -4, 0),
            load_map(R1, self.state.fd),
            mov(R2, R10),
            add(R2, -4),
            call("bpf_map_lookup_elem"),
            jeq(R0, 0, "end"),
            mov(R7, R0),
            *send,
            jeq(R0, 0, "sent"),
            load(DW, R1, R7, 0),
            add(R1, 1),
            store(DW, R7, 0, R1),
            "sent",
            load(DW, R1, R7, 8),
            add(R1, 1),
            store(DW, R7, 8, R1),
            "end",
            mov(R0, 0),
            exit_(),
        ]
        try:
            self.program = ProgramCore(uapi.BPF_PROG_TYPE_SCHED_CLS, assemble(program))
        except BaseException:
            self.state.close()
            raise

    def send(self, count: int = 1) -> None:
        """Run the program `count` times."""
        while count:
            now = min(count, 100_000)
            self.program.test_run(PACKET, repeat=now)
            count -= now

    @property
    def refused(self) -> int:
        """How many records found no room."""
        return int(struct.unpack_from("=Q", self.state.lookup(KEY))[0])

    def __enter__(self) -> Producer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.close()
        self.state.close()


class Drain:
    """Reads numbers of 8 bytes from a user ring buffer and adds them up."""

    def __init__(self, ring: MapCore) -> None:
        self.state = MapCore(uapi.BPF_MAP_TYPE_ARRAY, 4, 16, 1)
        program: list[Instruction | str] = [
            load_map(R1, ring.fd),
            load_function(R2, "each"),
            mov(R3, 0),
            mov(R4, 0),
            call("bpf_user_ringbuf_drain"),
            exit_(),
            "each",  # (struct bpf_dynptr *record, void *): 0 to go on
            mov(R6, R1),
            mov(R1, R10),
            add(R1, -16),
            mov(R2, 8),
            mov(R3, R6),
            mov(R4, 0),
            mov(R5, 0),
            call("bpf_dynptr_read"),
            jne(R0, 0, "end"),
            store(W, R10, -4, 0),
            load_map(R1, self.state.fd),
            mov(R2, R10),
            add(R2, -4),
            call("bpf_map_lookup_elem"),
            jeq(R0, 0, "end"),
            load(DW, R1, R0, 0),
            add(R1, 1),
            store(DW, R0, 0, R1),
            load(DW, R1, R0, 8),
            load(DW, R2, R10, -16),
            add(R1, R2),
            store(DW, R0, 8, R1),
            "end",
            mov(R0, 0),
            exit_(),
        ]
        try:
            with BtfCore.load(self._types()) as types:
                self.program = ProgramCore(
                    uapi.BPF_PROG_TYPE_SCHED_CLS,
                    assemble(program),
                    prog_btf_fd=types.fd,
                    # struct bpf_func_info: the instruction a function starts with, and its type
                    func_info=struct.pack("=4I", 0, 3, 8, 4),
                    func_info_rec_size=8,
                )
        except BaseException:
            self.state.close()
            raise

    @staticmethod
    def _types() -> bytes:
        """Callbacks must be known to be static functions."""
        builder = BtfBuilder()
        number = builder.integer("int", 4, signed=True)
        function = builder.func_proto(number)
        builder.func("drain", function, 1)
        builder.func("each", function, 0)
        return builder.build()

    def run(self) -> tuple[int, int]:
        """Drain the ring: how many numbers came so far, and their sum."""
        self.program.test_run(PACKET)
        count, total = struct.unpack("=QQ", self.state.lookup(KEY))
        return int(count), int(total)

    def __enter__(self) -> Drain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.close()
        self.state.close()
