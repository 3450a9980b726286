"""Codecs from text: formats of the `struct` module, and ``char[N]``."""

from __future__ import annotations

import struct

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["from_format"]


def from_format(text: str, what: str) -> Codec | None:
    """The codec of a format; `None` when the text is none."""
    if text.startswith("char[") and text.endswith("]") and text[5:-1].isdigit():
        return _characters(text, int(text[5:-1]), what)
    try:
        packer = struct.Struct(text)
        fields = len(packer.unpack(bytes(packer.size)))
    except (struct.error, UnicodeError):
        return None
    if not fields:
        return None
    return _single(text, packer, what) if fields == 1 else _several(text, packer, fields, what)


def _alignment(packer: struct.Struct) -> int:
    """Of what is laid out natively, the largest scalar's; formats with ``<``, ``>``, ``=`` or ``!`` are packed."""
    text = packer.format
    if text[0] in "<>=!":
        return 1
    return max((struct.calcsize(code) for code in text if code.isalpha() and code not in "spx"), default=1)


def _single(text: str, packer: struct.Struct, what: str) -> Codec:
    def encode(thing: Any) -> bytes:
        try:
            return packer.pack(thing)
        except (struct.error, TypeError, OverflowError) as error:
            raise ArgumentError(f"{what} {thing!r} does not fit the format {text!r}: {error}") from None

    def decode(data: bytes) -> Any:
        return packer.unpack(data)[0]

    return Codec(text, packer.size, encode, decode, alignment=_alignment(packer))


def _several(text: str, packer: struct.Struct, fields: int, what: str) -> Codec:
    def encode(things: Any) -> bytes:
        try:
            return packer.pack(*things)
        except (struct.error, TypeError, OverflowError) as error:
            raise ArgumentError(
                f"{what} {things!r} does not fit the format {text!r}, a tuple of {fields}: {error}"
            ) from None

    return Codec(text, packer.size, encode, packer.unpack, alignment=_alignment(packer))


def _characters(text: str, size: int, what: str) -> Codec | None:
    if not size:
        return None

    def encode(string: Any) -> bytes:
        if isinstance(string, str):
            data = string.encode("utf-8", "surrogateescape")
        elif isinstance(string, bytes):
            data = string
        else:
            raise ArgumentError(f"{what} {string!r} is not a {text}: give a str")
        if len(data) >= size or b"\0" in data:
            raise ArgumentError(f"{what} {string!r} is not a {text}: give at most {size - 1} bytes without a NUL")
        return data.ljust(size, b"\0")

    def decode(data: bytes) -> str:
        return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")

    return Codec(text, size, encode, decode, dtype=f"S{size}")
