"""The event buffers of v2, fed by programs of the running kernel."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import mmap
import pickle
import threading
import time
from collections.abc import Iterator

import pytest

from ebpf import errors, features, v2
from ebpf.core.events.perf import online
from ebpf.v2 import events as module
from tests.ebpf.core.events.produce import Drain, Producer, one_cpu

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_MAP_TYPE_RINGBUF")]
PAGE = mmap.PAGESIZE


@pytest.fixture(autouse=True)
def _on_one_cpu() -> Iterator[None]:
    with one_cpu():
        yield


@dataclasses.dataclass
class Pair:
    number: v2.u32
    rest: v2.u32


def test_a_ring_buffer_typed() -> None:
    with v2.RingBuffer(PAGE, value=Pair, name="events") as events, Producer(events.core) as producer:
        assert events.poll(0) == []
        assert events.wait(0) is False
        producer.send(3)
        assert events.available == 48
        assert events.poll(1, most=1) == [Pair(0, 0)]
        seen: list[Pair] = []
        assert events.consume(seen.append) == 2
        assert seen == [Pair(1, 0), Pair(2, 0)]
        assert events.lost is None
        assert events.helper == "bpf_ringbuf_output"
        assert repr(events).startswith("<RingBuffer 'events' Pair, max_entries 4096, fd ")
    with pytest.raises(errors.ClosedError):
        events.poll(0)
    events.close()


def test_a_ring_buffer_opened_again() -> None:
    with v2.RingBuffer(PAGE, name="again") as first, Producer(first.core) as producer:
        producer.send(1)
        with v2.open_map(first.id, value="u64") as second:
            assert isinstance(second, v2.RingBuffer)
            assert second.poll(1) == [0]
        assert first.poll(0) == []


def test_iterating_until_another_thread_closes() -> None:
    events = v2.RingBuffer(PAGE, value="u64")
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.extend(events))
    with Producer(events.core) as producer:
        thread.start()
        producer.send(4)
        while len(got) < 4:
            time.sleep(0.001)
        events.close()
        thread.join(10)
    assert not thread.is_alive()
    assert got == [0, 1, 2, 3]


def test_asyncio() -> None:
    async def main() -> list[int]:
        got = []
        with v2.RingBuffer(PAGE, value="u64") as events, Producer(events.core) as producer:
            asyncio.get_running_loop().call_later(0.01, producer.send, 3)
            async for event in events:
                got.append(event)
                if len(got) == 3:
                    break
        return got

    assert asyncio.run(asyncio.wait_for(main(), 20)) == [0, 1, 2]


def test_a_perf_buffer() -> None:
    with v2.PerfBuffer(value="u64", pages=1) as events, Producer(events.core) as producer:
        producer.send(3)
        assert events.poll(5) == [0, 1, 2]
        producer.send(2000)
        count = len(events.poll(5))
        producer.send(1)
        assert len(events.poll(5)) == 1
        assert events.lost == 2000 - count > 0
        assert set(events.lost_by_cpu) == set(online())
        assert events.helper == "bpf_perf_event_output"


def test_samples_have_cpu_and_time() -> None:
    with v2.PerfBuffer(value="u64", pages=1, timestamps=True) as events, Producer(events.core) as producer:
        before = time.monotonic_ns()
        producer.send(2)
        first, second = events.poll(5)
        assert (first.value, second.value) == (0, 1)
        assert before <= first.time <= second.time <= time.monotonic_ns()
        assert first.cpu in online()
        assert first == v2.Sample(0, first.cpu, first.time)
        assert first != second


def test_a_perf_buffer_over_a_map_that_is_there() -> None:
    with v2.PerfEventArray(max_entries=max(online()) + 1) as array, Producer(array.core) as producer:
        with v2.PerfBuffer.over(array, "u64", pages=1) as events:
            producer.send(2)
            assert events.poll(5) == [0, 1]
        assert not array.closed


def test_whichever_the_kernel_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with v2.event_buffer(1 << 16, value="u64") as events:
        assert isinstance(events, v2.RingBuffer)
        assert events.adaptations == ()

    def absent(*arguments: object, **more: object) -> None:
        raise errors.UnsupportedFeatureError("no ring buffers", features.check("BPF_MAP_TYPE_RINGBUF"))

    monkeypatch.setattr(module, "RingBuffer", absent)
    with v2.event_buffer(1 << 16, value="u64") as events, Producer(events.core) as producer:
        assert isinstance(events, v2.PerfBuffer)
        assert [row.name for row in events.adaptations] == ["ring_buffer"]
        producer.send(2)
        assert events.poll(5) == [0, 1]
    with pytest.raises(errors.UnsupportedFeatureError):
        v2.event_buffer(1 << 16, adapt=False)
    with pytest.raises(errors.ArgumentError, match="size is 1000"):
        v2.event_buffer(1000)


def test_several_buffers_at_once() -> None:
    seen: list[tuple[str, int]] = []
    with contextlib.ExitStack() as stack:
        ring = stack.enter_context(v2.RingBuffer(PAGE, value="u64"))
        perf = stack.enter_context(v2.PerfBuffer(value="u64", pages=1))
        poller = stack.enter_context(v2.Poller())
        poller.add(ring, lambda event: seen.append(("ring", event)))
        poller.add(perf, lambda event: seen.append(("perf", event)))
        for buffer in (ring, perf):
            stack.enter_context(Producer(buffer.core)).send(1)
        assert poller.poll(5) == 2
        assert sorted(seen) == [("perf", 0), ("ring", 0)]
        poller.remove(perf)
        assert len(poller) == 1


@pytest.mark.requires("BPF_MAP_TYPE_USER_RINGBUF", "bpf_user_ringbuf_drain")
def test_a_user_ring_buffer() -> None:
    with v2.UserRingBuffer(PAGE, value="u64") as commands, Drain(commands.core) as drain:
        commands.send(3)
        with commands.reserve(8) as room:
            room[:] = (4).to_bytes(8, "little")
        assert drain.run() == (2, 7)
        for _ in range(PAGE // 16):
            commands.send(1)
        with pytest.raises(errors.MapFullError, match="no room"):
            commands.send(1)
        with pytest.raises(errors.MapFullError):
            commands.send(1, timeout=0.01)
        timer = threading.Timer(0.02, drain.run)
        timer.start()
        commands.send(1, timeout=20)
        timer.join()
        with pytest.raises(errors.ArgumentError, match="u64"):
            commands.send("x")
    with pytest.raises(errors.ClosedError):
        commands.send(1)
    with v2.UserRingBuffer(PAGE) as raw:
        raw.send(b"abc")
        with pytest.raises(errors.ArgumentError, match="is not bytes"):
            raw.send(1)


def test_buffers_are_not_pickled() -> None:
    with v2.RingBuffer(PAGE) as events, pytest.raises(errors.UnpicklableError):
        pickle.dumps(events)


@pytest.mark.parametrize("size", [0, 5000, 100])
def test_sizes_that_no_kernel_takes(size: int) -> None:
    with pytest.raises(errors.ArgumentError, match=f"max_entries is {size}"):
        v2.RingBuffer(size)


def test_nothing_is_left_open() -> None:
    import os

    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with v2.RingBuffer(PAGE) as events:
            events.poll(0)
        with v2.PerfBuffer(pages=1) as perf:
            perf.poll(0)
    assert len(os.listdir("/proc/self/fd")) == before
