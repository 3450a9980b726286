"""Memory shared with the kernel: mapping it, and reading numbers that the other side writes at the same time."""

from __future__ import annotations

import contextlib
import mmap
import os
import threading

from ebpf.errors import ArgumentError, OutOfMemoryError, PermissionDeniedError, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.errors import EbpfError

__all__ = ["PAGE", "POSITION_MASK", "barrier", "corrupt", "positions", "release", "shared", "unmap"]

PAGE = mmap.PAGESIZE

# Positions are `unsigned long` of the kernel (kernel/bpf/ringbuf.c, struct bpf_ringbuf): 8 bytes, unless kernel and
# process have 32 bits both. A memoryview of either reads and writes a number in one piece: CPython copies an item by a
# memcpy() of constant size, which compilers turn into a single load or store.
_WIDE = os.uname().machine.endswith("64") or os.uname().machine in ("s390x", "ppc64le", "x86_64")
POSITION_MASK = 2**64 - 1 if _WIDE else 2**32 - 1
"""What positions wrap around at."""

# Loads and stores are never reordered among themselves here, only a store with a later load.
_ORDERED = os.uname().machine in ("x86_64", "i686", "i586", "i386", "s390x", "sparc64")
_lock = threading.Lock()


def _fence() -> None:
    """Taking a lock is an acquire, leaving it a release; of two in a row the release orders what is before the first
    against what is behind the second."""
    with _lock:
        pass
    with _lock:
        pass


def _nothing() -> None:
    """The machine keeps the order by itself; the interpreter runs bytecode in order anyway."""


barrier = _nothing if _ORDERED else _fence
"""Between reading a position and what it points to, and between writing that and publishing the position."""


def shared(fd: int, length: int, offset: int, *, writable: bool, what: str) -> mmap.mmap:
    """mmap(2) with MAP_SHARED.

    Parameters:
        fd: of a map or a perf event.
        length, offset: bytes, whole pages.
        writable: whether it may be written to; the kernel allows that for one side of the buffer only.
        what: for messages.
    """
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    try:
        return mmap.mmap(fd, length, mmap.MAP_SHARED, access, offset=offset)
    except OSError as error:
        raise _refused(error, length, what) from None


def unmap(memory: mmap.mmap) -> None:
    """Unmap memory; while somebody keeps a view of it, it stays until that is gone."""
    with contextlib.suppress(BufferError):
        memory.close()


def positions(memory: mmap.mmap, count: int) -> memoryview[int]:
    """The first `count` positions in mapped memory, to be read and written by index."""
    view = memoryview(memory)[: count * (8 if _WIDE else 4)]
    return view.cast("Q") if _WIDE else view.cast("I")


def _refused(error: OSError, length: int, what: str) -> EbpfError:
    import errno

    number = error.errno or 0
    message = f"mmap(2) of {length} bytes of {what} failed ({errno.errorcode.get(number, number)})"
    if number == errno.EPERM:
        return PermissionDeniedError(
            f"{message}: locked memory is limited. Make the buffer smaller, or raise ulimit -l or the sysctl"
            " kernel.perf_event_mlock_kb.",
            errno=number,
        )
    if number == errno.ENOMEM:
        return OutOfMemoryError(
            number, f"{message}: no memory, or no room in the address space of this process", "mmap"
        )
    return SyscallError(number, f"{message}: {os.strerror(number)}", "mmap")


def corrupt(what: str, position: int, text: str) -> EbpfError:
    """The error for a buffer that contradicts itself: nothing beyond it is read."""
    from ebpf.errors import CorruptBufferError

    return CorruptBufferError(
        f"{what} contradicts itself at position {position}: {text}. Another process that has it mapped wrote over it; "
        "make a new one."
    )


def release(view: memoryview) -> None:
    """End a view that a callback was given. Raises `ArgumentError` when that made something last which uses it."""
    try:
        view.release()
    except BufferError:
        raise ArgumentError(
            "the callback kept an object over the memory of its event, which the kernel is about to write over: copy"
            " the event, with bytes(view) for example"
        ) from None
