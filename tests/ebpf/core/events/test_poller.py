"""Several buffers waited for at once."""

from __future__ import annotations

import os
import threading
import time

import pytest

from ebpf import errors, uapi
from ebpf.core.events.consumer import Consumer
from ebpf.core.events.perf import PerfReader, online
from ebpf.core.events.poller import Poller
from ebpf.core.events.ring import RingReader
from ebpf.core.map import MapCore
from tests.ebpf.core.events.produce import Producer

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_MAP_TYPE_RINGBUF")]

PAGE = os.sysconf("SC_PAGE_SIZE")


def test_ring_and_perf_buffers_together() -> None:
    ring = MapCore(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE)
    array = MapCore(uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, max(online()) + 1)
    seen: list[str] = []
    with ring, array, Consumer(RingReader(ring)) as first, Consumer(PerfReader(array, 1)) as second, Poller() as poller:
        poller.add(first, lambda event: seen.append("ring"))
        poller.add(second, lambda event: seen.append("perf"))
        assert len(poller) == 2
        assert poller.poll(0) == 0
        with Producer(ring) as to_ring, Producer(array) as to_array:
            to_ring.send(2)
            to_array.send(1)
            assert poller.poll(5) == 3
            assert sorted(seen) == ["perf", "ring", "ring"]
            with pytest.raises(errors.ArgumentError, match="added already"):
                poller.add(first, print)
            poller.remove(second)
            to_array.send(1)
            assert poller.poll(0.01) == 0
            with pytest.raises(errors.ArgumentError, match="not added"):
                poller.remove(second)
            first.close()
            assert poller.poll(1) == 0
            assert len(poller) == 0


def test_closing_ends_the_wait() -> None:
    with MapCore(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE) as ring, Consumer(RingReader(ring)) as events:
        poller = Poller()
        poller.add(events, print)
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.append(poller.poll(None)))
        thread.start()
        time.sleep(0.02)
        poller.close()
        thread.join(10)
        assert got == [0]
        with pytest.raises(errors.ClosedError):
            poller.poll(0)
        assert not events.closed


def test_closing_the_last_buffer_ends_the_wait() -> None:
    with MapCore(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE) as ring, Poller() as poller:
        events = Consumer(RingReader(ring))
        poller.add(events, print)
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.append(poller.poll(20)))
        thread.start()
        time.sleep(0.02)
        started = time.monotonic()
        events.close()
        thread.join(10)
        assert got == [0]
        assert time.monotonic() - started < 5
