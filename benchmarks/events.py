"""``python -m benchmarks.events``: how fast events leave a ring buffer, beside bcc and a loop in C.

Run it as root, from the project's root. A program sends half a million numbers of 8 bytes, then each reader takes them
out in turn, in the same process: this library in its several ways, with the C twin and without; bcc's ``RingBuf`` (its
own code, over a map that bcc did not make: it needs no compiler then) with the callback that its examples have; a loop
in C that adds the numbers up. bcc comes with Debian's ``python3-bpfcc``.
"""

from __future__ import annotations

import argparse
import ctypes
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ebpf import v2
from ebpf.core.events import ring
from tests.ebpf.core.events.produce import Producer

SIZE = 1 << 24
EVENTS = 500_000
GOAL = 3.0  # times bcc's events for each second

C_LOOP = r"""
#include <stdint.h>
#include <sys/mman.h>

static uint64_t *consumer;
static unsigned char *producer;
static uint64_t size;

int open_ring(int fd, uint64_t bytes)
{
	size = bytes;
	consumer = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	producer = mmap(0, 4096 + 2 * size, PROT_READ, MAP_SHARED, fd, 4096);
	return consumer != MAP_FAILED && (void *)producer != MAP_FAILED;
}

uint64_t consume(uint64_t *sum)
{
	uint64_t position = *consumer, count = 0;

	while (position != __atomic_load_n((uint64_t *)producer, __ATOMIC_ACQUIRE)) {
		unsigned char *record = producer + 4096 + (position & (size - 1));
		uint32_t header = __atomic_load_n((uint32_t *)record, __ATOMIC_ACQUIRE);

		if (header >> 31)
			break;
		if (!(header >> 30)) {
			*sum += *(uint64_t *)(record + 8);
			count++;
		}
		position += ((header & 0x3fffffff) + 15) & ~7ULL;
		__atomic_store_n(consumer, position, __ATOMIC_RELEASE);
	}
	return count;
}
"""


def _iterate(events: v2.RingBuffer) -> int:
    count = 0
    for _ in events:
        count += 1
        if count == EVENTS:
            break
    return count


def in_c(core: Any) -> Callable[[], int] | None:
    """The loop in C over the same buffer, if there is a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "loop.c")
        source.write_text(C_LOOP)
        library = str(Path(directory, "loop.so"))
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, str(source)], check=True)
        loop = ctypes.CDLL(library)
    total = ctypes.c_uint64()
    loop.consume.restype = ctypes.c_uint64
    assert loop.open_ring(core.fd, ctypes.c_uint64(SIZE))
    return lambda: int(loop.consume(ctypes.byref(total)))


def with_bcc(core: Any) -> Callable[[], int] | None:
    """bcc's ring buffer over the same map, if bcc is installed."""
    if "/usr/lib/python3/dist-packages" not in sys.path:
        sys.path.append("/usr/lib/python3/dist-packages")
    try:
        from bcc import BPF, table  # type: ignore[import-not-found]  # not on PyPI
    except ImportError:
        return None
    owner: Any = BPF.__new__(BPF)  # without compiling a program
    owner._ringbuf_manager = None
    BPF.__del__ = lambda self: None
    buffer: Any = table.RingBuf.__new__(table.RingBuf)
    buffer.bpf, buffer.map_fd, buffer._cbs = owner, core.fd, {}
    number = ctypes.POINTER(ctypes.c_uint64)
    seen = [0, 0]

    def each(context: Any, data: Any, size: int) -> None:
        seen[0] += ctypes.cast(data, number).contents.value  # as BPF.event() does
        seen[1] += 1

    buffer.open_ring_buffer(each)

    def consume() -> int:
        seen[1] = 0
        owner.ring_buffer_consume()
        return seen[1]

    consume.buffer = buffer  # type: ignore[attr-defined]  # it holds the callback
    return consume


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="how often each reader runs (default 7)")
    options = parser.parse_args()
    events = v2.RingBuffer(SIZE, value="u64")
    total = [0]

    def each(event: int) -> None:
        total[0] += event

    twin = ring.twin
    readers: dict[str, Callable[[], int] | None] = {
        "C loop": in_c(events.core),
        "bcc, callback": with_bcc(events.core),
        "consume(callback)": lambda: events.consume(each),
        "poll() into a list": lambda: len(events.poll(0)),
        "for event in events": lambda: _iterate(events),
        "consume(callback), Python": lambda: events.consume(each),
        "poll() into a list, Python": lambda: len(events.poll(0)),
    }
    times: dict[str, list[float]] = {name: [] for name, reader in readers.items() if reader is not None}
    with Producer(events.core) as producer:
        for _ in range(options.runs):
            for name, reader in readers.items():
                if reader is None:
                    continue
                ring.twin = None if name.endswith("Python") else twin
                producer.send(EVENTS)
                started = time.perf_counter()
                count = reader()
                times[name].append((time.perf_counter() - started) / EVENTS)
                assert count == EVENTS, (name, count)
                events.poll(0)
    found = "with the C twin" if twin is not None else "without the C twin"
    print(
        f"CPython {platform.python_version()} {found}, Linux {platform.release()}, medians of {options.runs}"
        f" interleaved runs of {EVENTS} events\n"
    )
    print("| reader | ns for an event | events a second | times bcc | times the C loop |")
    print("| --- | --- | --- | --- | --- |")
    medians = {name: statistics.median(each) for name, each in times.items()}
    peer, loop = medians.get("bcc, callback"), medians.get("C loop")
    for name, median in medians.items():
        ratio = f"{peer / median:.1f}" if peer else "bcc is not installed"
        share = f"{loop / median:.2f}" if loop else "no compiler"
        print(f"| {name} | {median * 1e9:.0f} | {1 / median / 1e6:.1f} million | {ratio} | {share} |")
    if peer is None or twin is None:
        return 0  # nothing to hold it against
    return int(peer / medians["consume(callback)"] < GOAL)


if __name__ == "__main__":
    sys.exit(main())
