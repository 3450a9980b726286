"""v1's ring buffers, read and written."""

from __future__ import annotations

import mmap

import pytest

from ebpf import errors
from ebpf.v1.map import RingBuffer, UserRingBuffer
from tests.ebpf.core.events.produce import Drain, Producer

pytestmark = pytest.mark.root


@pytest.mark.requires("BPF_MAP_TYPE_RINGBUF")
def test_reading_a_ring_buffer() -> None:
    with RingBuffer(mmap.PAGESIZE) as events, Producer(events._core) as producer:
        assert events.poll(0) == []
        producer.send(2)
        assert events.poll(1) == [(0).to_bytes(8, "little"), (1).to_bytes(8, "little")]
        producer.send(1)
        seen: list[bytes] = []
        assert events.consume(seen.append) == 1
        assert seen == [(2).to_bytes(8, "little")]
    with pytest.raises(errors.ClosedError):
        events.poll(0)


@pytest.mark.requires("BPF_MAP_TYPE_USER_RINGBUF", "bpf_user_ringbuf_drain")
def test_writing_a_user_ring_buffer() -> None:
    with UserRingBuffer(mmap.PAGESIZE) as commands, Drain(commands._core) as drain:
        commands.send((5).to_bytes(8, "little"))
        assert drain.run() == (1, 5)
        for _ in range(mmap.PAGESIZE // 16):
            commands.send(bytes(8))
        with pytest.raises(errors.MapFullError):
            commands.send(bytes(8))
    with pytest.raises(errors.ClosedError):
        commands.send(b"")
