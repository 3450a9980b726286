"""What is measured inside one process: elements, batches, events. Each group is a function that gives rows.

``python -m benchmarks`` runs each group in processes of their own, one for each implementation of the system call.
"""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Any

from benchmarks import peers
from benchmarks.native import Missing, library
from benchmarks.rows import Row, interleaved
from ebpf import syscall, uapi, v2
from ebpf.v1.map import ArrayMap, HashMap

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUPS"]

_KEYS = 1000
_STEPS = 4000
_ENTRIES = 100_000
_EVENTS = 20_000
_LOOKUP, _UPDATE = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM


def _goal(over_c: float, over_ctypes: float) -> float:
    return over_c if syscall.implementation == "c" else over_ctypes


def maps(runs: int) -> list[Row]:
    """One element of a hash and an array of u32 -> u64, against a loop in C over the same map."""
    rows = []
    for kind in ("hash", "array"):
        numbers = [number % _KEYS for number in range(_STEPS)]
        new: Any = (
            v2.HashMap(key="u32", value="u64", max_entries=1024)
            if kind == "hash"
            else v2.ArrayMap(value="u64", max_entries=1024)
        )
        old: Any = HashMap(1024, "u32", "u64") if kind == "hash" else ArrayMap(1024, "u64")
        for number in range(_KEYS):
            new[number] = number
            old.set(number, number)

        def in_c(command: int, fd: int = new.fileno()) -> None:
            assert library().elements(fd, command, _STEPS, _KEYS) == 0

        def v2_get(m: Any = new, numbers: list[int] = numbers) -> None:
            for number in numbers:
                m[number]

        def v2_set(m: Any = new, numbers: list[int] = numbers) -> None:
            for number in numbers:
                m[number] = 5

        def v1_get(m: Any = old, numbers: list[int] = numbers) -> None:
            for number in numbers:
                m.get(number)

        def v1_set(m: Any = old, numbers: list[int] = numbers) -> None:
            for number in numbers:
                m.set(number, 5)

        cases: dict[str, Callable[[], object]] = {
            "C lookup": lambda in_c=in_c: in_c(_LOOKUP),  # type: ignore[misc]  # bound now
            "C update": lambda in_c=in_c: in_c(_UPDATE),  # type: ignore[misc]  # bound now
            "v2 m[k]": v2_get,
            "v2 m[k] = v": v2_set,
            "v1 get": v1_get,
            "v1 set": v1_set,
        }
        found = interleaved(cases, _STEPS, runs)
        for name in list(cases)[2:]:
            peer = found["C update" if "=" in name or "set" in name else "C lookup"]
            rows.append(Row(f"{kind}: {name}", found[name], peer, _goal(1.35, 2.4)))
    return rows + _mapped(runs)


def _mapped(runs: int) -> list[Row]:
    """An array in this process's memory, against lookups in C."""
    with v2.ArrayMap(value="u64", max_entries=_KEYS, mmap=True) as m:
        fd = m.fileno()

        def reading() -> None:
            for _ in range(_STEPS // _KEYS):
                for _ in m.memory.view:
                    pass

        def listing() -> None:
            for _ in range(_STEPS // _KEYS):
                m.memory.array.tolist()

        cases: dict[str, Callable[[], object]] = {
            "C": lambda: library().elements(fd, _LOOKUP, _STEPS, _KEYS),
            "memoryview": reading,
            "numpy's tolist()": listing,
        }
        found = interleaved(cases, _STEPS, runs)
        peer = found.pop("C")
        return [Row(f"array: mmap'ed, {name}", time, peer, 0.1) for name, time in found.items()]


def others(runs: int) -> list[Row]:
    """v2 against the other libraries' maps, each in its own idiom, over the same map or one just like it."""
    rows = []
    numbers = [number % _KEYS for number in range(_STEPS)]
    for kind in ("hash", "array"):
        new: Any = (
            v2.HashMap(key="u32", value="u64", max_entries=1024)
            if kind == "hash"
            else v2.ArrayMap(value="u64", max_entries=1024)
        )
        for number in range(_KEYS):
            new[number] = number

        def get(m: Any, make: Any = int) -> None:
            for number in numbers:
                m[make(number)]

        def get_plainly(m: Any = new) -> None:
            for number in numbers:
                m[number]

        for name, peer in (
            ("bcc", lambda new=new, kind=kind: (peers.bcc_table(kind, new.fileno()), ctypes.c_uint32)),
            ("pylibbpf", lambda kind=kind: (peers.pylibbpf_map(kind), int)),
        ):
            try:
                table, make = peer()
                for number in range(_KEYS):
                    table[make(number)] = ctypes.c_uint64(number) if name == "bcc" else number
            except Missing as missing:
                rows.append(Row(f"{kind}: m[k], peer {name}", None, None, missing=str(missing)))
                continue
            cases: dict[str, Callable[[], object]] = {"here": get_plainly, "peer": functools.partial(get, table, make)}
            found = interleaved(cases, _STEPS, runs)
            rows.append(Row(f"{kind}: m[k], peer {name}", found["here"], found["peer"]))
    return rows


def batches(runs: int) -> list[Row]:
    """100,000 elements of a hash at once, against one batch lookup in C into the same memory each time."""
    import numpy

    with v2.HashMap(key="u32", value="u64", max_entries=_ENTRIES) as m:
        m.batch.update(numpy.arange(_ENTRIES, dtype="u4"), numpy.arange(_ENTRIES, dtype="u8"))
        keys, values, fd = (ctypes.c_char * (4 * _ENTRIES))(), (ctypes.c_char * (8 * _ENTRIES))(), m.fileno()

        def in_c() -> None:
            assert library().batch(fd, _ENTRIES, keys, values) == _ENTRIES

        cases: dict[str, Callable[[], object]] = {
            "C": in_c,
            "arrays of numpy": m.batch.arrays,
            "a dictionary, m.batch.dict()": m.batch.dict,
            "a dictionary, dict(m.items())": lambda: dict(m.items()),
        }
        goals = {"arrays of numpy": 1.1, "a dictionary, m.batch.dict()": 1.5}
        try:
            table = peers.bcc_table("hash", fd, _ENTRIES)

            def in_bcc() -> None:
                assert len(list(table.items_lookup_batch())) == _ENTRIES

            cases["bcc"] = in_bcc
        except Missing:
            pass
        found = interleaved(cases, _ENTRIES, runs)
        peer = found.pop("C")
        theirs = found.pop("bcc", None)
        rows = [Row(f"batch into {name}", time, peer, goals.get(name)) for name, time in found.items()]
        if theirs is not None:
            here = found["a dictionary, dict(m.items())"]
            rows.append(Row("dict(m.items()), peer bcc's items_lookup_batch()", here, theirs))
    return rows


class _Sender:
    """Sends numbers of 64 bits into a ring buffer from a program that BPF_PROG_TEST_RUN runs."""

    def __init__(self, ring: v2.RingBuffer) -> None:
        from ebpf.asm import DW, R0, R1, R2, R3, R4, R10, add, assemble, call, exit_, load_map, mov, store
        from ebpf.core.program import ProgramCore

        program = assemble(
            [
                store(DW, R10, -8, 7),
                load_map(R1, ring.fileno()),
                mov(R2, R10),
                add(R2, -8),
                mov(R3, 8),
                mov(R4, 1),  # BPF_RB_NO_WAKEUP
                call("bpf_ringbuf_output"),
                mov(R0, 0),
                exit_(),
            ]
        )
        self._program = ProgramCore(uapi.BPF_PROG_TYPE_SCHED_CLS, program)

    def send(self) -> None:
        self._program.test_run(bytes(64), repeat=_EVENTS)

    def close(self) -> None:
        self._program.close()


def events(runs: int) -> list[Row]:
    """20,000 numbers through a ring buffer, one call back each, against a consumer in C and bcc's."""
    with v2.RingBuffer(1 << 20, value="u64") as ring:
        sender = _Sender(ring)
        native, handle, total = library(), ctypes.create_string_buffer(64), ctypes.c_uint64()
        native.ring_open.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong)
        assert native.ring_open(handle, ring.fileno(), 1 << 20) == 0

        def in_c() -> None:
            assert native.ring_sum(handle, ctypes.byref(total)) == _EVENTS

        def called_back() -> None:
            count = 0

            def event(number: int) -> None:
                nonlocal count
                count += number

            assert ring.consume(event) == _EVENTS
            assert count == 7 * _EVENTS

        def listed() -> None:
            assert sum(ring.poll(0)) == 7 * _EVENTS

        cases: dict[str, Callable[[], object]] = {"C": in_c, "call back": called_back, "list": listed}
        missing = ""
        try:
            count = [0]
            number = ctypes.POINTER(ctypes.c_uint64)

            def theirs(_context: Any, data: Any, _size: int) -> None:
                count[0] += ctypes.cast(data, number).contents.value

            table = peers.bcc_ring(ring.fileno(), theirs)

            def in_bcc() -> None:
                count[0] = 0
                table.bpf.ring_buffer_consume()
                assert count[0] == 7 * _EVENTS

            cases["bcc"] = in_bcc
        except Missing as error:
            missing = str(error)
        found = interleaved(cases, _EVENTS, runs, sender.send)
        sender.close()
        rows = [
            Row("ring buffer: consume(callback), peer C", found["call back"], found["C"]),
            Row("ring buffer: poll(), a list of numbers, peer C", found["list"], found["C"]),
        ]
        bcc = found.get("bcc")
        goal = 0.33 if syscall.implementation == "c" else None
        for name, time in (("consume(callback)", found["call back"]), ("poll()", found["list"])):
            rows.append(Row(f"ring buffer: {name}, peer bcc", time if bcc else None, bcc, goal, missing))
    return rows


GROUPS = {"maps": maps, "peers": others, "batches": batches, "events": events}
"""The groups by name."""


def worker(group: str, runs: int) -> None:
    """Measure a group in this process and print its rows as JSON."""
    import json

    try:
        rows = GROUPS[group](runs)
    except Missing as missing:
        rows = [Row(group, None, None, missing=str(missing))]
    print(json.dumps([[row.name, row.here, row.peer, row.goal, row.missing] for row in rows]))
