"""Keys and values of maps: Python objects to bytes and back."""

from __future__ import annotations

import struct

from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Union

    TypeName = Union[str, int]

__all__ = ["Codec", "codec"]

# "=": the machine's byte order and no padding, as BPF programs lay out their scalars.
_SCALARS = {
    "u8": "=B",
    "u16": "=H",
    "u32": "=I",
    "u64": "=Q",
    "s8": "=b",
    "s16": "=h",
    "s32": "=i",
    "s64": "=q",
}


class Codec:
    """One key or value type: ``size`` in bytes, ``encode(object) -> bytes`` and ``decode(bytes) -> object``."""

    __slots__ = ("decode", "encode", "name", "size")

    def __init__(
        self, name: str, size: int, encode: Callable[[object], bytes], decode: Callable[[bytes], object]
    ) -> None:
        self.name = name
        self.size = size
        self.encode = encode
        self.decode = decode

    def __repr__(self) -> str:
        return f"Codec({self.name!r}, {self.size})"


def codec(kind: TypeName, what: str = "value") -> Codec:
    """The codec for a type.

    Parameters:
        kind: ``"u8"``, ``"u16"``, ``"u32"``, ``"u64"``, ``"s8"`` … ``"s64"`` (integers in the machine's byte order),
        or a
            number of bytes for raw `bytes` of that length.
        what: ``"key"`` or ``"value"``, for the error messages.

    Raises `ArgumentError` for anything else.
    """
    if isinstance(kind, str) and kind in _SCALARS:
        return _scalar(kind, what)
    if isinstance(kind, int) and not isinstance(kind, bool) and kind >= 0:
        return _raw(kind, what)
    raise ArgumentError(
        f"{what} type {kind!r} is not known: give one of {', '.join(_SCALARS)}, or a number of bytes for raw bytes"
    )


def _scalar(kind: str, what: str) -> Codec:
    packer = struct.Struct(_SCALARS[kind])
    bits = packer.size * 8
    low, high = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def encode(number: object) -> bytes:
        try:
            return packer.pack(number)
        except struct.error:
            raise ArgumentError(f"{what} {number!r} is not a {kind}: give an integer from {low} to {high}") from None

    def decode(data: bytes) -> object:
        number: int = packer.unpack(data)[0]
        return number

    return Codec(kind, packer.size, encode, decode)


def _raw(size: int, what: str) -> Codec:
    def encode(data: object) -> bytes:
        if not isinstance(data, (bytes, bytearray, memoryview)) or len(bytes(data)) != size:
            raise ArgumentError(f"{what} {data!r} is not bytes of length {size}")
        return bytes(data)

    return Codec(f"{size} bytes", size, encode, bytes)
