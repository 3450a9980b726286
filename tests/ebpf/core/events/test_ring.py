"""Ring buffers that programs of the running kernel write to."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from ebpf import errors, uapi
from ebpf.core.codec import codec
from ebpf.core.events.consumer import Consumer, decoder
from ebpf.core.events.ring import RingReader
from ebpf.core.map import MapCore
from tests.ebpf.core.events.produce import Producer
from tests.ebpf.host.trees import in_child

pytestmark = [
    pytest.mark.root,
    pytest.mark.requires("BPF_MAP_TYPE_RINGBUF"),
    pytest.mark.usefixtures("reading"),
]

PAGE = os.sysconf("SC_PAGE_SIZE")


def ring(size: int = PAGE, flags: int = 0) -> MapCore:
    return MapCore(uapi.BPF_MAP_TYPE_RINGBUF, 0, 0, size, flags)


def numbers(core: MapCore) -> Consumer:
    return Consumer(RingReader(core), decoder(codec("u64")))


def test_events_come_in_order_and_typed() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        assert events.poll(0) == []
        producer.send(5)
        assert events.poll(1) == [0, 1, 2, 3, 4]
        producer.send(3)
        assert events.poll(0, most=2) == [5, 6]
        with pytest.raises(errors.ArgumentError, match="most is 0"):
            events.poll(0, most=0)
        assert events.poll(0) == [7]


def test_callbacks_and_views_without_a_copy() -> None:
    with ring() as core, Consumer(RingReader(core)) as events, Producer(core, 24) as producer:
        producer.send(3)
        seen: list[bytes] = []
        views: list[memoryview] = []

        def view(event: memoryview) -> None:
            assert event.readonly
            views.append(event)
            seen.append(bytes(event))

        assert events.consume(view, 2, view=True) == 2
        assert [int.from_bytes(event[:8], "little") for event in seen] == [0, 1]
        assert [len(event) for event in seen] == [24, 24]
        with pytest.raises(ValueError, match="released"):
            bytes(views[0])
        assert events.consume(seen.append) == 1
        assert events.consume(seen.append) == 0


def test_records_wrap_around() -> None:
    size = 1000  # does not divide the buffer
    with ring() as core, Consumer(RingReader(core)) as events, Producer(core, size) as producer:
        for number in range(40):
            producer.send()
            (event,) = events.poll(0)
            assert len(event) == size
            assert int.from_bytes(event[:8], "little") == number


def test_a_full_buffer_refuses_and_the_program_knows() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(1000)
        fit = PAGE // 16
        assert fit - 1 <= 1000 - producer.refused <= fit
        assert events.source.lost is None  # type: ignore[attr-defined]  # of RingReader
        got = events.poll(0)
        assert got == list(range(1000 - producer.refused))
        producer.send()
        assert events.poll(0) == [1000]


def test_empty_records() -> None:
    with ring() as core, Consumer(RingReader(core)) as events, Producer(core, 1) as producer:
        producer.send(2)
        assert [len(event) for event in events.poll(0)] == [1, 1]


def test_an_event_shorter_than_its_type() -> None:
    with ring() as core, numbers(core) as events, Producer(core, 4) as producer:
        producer.send(1)
        with pytest.raises(errors.ArgumentError, match="an event of 4 bytes came, the type u64 has 8"):
            events.poll(0)
        assert events.poll(0) == []  # it counts as consumed
        with Producer(core) as good:
            good.send(2)
            producer.send(1)
            with pytest.raises(errors.ArgumentError):
                events.poll(0)
            assert events.poll(0) == [0, 1]  # what came before it is not lost


def test_iteration_loses_nothing_when_it_is_left() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(10)
        for event in events:
            if event == 3:
                break
        assert events.poll(0) == [4, 5, 6, 7, 8, 9]


def test_iteration_ends_when_another_thread_closes() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.extend(events))
        thread.start()
        producer.send(10)
        while len(got) < 10:
            time.sleep(0.001)
        events.close()
        thread.join(10)
        assert not thread.is_alive()
        assert got == list(range(10))
        with pytest.raises(errors.ClosedError):
            events.poll(0)
        with pytest.raises(errors.ClosedError):
            iter(events).__next__()


@pytest.mark.parametrize("how", ["iterating", "polling"])
def test_a_signal_handler_may_close(how: str) -> None:
    """It runs in the thread that waits, within the wait."""
    before = len(os.listdir("/proc/self/fd"))
    with ring() as core, numbers(core) as events:
        previous = signal.signal(signal.SIGALRM, lambda number, frame: events.close())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert list(events) == [] if how == "iterating" else events.poll(20) == []
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert events.closed
    assert len(os.listdir("/proc/self/fd")) == before


def test_poll_waits_and_gives_up() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        started = time.monotonic()
        assert events.poll(0.05) == []
        assert 0.04 < time.monotonic() - started < 5
        timer = threading.Timer(0.05, producer.send)
        timer.start()
        assert events.poll(20) == [0]
        assert events.wait(0) is False
        timer.join()


def test_close_from_within_a_callback() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(3)
        assert events.consume(lambda event: events.close(), 1) == 1
        assert events.closed
        with pytest.raises(errors.ClosedError):
            events.consume(print)


def test_a_callback_may_not_consume_the_same_buffer() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(2)
        with pytest.raises(errors.ArgumentError, match="within its callback"):
            events.consume(lambda event: events.poll(0))
        assert events.poll(0) == [1]


def test_what_a_callback_raises_comes_through() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(3)
        with pytest.raises(ZeroDivisionError):
            events.consume(lambda event: 1 // event)
        assert events.poll(0) == [1, 2]
        producer.send(4)
        assert next(iter(events)) == 3
        with pytest.raises(ZeroDivisionError):
            events.consume(lambda event: 1 // (event - 4))
        assert events.poll(0) == [5, 6]


def test_what_is_made_of_a_view_outlives_the_buffer() -> None:
    """It shows what the kernel wrote there since, but its memory is there as long as it is."""
    kept: list[memoryview] = []
    with ring() as core, Consumer(RingReader(core)) as events, Producer(core) as producer:
        producer.send(1)
        assert events.consume(lambda view: kept.append(view[2:4]), view=True) == 1
    assert bytes(kept[0]) == b"\0\0"


def test_asyncio() -> None:
    async def consume(events: Consumer, into: list[int], count: int) -> None:
        async for event in events:
            into.append(event)
            if len(into) == count:
                return

    async def main() -> None:
        with ring() as core, numbers(core) as events, Producer(core) as producer:
            got: list[int] = []
            task = asyncio.ensure_future(consume(events, got, 6))
            for _ in range(3):
                await asyncio.sleep(0.01)
                producer.send(2)
            await asyncio.wait_for(task, 20)
            assert got == [0, 1, 2, 3, 4, 5]

            # Two iterations share the events; closing ends both.
            first: list[int] = []
            second: list[int] = []
            tasks = [asyncio.ensure_future(consume(events, into, 10**9)) for into in (first, second)]
            await asyncio.sleep(0.01)
            producer.send(100)
            while len(first) + len(second) < 100:
                await asyncio.sleep(0.001)
            events.close()
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
            assert sorted(first + second) == list(range(6, 106))

    asyncio.run(main())


def test_threads_share_the_events() -> None:
    count = 20_000
    with ring(1 << 20) as core, numbers(core) as events, Producer(core) as producer:
        got: list[list[int]] = [[] for _ in range(4)]

        threads = [threading.Thread(target=into.extend, args=(events,)) for into in got]
        for thread in threads:
            thread.start()
        for _ in range(10):
            producer.send(count // 10)
        while sum(map(len, got)) < count - producer.refused:
            time.sleep(0.001)
        events.close()
        for thread in threads:
            thread.join(10)
        everything = sorted(event for each in got for event in each)
        assert producer.refused == 0
        assert everything == list(range(count))
        for each in got:
            assert each == sorted(each)


def test_a_forked_child_does_not_disturb_the_parent() -> None:
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        assert events.wait(0) is False  # epoll is there

        def task() -> list[int]:
            events.close()
            return []

        in_child(task)
        producer.send(2)
        assert events.poll(5) == [0, 1]

        def consumes() -> list[int]:
            producer.send(1)
            return events.poll(5)

        assert in_child(consumes) == [2]
        assert events.poll(0) == []


def test_fork_while_another_thread_reads() -> None:
    """The child's lock is its own: the parent's thread held the parent's."""
    with ring() as core, numbers(core) as events, Producer(core) as producer:
        producer.send(1)
        inside, leave = threading.Event(), threading.Event()

        def slow(event: int) -> None:
            inside.set()
            leave.wait(20)

        thread = threading.Thread(target=events.consume, args=(slow,))
        thread.start()
        inside.wait(20)
        assert in_child(lambda: events.consume(lambda event: None, 0)) == 0
        leave.set()
        thread.join()


def test_nothing_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with ring() as core:
        for _ in range(50):
            with numbers(core) as events:
                events.wait(0)
    assert len(os.listdir("/proc/self/fd")) == before
    for _ in range(20):
        with pytest.raises(errors.ArgumentError), MapCore(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1) as array:
            RingReader(array)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.slow
def test_a_million_events() -> None:
    total = 1_000_000
    with ring(1 << 22) as core, numbers(core) as events, Producer(core) as producer:
        thread = threading.Thread(target=producer.send, args=(total,))
        thread.start()
        count, last, ordered = 0, -1, True
        while thread.is_alive() or events.wait(0):
            for event in events.poll(0.1):
                ordered = ordered and event > last
                last, count = event, count + 1
        thread.join()
        assert ordered
        assert count + producer.refused == total


@pytest.mark.requires("BPF_F_RB_OVERWRITE")
def test_overwriting_keeps_the_newest() -> None:
    with ring(flags=uapi.BPF_F_RB_OVERWRITE) as core, numbers(core) as events, Producer(core) as producer:
        producer.send(3)
        assert events.poll(1) == [0, 1, 2]
        producer.send(1000)
        assert producer.refused == 0
        got = events.poll(1)
        assert got[-1] == 1002
        assert got == list(range(got[0], 1003))
        assert len(got) > PAGE // 32
        assert events.poll(0) == []
