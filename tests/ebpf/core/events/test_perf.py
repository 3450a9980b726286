"""Perf buffers that programs of the running kernel write to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from ebpf import errors, uapi
from ebpf.core.codec import codec
from ebpf.core.events.consumer import Consumer, decoder
from ebpf.core.events.perf import PerfReader, online
from ebpf.core.map import MapCore
from tests.ebpf.core.events.produce import Producer, one_cpu
from tests.ebpf.host.trees import in_child
from tests.privileges import keep_only

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_MAP_TYPE_PERF_EVENT_ARRAY")]


@pytest.fixture(autouse=True)
def _on_one_cpu() -> Iterator[None]:
    with one_cpu():
        yield


def array() -> MapCore:
    return MapCore(uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, max(online()) + 1)


def numbers(reader: PerfReader) -> Consumer:
    return Consumer(reader, decoder(codec("u64")))


def test_events_come_from_the_cpu_that_sends() -> None:
    with array() as core, Producer(core) as producer:
        reader = PerfReader(core, 2)
        assert reader.cpus == online()
        with numbers(reader) as events:
            assert events.poll(0) == []
            producer.send(5)
            assert sorted(events.poll(5)) == [0, 1, 2, 3, 4]
            assert reader.cpu in online()
            assert reader.lost == 0
            assert producer.refused == 0


def test_waiting() -> None:
    with array() as core, Producer(core) as producer, numbers(PerfReader(core, 1)) as events:
        assert events.wait(0.01) is False
        timer = threading.Timer(0.05, producer.send)
        timer.start()
        assert events.poll(20) == [0]
        timer.join()


def test_records_wrap_around() -> None:
    size = 1000
    with array() as core, Producer(core, size) as producer, Consumer(PerfReader(core, 1)) as events:
        for number in range(40):
            producer.send()
            (event,) = events.poll(5)
            # The kernel pads raw data so that it ends, with its length of 4 bytes, at a multiple of 8.
            assert len(event) == 1004
            assert int.from_bytes(event[:8], "little") == number
            assert set(event[8:size]) == {0}


def test_lost_events_are_counted() -> None:
    with array() as core, Producer(core) as producer:
        reader = PerfReader(core, 1)
        with numbers(reader) as events:
            producer.send(1000)
            first = events.poll(5)
            assert first == list(range(len(first)))
            producer.send(1)  # the kernel tells with the next event that fits
            assert 1000 in events.poll(5)
            assert reader.lost == 1000 - len(first) == producer.refused
            assert sum(reader.lost_by_cpu.values()) == reader.lost
        assert reader.lost == producer.refused


def test_timestamps() -> None:
    with array() as core, Producer(core) as producer:
        reader = PerfReader(core, 1, timestamps=True)
        times: list[tuple[int, int]] = []
        with Consumer(reader) as events:
            before = time.monotonic_ns()
            producer.send(3)
            after = time.monotonic_ns()
            assert events.consume(lambda event: times.append((reader.time, reader.cpu))) == 3
        assert [when for when, _ in times] == sorted(when for when, _ in times)
        assert all(before <= when <= after for when, _ in times)


def test_waking_up_after_several() -> None:
    with array() as core, Producer(core) as producer, numbers(PerfReader(core, 4, wakeup=50)) as events:
        producer.send(10)
        assert events.wait(0.05) is False
        producer.send(90)
        assert events.wait(5) is True
        assert len(events.poll(0)) == 100


@pytest.mark.parametrize("pages", [0, 3, -1])
def test_pages_must_be_a_power_of_two(pages: int) -> None:
    with array() as core, pytest.raises(errors.ArgumentError, match="power of two"):
        PerfReader(core, pages)


def test_closing_ends_the_sending() -> None:
    with array() as core, Producer(core) as producer:
        before = len(os.listdir("/proc/self/fd"))
        events = numbers(PerfReader(core, 1))
        producer.send(1)
        events.close()
        events.close()
        producer.send(4)
        assert producer.refused == 4
        assert len(os.listdir("/proc/self/fd")) == before
        # The map is free for another reader.
        with numbers(PerfReader(core, 1)) as again:
            producer.send(1)
            assert len(again.poll(5)) == 1


def test_without_the_capability() -> None:
    def task() -> str:
        with array() as core:
            keep_only()()
            try:
                PerfReader(core, 1)
            except errors.PermissionDeniedError as error:
                return str(error)
        return "done"

    message = in_child(task)
    assert "CAP_PERFMON" in message or message == "done", message


def test_a_cpu_that_went_away_gets_a_new_ring_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown with a ring that is dropped; taking a CPU of the machine away is not for tests."""
    with array() as core, Producer(core) as producer:
        reader = PerfReader(core, 1)
        with numbers(reader) as events:
            events.wait(0)  # epoll is there
            reader._drop(reader._events[min(online())])
            assert reader.cpus == online()[1:]
            reader._hotplug()
            assert reader.cpus == online()
            # Somebody who waits for nothing looks as well.
            reader._drop(reader._events[min(online())])
            monkeypatch.setattr(PerfReader, "every", 0.01)
            time.sleep(0.02)
            assert events.poll(0.05) == []
            assert reader.cpus == online()
            producer.send(2)
            assert len(events.poll(5)) == 2
