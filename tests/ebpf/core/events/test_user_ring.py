"""User ring buffers that programs of the running kernel drain."""

from __future__ import annotations

import os
import struct
import threading

import pytest

from ebpf import errors, uapi
from ebpf.core.events.user_ring import RingWriter
from ebpf.core.map import MapCore
from tests.ebpf.core.events.produce import Drain

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_MAP_TYPE_USER_RINGBUF", "bpf_user_ringbuf_drain")]

PAGE = os.sysconf("SC_PAGE_SIZE")


def ring() -> MapCore:
    return MapCore(uapi.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, PAGE)


def send(writer: RingWriter, number: int) -> bool:
    room = writer.reserve(8)
    if room is None:
        return False
    with room as view:
        view[:] = struct.pack("=Q", number)
    return True


def test_a_program_reads_what_was_submitted() -> None:
    with ring() as core, Drain(core) as drain:
        writer = RingWriter(core)
        for number in (3, 4, 5):
            assert send(writer, number)
        assert drain.run() == (3, 12)
        writer.close()


def test_order_waits_for_what_is_reserved_and_skips_what_is_discarded() -> None:
    with ring() as core, Drain(core) as drain:
        writer = RingWriter(core)
        first, second = writer.reserve(8), writer.reserve(8)
        assert first is not None
        assert second is not None
        second.view[:] = struct.pack("=Q", 7)
        second.submit()
        assert drain.run() == (0, 0)
        first.discard()
        assert drain.run() == (1, 7)
        with pytest.raises(errors.ClosedError, match="already"):
            first.submit()
        with pytest.raises(ValueError, match="released"):
            first.view[0] = 1
        writer.close()


def test_an_exception_discards() -> None:
    with ring() as core, Drain(core) as drain:
        writer = RingWriter(core)
        room = writer.reserve(8)
        assert room is not None
        with pytest.raises(ZeroDivisionError), room:
            raise ZeroDivisionError
        assert send(writer, 1)
        assert drain.run() == (1, 1)
        writer.close()


def test_full_and_free_again_around_the_end() -> None:
    with ring() as core, Drain(core) as drain:
        writer = RingWriter(core)
        total = count = 0
        for number in range(2000):
            if not send(writer, number):
                assert drain.run() == (count, total)
                assert send(writer, number)
            count, total = count + 1, total + number
        assert drain.run() == (2000, total)
        with pytest.raises(errors.ArgumentError, match="does not fit"):
            writer.reserve(PAGE)
        assert "no room" in str(writer.full(8))
        writer.close()


def test_threads_send_at_once() -> None:
    with ring() as core, Drain(core) as drain:
        writer = RingWriter(core)
        threads = [threading.Thread(target=lambda: [send(writer, 1) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert drain.run() == (200, 200)
        writer.close()


def test_closing_while_room_is_reserved() -> None:
    with ring() as core:
        writer = RingWriter(core)
        room = writer.reserve(8)
        assert room is not None
        writer.close()
        writer.close()
        with pytest.raises(errors.ClosedError, match="before the record was submitted"):
            room.submit()
        with pytest.raises(errors.ClosedError):
            writer.reserve(8)
