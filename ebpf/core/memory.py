"""The memory of a map, mapped into this process: no calls, no copies."""

from __future__ import annotations

import mmap
import os

from ebpf import uapi
from ebpf.errors import ArgumentError, ClosedError, PermissionDeniedError, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.core.codec import Codec
    from ebpf.core.map import MapCore
    from ebpf.errors import EbpfError

__all__ = ["Memory", "map_memory"]


def map_memory(core: MapCore, size: int, *, writable: bool = True) -> mmap.mmap:
    """mmap(2) of `size` bytes of a map, rounded up to whole pages. Raises what explains a refusal."""
    pages = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    fd = core.fd
    try:
        return mmap.mmap(fd, pages, mmap.MAP_SHARED, access)
    except OSError as error:
        raise _refused(core, error) from None


def _refused(core: MapCore, error: OSError) -> EbpfError:
    from ebpf.core.adaptation import ADAPTATIONS, refused

    if ADAPTATIONS["mmap"] in core.adaptations:
        return refused(ADAPTATIONS["mmap"], because="This map was made without BPF_F_MMAPABLE")
    if not core.flags & uapi.BPF_F_MMAPABLE:
        return ArgumentError("the map was not made for mmap(2): create it with mmap=True (BPF_F_MMAPABLE)")
    number = error.errno or 0
    if isinstance(error, PermissionError):
        return PermissionDeniedError(
            "the map is frozen, or only readable for user space: its memory can be read, not written", errno=number
        )
    return SyscallError(number, f"mmap(2) of the map failed: {os.strerror(number)}", "mmap")


class Memory:
    """An array's memory.

    ``memory[i]`` and ``memory[i] = v`` read and write an element of any type without a call; `view` gives a
    `memoryview`, `array` an array of numpy. Elements lie at a distance of ``stride`` bytes: the kernel rounds their
    size up to 8. Other CPUs write while one reads: only numbers up to 8 bytes are sure to come in one piece.

    Parameters:
        core: an array made with ``BPF_F_MMAPABLE``.
        value: the type of its elements.
    """

    __slots__ = ("_core", "_octets", "_value", "_words", "stride")

    def __init__(self, core: MapCore, value: Codec) -> None:
        self.stride = (value.size + 7) & ~7
        size = core.max_entries * self.stride
        self._core = core
        self._value = value
        try:
            memory = map_memory(core, size, writable=not core.flags & uapi.BPF_F_RDONLY)
        except PermissionDeniedError:
            memory = map_memory(core, size, writable=False)
        self._octets: memoryview | None = memoryview(memory)[:size]
        self._words: Any = None
        if value.packer is not None:
            words: Any = self._octets.cast(value.packer.format[-1])  # type: ignore[call-overload]  # a char
            self._words = words[:: self.stride // value.size]

    def __len__(self) -> int:
        return self._core.max_entries

    def __getitem__(self, index: int) -> Any:
        if self._words is not None:
            return self._words[index]
        start = self._start(index)
        return self._value.decode(bytes(self._bytes[start : start + self._value.size]))

    def __setitem__(self, index: int, value: Any) -> None:
        data = self._value.encode(value)  # says what is wrong better than the view does
        if self._words is not None:
            self._words[index] = value
            return
        start = self._start(index)
        self._bytes[start : start + len(data)] = data

    @property
    def _bytes(self) -> memoryview:
        if self._octets is None:
            raise ClosedError("the map is closed, and its memory unmapped")
        return self._octets

    def _start(self, index: int) -> int:
        length = self._core.max_entries
        if not -length <= index < length:
            raise IndexError(f"index {index} is beyond the array: it has 0 to {length - 1}")
        return (index % length) * self.stride

    @property
    def view(self) -> memoryview:
        """A `memoryview` of the elements where they are single numbers, else of the bytes."""
        return self._words if self._words is not None else self._bytes

    @property
    def array(self) -> Any:
        """An array of numpy over the memory itself."""
        import numpy

        dtype = numpy.dtype(self._value.dtype)
        inner = numpy.empty((1, *dtype.shape), dtype.base).strides[1:]
        shape = (self._core.max_entries, *dtype.shape)
        return numpy.ndarray(shape, dtype.base, self._bytes, 0, (self.stride, *inner))

    @property
    def readonly(self) -> bool:
        """Whether the memory can only be read: the map is frozen, or read-only for user space."""
        return self._bytes.readonly

    @property
    def closed(self) -> bool:
        """Whether this object has let go of the memory."""
        return self._octets is None

    def close(self) -> None:
        """Let go of the memory. It is unmapped with the last view or array of it, never under their feet."""
        # Not mmap.close(), nor memoryview.release(): numpy.ndarray() keeps a reference to what it is made on, but no
        # export of the buffer, so that both would succeed while an array still points there.
        self._words = self._octets = None
