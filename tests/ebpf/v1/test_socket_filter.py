"""v1's socket filters on the real kernel."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ebpf import errors
from ebpf.asm import R0, assemble, exit_, mov
from ebpf.v1.socket_filter import SocketFilter

pytestmark = pytest.mark.root

DROP = [mov(R0, 0), exit_()]
KEEP = [mov(R0, 0xFFFF), exit_()]


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.3)
        yield sock


def send(to: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"ebpf", to.getsockname())


def test_dropping_and_keeping(receiver: socket.socket) -> None:
    with SocketFilter(DROP) as drops, SocketFilter(assemble(KEEP)) as keeps:
        drops.attach(receiver)
        send(receiver)
        with pytest.raises(socket.timeout):
            receiver.recv(8)
        with pytest.raises(errors.ArgumentError, match="attached already"):
            drops.attach(receiver)
        drops.detach()
        drops.detach()
        keeps.attach(receiver)
        send(receiver)
        assert receiver.recv(8) == b"ebpf"
        assert keeps.test_run(bytes(64)) == 0xFFFF
        assert keeps.fileno() > 0
    assert keeps.closed
    with pytest.raises(errors.ClosedError):
        keeps.fileno()
    send(receiver)
    assert receiver.recv(8) == b"ebpf"


def test_a_program_that_is_refused() -> None:
    with pytest.raises(errors.ProgramLoadError, match="without a return value in r0"):
        SocketFilter([exit_()])
