"""bpf(2): the call itself. Nothing else in the library enters the kernel with it.

``attr`` is the ``union bpf_attr`` as bytes, laid out by the caller; its length is the size passed to the kernel.
Kernels accept attributes longer than they know when the bytes they do not know are zero, and answer E2BIG otherwise
(kernel/bpf/syscall.c, bpf_check_uarg_tail_zero()).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf.twin import extension as twin
from ebpf.twin import implementation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Union

    Attribute = Union[bytes, bytearray, ctypes.Array[Any]]

__all__ = ["NUMBER", "attempt", "bpf", "close", "implementation", "prepare", "raw", "try_calls", "try_calls_logged"]

# arch/*/kernel/syscalls/*.tbl and include/uapi/asm-generic/unistd.h: numbers never change once given.
_NUMBERS_64 = {
    "x86_64": 321,
    "ppc64": 361,
    "ppc64le": 361,
    "s390x": 351,
    "mips64": 5315,
    "sparc64": 349,
    "alpha": 515,
    "parisc64": 341,
}
_NUMBERS_32 = {
    "x86_64": 357,
    "i386": 357,
    "i486": 357,
    "i586": 357,
    "i686": 357,
    "aarch64": 386,
    "armv6l": 386,
    "armv7l": 386,
    "armv8l": 386,
    "ppc": 361,
    "ppc64": 361,
    "s390": 351,
    "s390x": 351,
    "mips": 4355,
    "mips64": 4355,
    "sparc": 349,
    "parisc": 341,
    "sh4": 375,
    "m68k": 354,
}
_GENERIC = 280  # arm64, riscv, loongarch and every later architecture


def _number() -> int:
    machine = os.uname().machine
    table = _NUMBERS_64 if ctypes.sizeof(ctypes.c_void_p) == 8 else _NUMBERS_32
    return table.get(machine, _GENERIC)


NUMBER = _number()
"""The system call's number on this architecture."""

_libc = ctypes.CDLL(None, use_errno=True)
_call = _libc.syscall
_call.restype = ctypes.c_long
_get_errno = ctypes.get_errno
raw = _call
"""The C library's syscall(2) itself, for who prepares its arguments once and has no time for more: -1 and
`ctypes.get_errno` on failure."""


def _attempt(command: int, attr: Attribute) -> int:
    """Call bpf(2) once and report its result without raising.

    Parameters:
        command: the number of the bpf() command.
        attr: the attribute. A `bytearray` or a ctypes array is passed in place, so that what the kernel writes back
            (``log_true_size``, ``next_id`` …) can be read from it; `bytes` are copied first.

    Returns the call's result (a file descriptor for the commands that make one), or the negated errno. The GIL is
    released during the call.
    """
    if isinstance(attr, ctypes.Array):
        buffer: Any = attr
        size = ctypes.sizeof(attr)
    else:
        size = len(attr)
        if isinstance(attr, bytearray):
            buffer = (ctypes.c_char * size).from_buffer(attr)
        else:
            buffer = ctypes.create_string_buffer(attr, size)
    result: int = _call(ctypes.c_long(NUMBER), ctypes.c_long(command), buffer, ctypes.c_ulong(size))
    return result if result >= 0 else -_get_errno()


attempt: Callable[[int, Attribute], int] = _attempt if twin is None else twin.attempt


def prepare(command: int, attr: ctypes.Array[Any]) -> Callable[[], int]:
    """`attempt` with this command and attribute, made ready to be called again and again; the attribute may change."""
    if twin is not None:
        from functools import partial

        return partial(twin.attempt, command, attr)
    call, number, arguments = _call, ctypes.c_long(NUMBER), (ctypes.c_long(command), attr)
    size = ctypes.c_ulong(ctypes.sizeof(attr))

    def again() -> int:
        result: int = call(number, *arguments, size)
        return result if result >= 0 else -_get_errno()

    return again


_IMM = 4  # offset of imm in struct bpf_insn
_EAGAIN = -errno.EAGAIN


def _try(attempt: Callable[[], int], insns: ctypes.Array[Any], number: int) -> int:
    struct.pack_into("=i", insns, _IMM, number)
    for _ in range(5):  # the verifier gives up when a signal is pending (kernel/bpf/verifier.c, do_check())
        result = attempt()
        if result >= 0:
            os.close(result)
            return 0
        if result != _EAGAIN:
            break
    return result


def try_calls(command: int, attr: ctypes.Array[Any], insns: ctypes.Array[Any], numbers: Sequence[int]) -> list[int]:
    """Load a program once for each number, written into its first instruction; what could be loaded is closed again.

    Parameters:
        command: ``BPF_PROG_LOAD``.
        attr: its attribute, which refers to `insns`.
        insns: the instructions.
        numbers: what `imm` of the first one shall be.

    Returns 0 or the negated errno of each load. The GIL is released during the calls.
    """
    if twin is not None:
        results: list[int] = twin.try_calls(command, attr, insns, numbers)
        return results
    attempt = prepare(command, attr)
    return [_try(attempt, insns, number) for number in numbers]


def try_calls_logged(
    command: int, attr: ctypes.Array[Any], insns: ctypes.Array[Any], numbers: Sequence[int], log: ctypes.Array[Any]
) -> list[tuple[int, bytes]]:
    """The same with what the verifier said, for an attribute that refers to `log` as well."""
    if twin is not None:
        said: list[tuple[int, bytes]] = twin.try_calls(command, attr, insns, numbers, log)
        return said
    attempt = prepare(command, attr)
    answers = []
    for number in numbers:
        log[0] = b"\0"
        answers.append((_try(attempt, insns, number), log.value))
    return answers


def bpf(command: int, attr: Attribute) -> int:
    """Call bpf(2); return its result, raise `OSError` with its errno when it fails. Parameters as for `attempt`."""
    result = attempt(command, attr)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def close(fd: int) -> None:
    """Close a file descriptor that bpf(2) returned."""
    os.close(fd)
