"""Codecs from dtypes of numpy; imported only when one is given."""

from __future__ import annotations

import numpy

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["from_dtype"]


def from_dtype(kind: Any, what: str) -> Codec | None:
    """The codec of a dtype, or of a scalar type such as `numpy.uint32`; `None` for anything else of numpy."""
    if isinstance(kind, type) and not issubclass(kind, numpy.generic):
        return None
    if not isinstance(kind, (type, numpy.dtype)):
        return None
    dtype = numpy.dtype(kind)
    if dtype.hasobject or not dtype.itemsize:
        raise ArgumentError(f"{what} type {dtype!r} has no fixed size in memory")

    def encode(thing: Any) -> bytes:
        try:
            made = numpy.asarray(thing, dtype=dtype.base)
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(f"{what} {thing!r} is not a {dtype}: {error}") from None
        if made.shape != dtype.shape:
            raise ArgumentError(f"{what} {thing!r} is not a {dtype}: its shape is {made.shape}, not {dtype.shape}")
        if dtype.base.kind in "iub" and not numpy.array_equal(made, numpy.asarray(thing)):
            raise ArgumentError(f"{what} {thing!r} is not a {dtype}: it would be changed")
        return made.tobytes()

    def decode(data: bytes) -> Any:
        return numpy.frombuffer(data, dtype, 1)[0]

    return Codec(str(dtype), dtype.itemsize, encode, decode, alignment=dtype.alignment, dtype=dtype)
