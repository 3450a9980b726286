"""Keys and values that name descriptors, devices and CPUs which the kernel refuses."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator

from ebpf import uapi
from ebpf.diagnose.failure import MapFailure
from ebpf.probe import calls
from tests.ebpf.diagnose.provoke import FIRST, U32, Provocation, a_map, element, need, put

BAD_FD = calls.BAD_FD


def value_of(kind: str, fd: int, *, value: bytes = b"", flags: int = 0, key: bytes = FIRST) -> Provocation:
    """An update whose value names a descriptor."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with a_map(kind) as map_fd:
            yield element("UPDATE_ELEM", map_fd, key, value or U32(fd) + bytes(4), flags)

    return provoked


def with_file(kind: str) -> Provocation:
    """An update whose value is an open file."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with a_map(kind) as map_fd, open(os.devnull) as file:
            yield element("UPDATE_ELEM", map_fd, FIRST, U32(file.fileno()) + bytes(4))

    return provoked


def with_socket(kind: str, make: object) -> Provocation:
    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with a_map(kind) as map_fd, make() as sock:  # type: ignore[operator]  # makes a socket
            yield element("UPDATE_ELEM", map_fd, FIRST, U32(sock.fileno()) + bytes(4))

    return provoked


def keyed(kind: str, fd: int) -> Provocation:
    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with a_map(kind) as map_fd:
            yield element("LOOKUP_ELEM", map_fd, struct.pack("=i", fd))

    return provoked


def with_program(kind: str, first: int) -> Provocation:
    """Values that name a program besides, here one that is not open."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        need("BPF_MAP_TYPE_" + kind)
        fd = calls.create_map(getattr(uapi, "BPF_MAP_TYPE_" + kind), 4, 8, 1)
        try:
            yield element("UPDATE_ELEM", fd, FIRST, struct.pack("=Ii", first, BAD_FD))
        finally:
            os.close(fd)

    return provoked


@contextlib.contextmanager
def no_cpu() -> Iterator[MapFailure]:
    from ebpf.core.percpu import possible_cpus

    beyond = possible_cpus()
    with a_map("CPUMAP", entries=beyond + 1) as fd:
        yield element("UPDATE_ELEM", fd, U32(beyond), U32(192))


@contextlib.contextmanager
def program_differs() -> Iterator[MapFailure]:
    """The first program decides what the array takes."""
    filters = calls.load_program(uapi.BPF_PROG_TYPE_SOCKET_FILTER)
    xdp = calls.load_program(uapi.BPF_PROG_TYPE_XDP)
    try:
        with a_map("PROG_ARRAY", entries=2) as fd:
            put(fd, FIRST, U32(filters))
            yield element("UPDATE_ELEM", fd, U32(1), U32(xdp))
    finally:
        os.close(filters)
        os.close(xdp)


@contextlib.contextmanager
def inner_differs() -> Iterator[MapFailure]:
    with a_map("ARRAY_OF_MAPS") as outer, a_map("HASH") as inner:
        yield element("UPDATE_ELEM", outer, FIRST, U32(inner))


def udp(*, reuse: bool = True, bound: bool = True) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if bound:
        sock.bind(("127.0.0.1", 0))
    return sock


@contextlib.contextmanager
def in_use() -> Iterator[MapFailure]:
    with udp() as sock, a_map("REUSEPORT_SOCKARRAY") as first, a_map("REUSEPORT_SOCKARRAY") as second:
        value = U32(sock.fileno()) + bytes(4)
        put(first, FIRST, value)
        yield element("UPDATE_ELEM", second, FIRST, value)


@contextlib.contextmanager
def task_gone() -> Iterator[MapFailure]:
    need("BPF_MAP_TYPE_TASK_STORAGE")
    child = os.fork()
    if child == 0:
        os._exit(0)
    pidfd = os.pidfd_open(child)
    os.waitpid(child, 0)
    try:
        with a_map("TASK_STORAGE") as fd:
            yield element("LOOKUP_ELEM", fd, U32(pidfd))
    finally:
        os.close(pidfd)


@contextlib.contextmanager
def perf_event_kind() -> Iterator[MapFailure]:
    """A task's counter with inherit: what perf_event_read_local() refuses."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    attr = bytearray(112)
    # struct perf_event_attr: type 1 (software), size, config 1 (task clock), …, flags bit 1: inherit
    struct.pack_into("=IIQ", attr, 0, 1, 112, 1)
    struct.pack_into("=Q", attr, 40, 1 << 1)
    number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
    memory = (ctypes.c_char * 112).from_buffer(attr)
    event = libc.syscall(ctypes.c_long(number), memory, ctypes.c_long(0), ctypes.c_long(-1), ctypes.c_long(-1), 0)
    assert event >= 0
    try:
        with a_map("PERF_EVENT_ARRAY") as fd:
            yield element("UPDATE_ELEM", fd, FIRST, U32(event))
    finally:
        os.close(event)


PROVOKED: dict[str, Provocation] = {
    "value_closed": value_of("PROG_ARRAY", BAD_FD),
    "cpu_program": with_program("CPUMAP", 192),
    "not_a_program": with_file("PROG_ARRAY"),
    "program_differs": program_differs,
    "inner_not_map": with_file("ARRAY_OF_MAPS"),
    "inner_differs": inner_differs,
    "not_a_perf_event": with_file("PERF_EVENT_ARRAY"),
    "perf_event_kind": perf_event_kind,
    "not_a_cgroup": with_file("CGROUP_ARRAY"),
    "not_a_socket": with_file("SOCKMAP"),
    "not_xdp_socket": with_socket("XSKMAP", udp),
    "socket_state": with_socket("SOCKMAP", lambda: udp(bound=False)),
    "reuseport_kind": with_socket("REUSEPORT_SOCKARRAY", lambda: socket.socket(socket.AF_UNIX)),
    "reuseport_unbound": with_socket("REUSEPORT_SOCKARRAY", lambda: udp(bound=False)),
    "socket_in_use": in_use,
    "no_device": value_of("DEVMAP", 1 << 30),
    "device_program": with_program("DEVMAP", 1),
    "no_cpu": no_cpu,
    "queue_size": value_of("CPUMAP", 1 << 20),
    "key_closed": keyed("SK_STORAGE", BAD_FD),
    "task_gone": task_gone,
    "struct_ops_key": value_of("STRUCT_OPS", 0, key=U32(1)),
    "struct_ops_value": value_of("STRUCT_OPS", 0, flags=uapi.BPF_NOEXIST),
}

NOT_HERE = {
    "cpu_program_kind": "older kernels answer ENOMEM, see cpu_program_older",
    "cpu_program_older": "what older kernels answer instead of cpu_program",
    "task_gone_early": "kernels answer ENOENT once the task is reaped; before 5.11 there is no task storage",
    "program_extended": "takes a program of type ext, which this machine may refuse",
    "struct_ops_registered": "takes a registered struct_ops",
    "struct_ops_leaving": "takes two threads that unregister at once",
    "struct_ops_link": "takes a registered struct_ops",
}
