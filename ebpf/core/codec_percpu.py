"""The codec of per-CPU values: a list, or an axis of a numpy array, with one value for each possible CPU."""

from __future__ import annotations

from ebpf.core.codec import Codec
from ebpf.core.percpu import possible_cpus, stride
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["PerCpuCodec"]


class PerCpuCodec(Codec):
    """Values of `each` type, one for each possible CPU.

    Decoded it is a list, or an array with one row for each CPU when `each` is a dtype of numpy. Encoded is a sequence
    of as many values, or one value that all CPUs get.
    """

    __slots__ = ("cpus", "each", "stride")

    def __init__(self, each: Codec, what: str = "value") -> None:
        self.each = each
        self.cpus = cpus = possible_cpus()
        self.stride = step = stride(each.size)
        size = step * cpus
        as_array = type(each.dtype).__module__.partition(".")[0] == "numpy"

        def encode(values: Any) -> bytes:
            if type(values).__module__ == "numpy" and getattr(values, "shape", None):
                values = list(values)
            if not isinstance(values, (list, tuple)) or _is_one(each, values, cpus):
                values = [values] * cpus
            if len(values) != cpus:
                raise ArgumentError(
                    f"{what} has {len(values)} elements: give one for each of the {cpus} possible CPUs, or one for all"
                )
            return b"".join([each.encode(value).ljust(step, b"\0") for value in values])

        def decode(data: bytes) -> Any:
            if as_array:
                return self.array(data, 1)[0]
            return [each.decode(data[start : start + each.size]) for start in range(0, size, step)]

        super().__init__(f"{each.name} per CPU", size, encode, decode)

    def array(self, data: Any, count: int) -> Any:
        """An array of ``count`` rows with one column for each CPU, over the memory of `data`."""
        import numpy

        dtype = numpy.dtype(self.each.dtype)
        inner = numpy.empty((1, *dtype.shape), dtype.base).strides[1:]
        shape = (count, self.cpus, *dtype.shape)
        return numpy.ndarray(shape, dtype.base, data, 0, (self.size, self.stride, *inner))

    def encode_many(self, items: Iterable[Any]) -> bytes:
        """The bytes of one after the other; an array has one row for each item and one column for each CPU."""
        if type(items).__module__ != "numpy":
            return b"".join(map(self.encode, items))
        return self._encode_array(items)

    def _encode_array(self, items: Any) -> bytes:
        import numpy

        dtype = numpy.dtype(self.each.dtype)
        if items.dtype != dtype.base or items.shape[1:] != (self.cpus, *dtype.shape):
            return b"".join(map(self.encode, items))
        data = bytearray(self.size * len(items))
        if len(items):
            self.array(data, len(items))[...] = items
        return bytes(data)


def _is_one(each: Codec, values: Any, cpus: int) -> bool:
    """Whether a tuple is one value of the type, rather than one for each CPU."""
    if len(values) == cpus or not isinstance(values, tuple):
        return False
    try:
        each.encode(values)
    except ArgumentError:
        return False
    return True
