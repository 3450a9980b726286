"""Socket filters in the first version's style.

::

    from ebpf.asm import R0, exit_, mov
    from ebpf.v1.socket_filter import SocketFilter

    with SocketFilter([mov(R0, 0), exit_()]) as drop_all:
        drop_all.attach(sock)
        ...
        drop_all.detach()

Needs Linux 3.19.
"""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.program import ProgramCore
from ebpf.errors import ArgumentError
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self

    from ebpf.asm import Instruction
    from ebpf.core.links.base import LinkCore

__all__ = ["SocketFilter"]


@beta
class SocketFilter:
    """A program that says of each packet how many of its bytes a socket receives, ``BPF_PROG_TYPE_SOCKET_FILTER``.

    Parameters:
        instructions: of `ebpf.asm`, or ``struct bpf_insn`` after ``struct bpf_insn`` as bytes.
        license: helpers marked GPL-only need "GPL" or "Dual BSD/GPL".

    Raises `ebpf.errors.ProgramLoadError` with the verifier's log when the kernel refuses it.
    """

    def __init__(self, instructions: bytes | Iterable[Instruction | str], license: str = "GPL") -> None:
        if not isinstance(instructions, bytes):
            from ebpf.asm import assemble

            instructions = assemble(instructions)
        self._core = ProgramCore(uapi.BPF_PROG_TYPE_SOCKET_FILTER, instructions, license=license)
        self._link: LinkCore | None = None

    def attach(self, sock: socket.socket) -> None:
        """Let it decide for this socket: one setsockopt(2) with ``SO_ATTACH_BPF``.

        Raises `ebpf.errors.ArgumentError` while it is attached to a socket, `ebpf.errors.AttachError` when the socket's
        filter is locked.
        """
        from ebpf.core.links.sockets import socket_filter

        if self._link is not None:
            raise ArgumentError(f"it is attached already, to {self._link.target}: detach it first")
        self._link = socket_filter(self._core, sock)

    def detach(self) -> None:
        """Take it off its socket: one setsockopt(2) with ``SO_DETACH_FILTER``. Without a socket, nothing happens."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def test_run(self, packet: bytes) -> int:
        """What it says of a packet, beginning with its Ethernet header: one ``BPF_PROG_TEST_RUN``. Needs Linux 4.12."""
        return self._core.test_run(packet).retval

    def close(self) -> None:
        """Detach and close it. Closing twice is fine."""
        self.detach()
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._core.closed

    def fileno(self) -> int:
        """Its file descriptor. Raises `ebpf.errors.ClosedError` when it is closed."""
        return self._core.fd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
