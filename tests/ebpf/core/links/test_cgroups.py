"""Programs on cgroups and network namespaces, each seen running."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ebpf import errors
from ebpf.asm import R0, exit_, mov
from ebpf.core.links import attach, cgroup, flow_dissector, sk_lookup
from ebpf.core.links.base import LinkCore
from ebpf.v2 import Program
from tests.bpffs import bpffs

from .counting import counting
from .places import own_cgroup, own_netns, send_to_self

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]


@pytest.fixture
def group() -> Iterator[Path]:
    with own_cgroup() as path:
        yield path


def make_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def bind(family: int, address: str) -> Callable[[], None]:
    def act() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))

    return act


def connect(family: int, address: str) -> Callable[[], None]:
    def act() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
            sock.getpeername()
            sock.getsockname()

    return act


def exchange(family: int, address: str) -> Callable[[], None]:
    def act() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
            one.bind((address, 0))
            one.settimeout(5)
            other.sendto(b"x", one.getsockname()[:2])
            one.recvfrom(8)

    return act


def options() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def read_sysctl() -> None:
    Path("/proc/sys/kernel/ostype").read_text()


def open_device() -> None:
    Path("/dev/null").open().close()


def tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def datagram() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def unix() -> None:
    name = f"\0ebpf-test-{os.getpid()}"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as two,
    ):
        one.bind(name)
        two.bind(name + "2")
        two.connect(name)
        two.getpeername()
        two.getsockname()
        two.send(b"x")
        one.recvfrom(8)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as two,
    ):
        one.bind(name)
        two.sendto(b"x", name)


V4, V6 = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
ACTIONS: dict[str, Callable[[], None]] = {
    "BPF_CGROUP_INET_INGRESS": exchange(*V4),
    "BPF_CGROUP_INET_EGRESS": send_to_self,
    "BPF_CGROUP_INET_SOCK_CREATE": make_socket,
    "BPF_CGROUP_INET_SOCK_RELEASE": make_socket,
    "BPF_CGROUP_INET4_POST_BIND": bind(*V4),
    "BPF_CGROUP_INET6_POST_BIND": bind(*V6),
    "BPF_CGROUP_INET4_BIND": bind(*V4),
    "BPF_CGROUP_INET6_BIND": bind(*V6),
    "BPF_CGROUP_INET4_CONNECT": connect(*V4),
    "BPF_CGROUP_INET6_CONNECT": connect(*V6),
    "BPF_CGROUP_INET4_GETPEERNAME": connect(*V4),
    "BPF_CGROUP_INET6_GETPEERNAME": connect(*V6),
    "BPF_CGROUP_INET4_GETSOCKNAME": connect(*V4),
    "BPF_CGROUP_INET6_GETSOCKNAME": connect(*V6),
    "BPF_CGROUP_UDP4_SENDMSG": exchange(*V4),
    "BPF_CGROUP_UDP6_SENDMSG": exchange(*V6),
    "BPF_CGROUP_UDP4_RECVMSG": exchange(*V4),
    "BPF_CGROUP_UDP6_RECVMSG": exchange(*V6),
    "BPF_CGROUP_UNIX_CONNECT": unix,
    "BPF_CGROUP_UNIX_SENDMSG": unix,
    "BPF_CGROUP_UNIX_RECVMSG": unix,
    "BPF_CGROUP_UNIX_GETPEERNAME": unix,
    "BPF_CGROUP_UNIX_GETSOCKNAME": unix,
    "BPF_CGROUP_DEVICE": open_device,
    "BPF_CGROUP_SOCK_OPS": tcp,
    "BPF_CGROUP_SYSCTL": read_sysctl,
    "BPF_CGROUP_GETSOCKOPT": options,
    "BPF_CGROUP_SETSOCKOPT": options,
}


def program_type(attach_type: str) -> str:
    import featuredb

    return str(featuredb.get(attach_type).extra["program_types"][0])


@pytest.mark.parametrize("attach_type", [pytest.param(name, marks=pytest.mark.requires(name)) for name in ACTIONS])
def test_every_attach_type(group: Path, attach_type: str) -> None:
    with counting(program_type(attach_type), returns=1, attach_type=attach_type) as (program, counter):
        with cgroup(program, str(group)) as link, own_netns():
            ACTIONS[attach_type]()
            assert counter.value >= 1
            assert link.kind == "cgroup"
            assert link.target == f"{attach_type} of {group}"
            last = counter.value
        ACTIONS[attach_type]()
        if attach_type not in ("BPF_CGROUP_INET_INGRESS", "BPF_CGROUP_INET_EGRESS", "BPF_CGROUP_INET_SOCK_RELEASE"):
            assert counter.value == last  # packets that are on their way, and sockets, may come to it later


@pytest.mark.requires("BPF_PROG_TYPE_CGROUP_SOCK")
def test_no_socket_may_be_made(group: Path) -> None:
    with counting("cgroup_sock") as (program, _), cgroup(program, str(group)), pytest.raises(PermissionError):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    make_socket()


@pytest.mark.requires("BPF_LINK_TYPE_CGROUP")
def test_another_program_takes_its_place(group: Path) -> None:
    with counting("cgroup_sock", returns=1) as (first, one), counting("cgroup_sock", returns=1) as (second, other):
        with cgroup(first, str(group)) as link:
            make_socket()
            link.update(second, first)
            make_socket()
            assert link.program is second
            assert link.info().program_id == second.id
            with pytest.raises(errors.AttachError, match="another program is attached than the one given as old"):
                link.update(second, first)
        assert (one.value, other.value) == (1, 1)


@pytest.mark.requires("BPF_LINK_TYPE_CGROUP", "BPF_LINK_DETACH")
def test_a_pinned_link_outlives_its_descriptor_until_it_is_detached(group: Path) -> None:
    with counting("cgroup_sock", returns=1) as (program, counter), bpffs() as directory:
        link = cgroup(program, str(group))
        assert link.info().details["attach_type"] == 2
        link.pin(directory / "link")
        link.close()
        make_socket()
        assert counter.value == 1
        with LinkCore.open(directory / "link") as again:
            assert again.kind == "cgroup"
            assert "BPF_CGROUP_INET_SOCK_CREATE" in again.target
            again.detach()
            assert again.closed
        make_socket()
        assert counter.value == 1


def test_what_is_no_cgroup(tmp_path: Path) -> None:
    with counting("cgroup_sock", returns=1) as (program, _):
        with pytest.raises(errors.ArgumentError, match="cannot be opened: No such file"):
            cgroup(program, str(tmp_path / "none"))
        with pytest.raises(errors.AttachError, match="it is no cgroup2 directory"):
            cgroup(program, str(tmp_path))


def test_by_the_name_of_a_section(group: Path) -> None:
    with counting("cgroup_sock", returns=1) as (program, counter):
        with pytest.raises(errors.ArgumentError, match="takes path="):
            program.attach("cgroup/sock_create")
        with program.attach("cgroup/sock_create", path=str(group)):
            make_socket()
        assert counter.value == 1


@pytest.mark.requires("BPF_SK_LOOKUP")
def test_sk_lookup() -> None:
    with counting("sk_lookup", returns=1, attach_type="BPF_SK_LOOKUP") as (program, counter), own_netns():
        with sk_lookup(program) as link:
            send_to_self()
            last = counter.value  # once for the packet, once for the answer that nobody listens there
            assert last >= 1
            assert link.info().kind == "netns"
        send_to_self()
        assert counter.value == last


@pytest.mark.requires("BPF_FLOW_DISSECTOR")
def test_flow_dissector() -> None:
    from .places import run

    # BPF_OK: taken apart. A packet that is sent on a device with a classifier by flow is taken apart.
    with counting("flow_dissector", attach_type="BPF_FLOW_DISSECTOR") as (program, counter), own_netns():
        run("link", "add", "one", "type", "veth", "peer", "name", "two")
        with flow_dissector(program) as link:
            assert link.kind == "netns"
            for device in ("one", "two"):
                run("link", "set", device, "up")
            _hash_packets()
            assert counter.value >= 1
        with contextlib.suppress(errors.AttachError):
            attach(program, "flow_dissector").close()


def _hash_packets() -> None:
    """A raw packet socket in a fanout group by hash takes every packet apart (PACKET_FANOUT_HASH)."""
    packet_fanout, hash_mode = 18, 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sock:
        sock.bind(("lo", 3))
        sock.setsockopt(263, packet_fanout, 7 | hash_mode << 16)
        send_to_self(3)


@pytest.mark.requires("BPF_LINK_TYPE_CGROUP")
def test_nothing_is_left_open(group: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Program("cgroup_sock", [mov(R0, 1), exit_()]) as program:
        cgroup(program, str(group)).close()
        link = cgroup(program, str(group))
        del link
    assert len(os.listdir("/proc/self/fd")) == before
