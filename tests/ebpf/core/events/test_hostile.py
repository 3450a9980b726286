"""Memory that says anything: nothing is read out of bounds, nothing hangs, what is wrong is said.

The memory is a file instead of a map, written by this process as another that has the map could write it.
"""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebpf import errors, uapi
from ebpf.core.events.consumer import Consumer
from ebpf.core.events.ring import RingReader

pytestmark = pytest.mark.usefixtures("reading")

PAGE = os.sysconf("SC_PAGE_SIZE")
SIZE = PAGE
BUSY, DISCARD = uapi.BPF_RINGBUF_BUSY_BIT, uapi.BPF_RINGBUF_DISCARD_BIT


class File:
    """A file that is laid out as a ring buffer, in the place of a map."""

    map_type = uapi.BPF_MAP_TYPE_RINGBUF
    max_entries = SIZE

    def __init__(self, consumer: int, producer: int, data: bytes, overwrite: int | None = None) -> None:
        self.fd = os.memfd_create("ring")
        self.flags = 0 if overwrite is None else uapi.BPF_F_RB_OVERWRITE
        data = data.ljust(SIZE, b"\0")[:SIZE]
        positions = struct.pack("=QQQ", producer, 0, overwrite or 0).ljust(PAGE, b"\0")
        os.write(self.fd, struct.pack("=Q", consumer).ljust(PAGE, b"\0") + positions + data + data)

    def consumer(self) -> int:
        return int(struct.unpack("=Q", os.pread(self.fd, 8, 0))[0])


def consume(file: Any) -> list[bytes]:
    seen: list[bytes] = []
    try:
        with Consumer(RingReader(file)) as events:
            events.consume(seen.append, 10_000)
    finally:
        os.close(file.fd)
    return seen


def record(length: int, fill: bytes = b"x", bits: int = 0) -> bytes:
    return struct.pack("=II", length | bits, 0) + (fill * length).ljust((length + 7) & ~7, b"\0")


def test_busy_and_discarded_records() -> None:
    data = record(3, b"a") + record(9, b"b", DISCARD) + record(2, b"c") + record(8, b"d", BUSY) + record(1, b"e")
    file = File(0, len(data), data)
    with Consumer(RingReader(file)) as events:  # type: ignore[arg-type]  # in the place of a map
        seen: list[bytes] = []
        assert events.consume(seen.append) == 2
        assert seen == [b"aaa", b"cc"]
        at = len(record(3)) + len(record(9)) + len(record(2))
        assert file.consumer() == at
        for twice in (0, SIZE):
            os.pwrite(file.fd, struct.pack("=I", 8), 2 * PAGE + at + twice)
        assert events.poll(0) == [b"d" * 8, b"e"]
    os.close(file.fd)


def test_positions_near_the_end_of_their_numbers() -> None:
    start = 2**64 - 16
    data = bytes(SIZE - 16) + record(8, b"a")
    assert consume(File(start, 0, data)) == [b"a" * 8]


@pytest.mark.parametrize(
    ("consumer", "producer", "data"),
    [
        (0, 16, record(4000)),  # longer than what was produced
        (0, SIZE, struct.pack("=I", 0x3FFFFFFF)),  # longer than the buffer
        (0, SIZE + 8, b""),  # more than the buffer holds
        (64, 8, b""),  # behind the producer
        (4, 64, b""),  # between two records
        (0, 12, b""),
    ],
)
def test_what_cannot_be_is_refused(consumer: int, producer: int, data: bytes) -> None:
    with pytest.raises(errors.CorruptBufferError, match="contradicts itself"):
        consume(File(consumer, producer, data))


@given(
    consumer=st.integers(0, 2**64 - 1),
    ahead=st.integers(-64, SIZE + 64),
    data=st.binary(max_size=256),
    overwrite=st.none() | st.integers(0, 2**64 - 1),
)
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_any_memory(consumer: int, ahead: int, data: bytes, overwrite: int | None) -> None:
    file = File(consumer, (consumer + ahead) % 2**64, data, overwrite)
    try:
        for event in consume(file):
            assert len(event) <= SIZE
    except errors.CorruptBufferError:
        pass


def test_overwritten_records_are_passed_over() -> None:
    data = record(8, b"a") + record(8, b"b") + record(8, b"c")
    assert consume(File(0, len(data), data, overwrite=16)) == [b"b" * 8, b"c" * 8]
    assert consume(File(32, len(data), data, overwrite=16)) == [b"c" * 8]
