"""``BPF_PROG_TEST_RUN``: a program on data of the caller's, in the kernel, without attaching it."""

from __future__ import annotations

import ctypes
import struct

from ebpf import syscall, uapi
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program import ProgramCore

__all__ = ["TestRun", "test_run"]

# prog_fd, retval, data_size_in, data_size_out, data_in, data_out, repeat, duration, ctx_size_in, ctx_size_out, ctx_in,
# ctx_out, flags, cpu, batch_size
_ATTR = struct.Struct("=4IQQ4IQQ3I")
_SHORT = 40  # what kernels before 5.2 know of it: up to duration
_ROOM = 512  # a program may make a packet longer by a header or two; contexts are smaller than that
_IN_PLACE = frozenset(
    (
        uapi.BPF_PROG_TYPE_SYSCALL,
        uapi.BPF_PROG_TYPE_RAW_TRACEPOINT,
        uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
        uapi.BPF_PROG_TYPE_TRACING,
    )
)


class TestRun:
    """What a run gave.

    Attributes:
        retval: what the program returned.
        data: the packet afterwards; empty when there was none.
        ctx: the context afterwards; empty when there was none.
        duration: nanoseconds a run took, the mean of all repetitions.
    """

    __test__ = False  # pytest takes every Test… for its own
    __slots__ = ("ctx", "data", "duration", "retval")

    def __init__(self, retval: int, data: bytes, ctx: bytes, duration: int) -> None:
        self.retval = retval
        self.data = data
        self.ctx = ctx
        self.duration = duration

    def __repr__(self) -> str:
        return f"<TestRun retval {self.retval}, {len(self.data)} bytes, {self.duration} ns>"


def test_run(
    program: ProgramCore,
    data: bytes | None,
    ctx: bytes | None,
    repeat: int,
    flags: int,
    cpu: int,
    batch_size: int,
    data_size_out: int | None,
) -> TestRun:
    """Run `program`.

    Parameters:
        data: the packet it sees; network programs want 14 bytes or more.
        ctx: its context (``struct __sk_buff``, ``struct xdp_md``, a raw tracepoint's arguments …). Needs Linux 5.2.
        repeat: how often, for a duration that means something.
        flags: ``BPF_F_TEST_RUN_ON_CPU`` …; cpu: which one then.
        batch_size: of ``BPF_F_TEST_XDP_LIVE_FRAMES``.
        data_size_out: how much room the packet may need afterwards; as much as before and 512 bytes by default.

    Raises `UnsupportedFeatureError` where the kernel cannot run programs of this type so (network programs since 4.12,
    others one by one later), `ArgumentError` for data the type does not take.
    """
    if repeat < 1:
        raise ArgumentError(f"repeat is {repeat}: give 1 or more")
    into = ctypes.create_string_buffer(data, len(data)) if data else None
    room = (len(data) + _ROOM if data_size_out is None else data_size_out) if data else 0
    out = ctypes.create_string_buffer(room) if room else None
    context = ctypes.create_string_buffer(ctx, len(ctx)) if ctx else None
    # These write into the context that they are given, and refuse another to write to (net/bpf/test_run.c).
    in_place = program.program_type in _IN_PLACE
    context_out = ctypes.create_string_buffer(max(len(ctx), _ROOM)) if ctx and not in_place else None
    attr = bytearray(
        _ATTR.pack(
            program.fd,
            0,
            len(data or b""),
            _size(out),
            _address(into),
            _address(out),
            repeat if repeat != 1 else 0,
            0,
            len(ctx or b""),
            _size(context_out),
            _address(context),
            _address(context_out),
            flags,
            cpu,
            batch_size,
        )
    )
    if not any(attr[_SHORT:]):
        del attr[_SHORT:]
    result = syscall.attempt(uapi.BPF_PROG_TEST_RUN, attr)
    if result < 0:
        from ebpf.diagnose.programs import test_run as diagnose

        raise diagnose(program.program_type, -result, data, ctx)
    fields = _ATTR.unpack(attr.ljust(_ATTR.size, b"\0"))
    retval, size, duration, ctx_size = fields[1], fields[3], fields[7], fields[9]
    after = b"" if context is None else context.raw if context_out is None else context_out.raw[:ctx_size]
    return TestRun(retval, out.raw[:size] if out is not None else b"", after, duration)


def _size(memory: ctypes.Array[ctypes.c_char] | None) -> int:
    return len(memory) if memory is not None else 0


def _address(memory: ctypes.Array[ctypes.c_char] | None) -> int:
    return ctypes.addressof(memory) if memory is not None else 0
