"""Each map type that v1's style covers, made and used on the real kernel."""

from __future__ import annotations

import ipaddress
import mmap
import os
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import featuredb
from ebpf import errors, uapi
from ebpf.core.percpu import possible_cpus
from ebpf.stability import stability
from ebpf.v1 import map as v1map
from ebpf.v1.map import DeletableEntries, HashMap, KeylessMap, Map, WritableMap, WriteOption
from tests.ebpf.v2.every_type import bpf_lsm, cgroup2, connection

pytestmark = pytest.mark.root

# A whole with functions in it, and memory: nothing to get or set.
BEYOND_THE_STYLE = {"STRUCT_OPS", "ARENA"}
SYNONYMS = {"UNSPEC", "CGROUP_STORAGE_DEPRECATED", "PERCPU_CGROUP_STORAGE_DEPRECATED"}


def entries(m: Any) -> None:
    m.set(1, 10, WriteOption.CREATE_ENTRY)
    m.set(2, 20)
    with pytest.raises(errors.KeyExistsError):
        m.set(1, 11, WriteOption.CREATE_ENTRY)
    assert (m.get(1), sorted(m), len(m)) == (10, [1, 2], 2)
    m.delete(1)
    with pytest.raises(errors.KeyMissingError):
        m.get(1)


def elements(m: Any) -> None:
    m.set(2, 7)
    assert [m.get(index) for index in m] == [0, 0, 7]
    assert len(m) == 3


def per_cpu(m: Any) -> None:
    m.set(1, list(range(possible_cpus())))
    assert m.get(1) == list(range(possible_cpus()))
    m.set(1, 5)
    assert m.get(1) == [5] * possible_cpus()


def trie(m: Any) -> None:
    m.set("10.0.0.0/8", 8)
    m.set("10.1.0.0/16", 16)
    assert (m.get("10.1.2.3"), m.get("10.2.0.0")) == (16, 8)
    m.delete("10.1.0.0/16")
    assert [str(network) for network in m] == ["10.0.0.0/8"]


def pile(first: int, last: int) -> Callable[[Any], None]:
    def use(m: Any) -> None:
        m.push(1)
        m.push(2)
        assert m.peek() == first
        assert (m.pop(), m.pop()) == (first, last)
        with pytest.raises(errors.KeyMissingError):
            m.pop()
        for number in range(3):
            m.push(number)
        with pytest.raises(errors.MapFullError):
            m.push(3)
        m.push(3, WriteOption.UPDATE_ENTRY)

    return use


def bloom(m: Any) -> None:
    m.push(5)
    assert 5 in m


def of_maps(m: Any) -> None:
    with HashMap(4) as inner:
        m.set(1, inner)
        assert m.get(1) > 0
    m.delete(1)


def programs(m: Any) -> None:
    from ebpf.probe import calls

    fd = calls.load_program(uapi.BPF_PROG_TYPE_SOCKET_FILTER)
    m.set(0, fd)
    os.close(fd)
    assert m.get(0) > 0
    m.delete(0)
    assert len(m) == 3


def cgroups(m: Any) -> None:
    fd = os.open(cgroup2(), os.O_RDONLY)
    m.set(0, fd)
    os.close(fd)
    m.delete(0)


def slots(m: Any) -> None:
    with pytest.raises(errors.EbpfError):
        m.set(0, 0)


def devices(m: Any) -> None:
    m.set(1, "lo")
    assert m.get(1) == socket.if_nametoindex("lo")
    m.delete(1)


def cpus(m: Any) -> None:
    m.set(0, 64)
    assert m.get(0) == 64
    m.delete(0)


def sockets(m: Any) -> None:
    with connection() as client:
        m.set(1, client)
        assert m.get(1) > 0
        m.delete(1)


def listeners(m: Any) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        m.set(1, server)
        assert m.get(1) > 0
        m.delete(1)


def stored(m: Any, thing: Any) -> None:
    m.set(thing, 5)
    assert m.get(thing) == 5
    m.delete(thing)
    with pytest.raises(errors.KeyMissingError):
        m.get(thing)


def socket_storage(m: Any) -> None:
    with socket.socket() as one:
        stored(m, one)


def inode_storage(m: Any) -> None:
    with bpf_lsm(), open(__file__, "rb") as file:
        stored(m, file)


def by_descriptor(fd: Callable[[], int]) -> Callable[[Any], None]:
    def use(m: Any) -> None:
        opened = fd()
        try:
            stored(m, opened)
        finally:
            os.close(opened)

    return use


def nothing_there(m: Any) -> None:
    assert len(m) == 0
    with pytest.raises(errors.KeyMissingError):
        m.get((1, 2))


def no_stacks(m: Any) -> None:
    assert list(m) == []
    assert not isinstance(m, WritableMap)


def instructions(m: Any) -> None:
    m.set(1, 7)
    assert m.get(1) == (7, 0, 0)


def only_made(m: Any) -> None:
    assert f"max_entries {mmap.PAGESIZE}" in repr(m)


EVERY: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "HASH": (lambda: v1map.HashMap(3), entries),
    "ARRAY": (lambda: v1map.ArrayMap(3), elements),
    "PROG_ARRAY": (lambda: v1map.ProgramArray(3), programs),
    "PERF_EVENT_ARRAY": (lambda: v1map.PerfEventArray(3), slots),
    "PERCPU_HASH": (lambda: v1map.PerCpuHashMap(3), per_cpu),
    "PERCPU_ARRAY": (lambda: v1map.PerCpuArrayMap(3, "u64"), per_cpu),
    "STACK_TRACE": (lambda: v1map.StackTraceMap(3), no_stacks),
    "CGROUP_ARRAY": (lambda: v1map.CgroupArray(3), cgroups),
    "LRU_HASH": (lambda: v1map.LruHashMap(1000), entries),
    "LRU_PERCPU_HASH": (lambda: v1map.LruPerCpuHashMap(1000, "u64", "u64"), per_cpu),
    "LPM_TRIE": (lambda: v1map.LpmTrie(3, ipaddress.IPv4Network), trie),
    "ARRAY_OF_MAPS": (lambda: v1map.ArrayOfMaps(3, HashMap(4)), of_maps),
    "HASH_OF_MAPS": (lambda: v1map.HashOfMaps(3, HashMap(4)), of_maps),
    "DEVMAP": (lambda: v1map.DevMap(3), devices),
    "SOCKMAP": (lambda: v1map.SockMap(3), sockets),
    "CPUMAP": (lambda: v1map.CpuMap(1), cpus),
    "XSKMAP": (lambda: v1map.XskMap(3), slots),
    "SOCKHASH": (lambda: v1map.SockHash(3), sockets),
    "CGROUP_STORAGE": (lambda: v1map.CgroupStorage(), nothing_there),
    "REUSEPORT_SOCKARRAY": (lambda: v1map.ReuseportSockArray(3), listeners),
    "PERCPU_CGROUP_STORAGE": (lambda: v1map.PerCpuCgroupStorage("u64"), nothing_there),
    "QUEUE": (lambda: v1map.Queue(3), pile(1, 2)),
    "STACK": (lambda: v1map.Stack(3), pile(2, 1)),
    "SK_STORAGE": (lambda: v1map.SkStorage(), socket_storage),
    "DEVMAP_HASH": (lambda: v1map.DevMapHash(3), devices),
    "RINGBUF": (lambda: v1map.RingBuffer(mmap.PAGESIZE), only_made),
    "INODE_STORAGE": (lambda: v1map.InodeStorage(), inode_storage),
    "TASK_STORAGE": (lambda: v1map.TaskStorage("u64"), by_descriptor(lambda: os.pidfd_open(os.getpid()))),
    "BLOOM_FILTER": (lambda: v1map.BloomFilter(100, hashes=3), bloom),
    "USER_RINGBUF": (lambda: v1map.UserRingBuffer(mmap.PAGESIZE), only_made),
    "CGRP_STORAGE": (lambda: v1map.CgrpStorage(), by_descriptor(lambda: os.open(cgroup2(), os.O_RDONLY))),
    "INSN_ARRAY": (lambda: v1map.InsnArray(3), instructions),
    "RHASH": (lambda: v1map.RHashMap(3), entries),
}


def test_every_type_that_the_style_covers_is_there() -> None:
    known = {record.name.replace("BPF_MAP_TYPE_", "") for record in featuredb.features("map_type")}
    assert set(EVERY) == known - SYNONYMS - BEYOND_THE_STYLE


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.requires("BPF_MAP_TYPE_" + name)) for name in EVERY]
)
def test_it_is_made_and_used(name: str) -> None:
    make, use = EVERY[name]
    before = len(os.listdir("/proc/self/fd"))
    with make() as made:
        assert isinstance(made, (Map, KeylessMap))
        assert stability(type(made)) == "stable"
        assert f"<{type(made).__name__}" in repr(made)
        with pytest.raises(errors.UnpicklableError, match=type(made).__name__):
            pickle.dumps(made)
        fdinfo = Path(f"/proc/self/fdinfo/{made.fileno()}").read_text()
        assert f"map_type:\t{getattr(uapi, 'BPF_MAP_TYPE_' + name)}\n" in fdinfo
        use(made)
    assert made.closed
    del made
    assert len(os.listdir("/proc/self/fd")) == before


def test_all_names_come_when_asked_for() -> None:
    for name in v1map.__all__:
        assert getattr(v1map, name).__name__ == name
    assert dir(v1map) == sorted(v1map.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        v1map.Nonsense  # noqa: B018
    assert issubclass(v1map.LruHashMap, (WritableMap, DeletableEntries))
    assert not issubclass(v1map.StackTraceMap, WritableMap)
