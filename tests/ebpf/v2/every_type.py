"""Each map type of the database: how v2 makes one, and how user space uses it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import mmap
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ebpf import errors, v2
from ebpf.core.percpu import possible_cpus
from ebpf.host import lsm
from ebpf.host.files import Files

Use = Callable[[Any], None]


def as_dict(m: Any) -> None:
    m[1] = 10
    m[2] = 20
    assert dict(m.items()) == {1: 10, 2: 20}
    assert m.pop(1) == 10
    del m[2]
    assert len(m) == 0


def as_list(m: Any) -> None:
    m[-1] = 7
    assert m[:] == [0, 0, 7]
    assert m.index(7) == 2


def per_cpu_dict(m: Any) -> None:
    values = list(range(possible_cpus()))
    m[1] = values
    assert m[1] == values
    assert m.total(1) == sum(values)
    assert dict(m.items()) == {1: values}
    del m[1]


def per_cpu_list(m: Any) -> None:
    m[1] = 5
    assert m[1] == [5] * possible_cpus()
    assert m.total(0) == 0


def trie(m: Any) -> None:
    m["10.0.0.0/8"] = 1
    m["10.1.0.0/16"] = 2
    assert (m["10.1.2.3"], m["10.2.0.0"]) == (2, 1)
    assert "11.0.0.0" not in m
    assert m.pop("10.1.0.0/16") == 2
    assert [str(network) for network in m] == ["10.0.0.0/8"]


def fifo(m: Any) -> None:
    m.extend([1, 2, 3])
    assert m.peek() == 1
    assert list(m.drain()) == [1, 2, 3]


def lifo(m: Any) -> None:
    m.extend([1, 2, 3])
    assert m.peek() == 3
    assert list(m.drain()) == [3, 2, 1]


def bloom(m: Any) -> None:
    m.update(range(50))
    assert all(number in m for number in range(50))
    assert sum(number in m for number in range(1000, 2000)) < 500


def program_array(m: Any) -> None:
    from ebpf import uapi
    from ebpf.probe import calls

    fd = calls.load_program(uapi.BPF_PROG_TYPE_SOCKET_FILTER)
    assert fd >= 0
    try:
        m[1] = fd
        assert next(iter(m.items()))[0] == 1
        assert m[1] > 0
        del m[1]
        assert dict(m.items()) == {}
    finally:
        os.close(fd)


def perf_events(m: Any) -> None:
    # struct perf_event_attr: a software event (type 1) that dummies (config 9) count; size 64, as in the first release.
    attr = ctypes.create_string_buffer(64)
    ctypes.memmove(attr, (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + (9).to_bytes(8, "little"), 16)
    number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
    fd = ctypes.CDLL(None).syscall(number, attr, -1, 0, -1, 8)
    if fd < 0:
        pytest.skip("perf_event_open(2) is refused")
    try:
        m[0] = fd
        del m[0]
        with pytest.raises(KeyError):
            del m[0]
    finally:
        os.close(fd)


def cgroup2() -> str:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return where
    pytest.skip("no cgroup2 file system is mounted")


def cgroup_array(m: Any) -> None:
    m[0] = cgroup2()
    del m[0]


def inner_maps(m: Any) -> None:
    with v2.HashMap(key="u32", value="u64", max_entries=4) as inner:
        inner[5] = 6
        m[1] = inner
        assert m.ids() == {1: inner.id}
        with m[1] as again:
            assert dict(again.items()) == {5: 6}
    with m.get(1) as kept, v2.open_map(kept.id) as opened:
        assert type(kept) is type(opened) is v2.HashMap
    del m[1]
    assert m.get(1) is None


def device(m: Any) -> None:
    m[1] = "lo"
    assert dict(m.items()) == {1: socket.if_nametoindex("lo")}
    del m[1]


def cpu(m: Any) -> None:
    m[0] = 192
    assert dict(m.items()) == {0: 192}
    del m[0]


@contextlib.contextmanager
def connection() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        yield client


def sockets(m: Any) -> None:
    with connection() as client:
        m[1] = client
        cookie = m[1]
        assert cookie > 0
        assert dict(m.items()) == {1: cookie}
        del m[1]
        assert m.get(1) is None


def xsk(m: Any) -> None:
    with socket.socket() as other, pytest.raises(errors.EbpfError):
        m[0] = other  # of another family
    del m[0]  # of an empty place: the kernel says nothing


def listeners(m: Any) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        m[1] = server
        assert m[1] > 0
        del m[1]


def storage(m: Any, thing: Any) -> None:
    assert thing not in m
    m[thing] = 5
    assert m[thing] == m.get(thing) == 5
    del m[thing]
    with pytest.raises(KeyError):
        m[thing]


def socket_storage(m: Any) -> None:
    with socket.socket() as one:
        storage(m, one)


def task_storage(m: Any) -> None:
    fd = os.pidfd_open(os.getpid())
    try:
        storage(m, fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def bpf_lsm() -> Iterator[None]:
    """Inodes have room for storage where the BPF LSM is active; elsewhere writing answers EBADF: the test skips.

    kernel/bpf/bpf_inode_storage.c, bpf_fd_inode_storage_update_elem().
    """
    try:
        yield
    except errors.SyscallError as error:
        active = lsm.read(Files())
        if error.errno != errno.EBADF or (active is not None and "bpf" in active):
            raise
        pytest.skip(f"the BPF LSM is not active: {', '.join(active or ['no list of security modules'])}")


def inode_storage(m: Any) -> None:
    with bpf_lsm():
        storage(m, Path(__file__))
        with open(__file__, "rb") as file:
            storage(m, file)


def cgroup_storage(m: Any) -> None:
    storage(m, cgroup2())


def attach_storage(m: Any) -> None:
    assert len(m) == 0
    with pytest.raises(KeyError):
        m[1, 2]


def stack_traces(m: Any) -> None:
    assert dict(m.items()) == {}
    assert m.get(1) is None


def struct_ops(m: Any) -> None:
    assert m.state == "init"
    assert not any(m.value)


def arena(m: Any) -> None:
    view = m.memory
    assert len(view) == 4 * mmap.PAGESIZE
    view[0:4] = b"ebpf"
    assert bytes(m.memory[0:4]) == b"ebpf"
    view.release()


def instructions(m: Any) -> None:
    m[1] = 5
    assert m[1] == (5, 0, 0)
    m.freeze()


def ring(m: Any) -> None:
    assert m.max_entries == mmap.PAGESIZE


def _typed(kind: Any, **more: Any) -> Callable[[], Any]:
    return lambda: kind(key="u32", value="u64", max_entries=3, **more)


def _of_maps(kind: Any, **more: Any) -> Callable[[], Any]:
    def make() -> Any:
        with v2.HashMap(key="u32", value="u64", max_entries=4) as template:
            return kind(inner=template, max_entries=3, **more)

    return make


EVERY: dict[str, tuple[Callable[[], Any], Use]] = {
    "HASH": (_typed(v2.HashMap), as_dict),
    "ARRAY": (lambda: v2.ArrayMap(value="u32", max_entries=3), as_list),
    "PROG_ARRAY": (lambda: v2.ProgramArray(max_entries=3), program_array),
    "PERF_EVENT_ARRAY": (lambda: v2.PerfEventArray(max_entries=1), perf_events),
    "PERCPU_HASH": (_typed(v2.PerCpuHashMap), per_cpu_dict),
    "PERCPU_ARRAY": (lambda: v2.PerCpuArrayMap(value="u32", max_entries=3), per_cpu_list),
    "STACK_TRACE": (lambda: v2.StackTraceMap(max_entries=4), stack_traces),
    "CGROUP_ARRAY": (lambda: v2.CgroupArray(max_entries=1), cgroup_array),
    "LRU_HASH": (lambda: v2.LruHashMap(key="u32", value="u64", max_entries=1000), as_dict),
    "LRU_PERCPU_HASH": (lambda: v2.LruPerCpuHashMap(key="u32", value="u64", max_entries=1000), per_cpu_dict),
    "LPM_TRIE": (lambda: v2.LpmTrie(key=ipaddress.IPv4Network, value="u64", max_entries=3), trie),
    "ARRAY_OF_MAPS": (_of_maps(v2.ArrayOfMaps), inner_maps),
    "HASH_OF_MAPS": (_of_maps(v2.HashOfMaps, key="u32"), inner_maps),
    "DEVMAP": (lambda: v2.DevMap(max_entries=3), device),
    "SOCKMAP": (lambda: v2.SockMap(max_entries=3), sockets),
    "CPUMAP": (lambda: v2.CpuMap(max_entries=1), cpu),
    "XSKMAP": (lambda: v2.XskMap(max_entries=3), xsk),
    "SOCKHASH": (lambda: v2.SockHash(key="u32", max_entries=3), sockets),
    "CGROUP_STORAGE": (lambda: v2.CgroupStorage(value="u64"), attach_storage),
    "REUSEPORT_SOCKARRAY": (lambda: v2.ReuseportSockArray(max_entries=3), listeners),
    "PERCPU_CGROUP_STORAGE": (lambda: v2.PerCpuCgroupStorage(value="u64"), attach_storage),
    "QUEUE": (lambda: v2.Queue(value="u32", max_entries=3), fifo),
    "STACK": (lambda: v2.Stack(value="u32", max_entries=3), lifo),
    "SK_STORAGE": (lambda: v2.SkStorage(value="u64"), socket_storage),
    "DEVMAP_HASH": (lambda: v2.DevMapHash(max_entries=3), device),
    "STRUCT_OPS": (lambda: v2.StructOps("tcp_congestion_ops"), struct_ops),
    "RINGBUF": (lambda: v2.RingBuffer(mmap.PAGESIZE), ring),
    "INODE_STORAGE": (lambda: v2.InodeStorage(value="u64"), inode_storage),
    "TASK_STORAGE": (lambda: v2.TaskStorage(value="u64"), task_storage),
    "BLOOM_FILTER": (lambda: v2.BloomFilter(value="u32", max_entries=100, hashes=3), bloom),
    "USER_RINGBUF": (lambda: v2.UserRingBuffer(mmap.PAGESIZE), ring),
    "CGRP_STORAGE": (lambda: v2.CgrpStorage(value="u64"), cgroup_storage),
    "ARENA": (lambda: v2.Arena(pages=4), arena),
    "INSN_ARRAY": (lambda: v2.InsnArray(max_entries=3), instructions),
    "RHASH": (_typed(v2.RHashMap), as_dict),
}
"""Without the ``BPF_MAP_TYPE_``: how one is made, and what is done with it."""
