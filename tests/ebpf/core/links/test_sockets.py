"""Programs on sockets and on maps of sockets, each seen running."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ebpf import errors, uapi
from ebpf.core.links import attach, reuseport, socket_filter, sockmap
from ebpf.core.links.base import Attempt
from ebpf.core.links.sockets import sockmap_without_link
from ebpf.core.map import MapCore

from .counting import counting

pytestmark = [pytest.mark.root, pytest.mark.requires("BPF_PSEUDO_MAP_VALUE")]
SK_PASS = 1


@contextmanager
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.3)
        yield sock


def send(to: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"ebpf", to.getsockname())


def test_socket_filter_lets_pass_and_drops() -> None:
    keeping = counting("socket_filter", returns=0xFFFF)
    with keeping as (keeps, counter), counting("socket_filter") as (drops, other), receiver() as sock:
        with socket_filter(keeps, sock) as link:
            send(sock)
            assert sock.recv(8) == b"ebpf"
            assert counter.value == 1
            assert not link.closed
        send(sock)
        assert sock.recv(8) == b"ebpf"
        assert counter.value == 1
        with socket_filter(drops, sock):
            send(sock)
            with pytest.raises(socket.timeout):
                sock.recv(8)
        assert other.value == 1


def test_socket_filter_by_the_name_of_a_section() -> None:
    with counting("socket_filter", returns=0xFFFF) as (program, counter), receiver() as sock:
        with attach(program, "socket", socket=sock):
            send(sock)
        assert counter.value == 1
        with pytest.raises(errors.ArgumentError, match="takes socket="):
            attach(program, "socket")


def test_a_program_that_is_no_socket_filter() -> None:
    refused = pytest.raises(errors.AttachError, match="XDP 'counts'")
    with counting("xdp") as (program, _), receiver() as sock, refused:
        socket_filter(program, sock)


def test_reuseport() -> None:
    with counting("socket_filter", returns=0) as (program, counter):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(1)
            with reuseport(program, sock):
                send(sock)
                assert sock.recv(8) == b"ebpf"
        assert counter.value >= 1


@pytest.fixture
def sockets() -> Iterator[MapCore]:
    with MapCore(uapi.BPF_MAP_TYPE_SOCKMAP, 4, 4, 1) as made:
        yield made


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield client, accepted


def put(sockets: MapCore, sock: socket.socket) -> None:
    sockets.update(bytes(4), struct.pack("=I", sock.fileno()))


@pytest.mark.requires("BPF_SK_MSG_VERDICT")
def test_sk_msg_verdict(sockets: MapCore) -> None:
    with counting("sk_msg", returns=SK_PASS, attach_type="BPF_SK_MSG_VERDICT") as (program, counter):
        with sockmap(program, sockets) as link, connection() as (client, accepted):
            assert link.kind == "sockmap"
            put(sockets, client)
            client.send(b"x")
            assert accepted.recv(8) == b"x"
        assert counter.value >= 1


@pytest.mark.requires("BPF_SK_SKB_VERDICT")
def test_sk_skb_verdict(sockets: MapCore) -> None:
    with counting("sk_skb", returns=SK_PASS, attach_type="BPF_SK_SKB_VERDICT") as (program, counter):
        with sockmap(program, sockets), connection() as (client, accepted):
            put(sockets, accepted)
            client.send(b"x")
            assert accepted.recv(8) == b"x"
        assert counter.value >= 1


# Attaching a stream parser hangs 5.10's kernels as Debian builds them; BPF_SK_SKB_VERDICT came later.
@pytest.mark.requires("BPF_SK_SKB_VERDICT", "BPF_SK_SKB_STREAM_VERDICT")
def test_sk_skb_stream(sockets: MapCore) -> None:
    parsing = counting("sk_skb", returns=1, attach_type="BPF_SK_SKB_STREAM_PARSER")
    judging = counting("sk_skb", returns=SK_PASS, attach_type="BPF_SK_SKB_STREAM_VERDICT")
    with connection() as (client, accepted), parsing as (parser, parsed), judging as (verdict, judged):
        with sockmap(parser, sockets), sockmap(verdict, sockets):
            put(sockets, accepted)
            client.send(b"x")
            assert accepted.recv(8) == b"x"
        assert parsed.value >= 1
        assert judged.value >= 1


@pytest.mark.requires("BPF_SK_MSG_VERDICT")
def test_sockmap_without_a_link(sockets: MapCore) -> None:
    with counting("sk_msg", returns=SK_PASS, attach_type="BPF_SK_MSG_VERDICT") as (program, counter):
        before = len(os.listdir("/proc/self/fd"))
        link = sockmap_without_link(Attempt("sockmap", "a map", program), sockets, uapi.BPF_SK_MSG_VERDICT)
        assert [row.name for row in link.adaptations] == ["sockmap_attach"]
        with connection() as (client, accepted):
            put(sockets, client)
            client.send(b"x")
            assert accepted.recv(8) == b"x"
        assert counter.value >= 1
        link.close()
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_program_that_is_none_for_sockmaps(sockets: MapCore) -> None:
    refused = pytest.raises(errors.ArgumentError, match="no program for sockets in a map")
    with counting("xdp") as (program, _), refused:
        sockmap(program, sockets)
