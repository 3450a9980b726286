"""Codecs of values with a layout of the kernel's: stack traces, positions of instructions."""

from __future__ import annotations

import struct

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ADDRESS", "BUILD_ID", "addresses", "build_ids", "position"]

BUILD_ID = struct.Struct("=i20sQ")
"""``struct bpf_stack_build_id``, include/uapi/linux/bpf.h: status, build id, offset or address."""
ADDRESS = struct.Struct("=Q")
"""An address of a stack trace."""
_POSITION = struct.Struct("=3I4x")  # struct bpf_insn_array_value: orig_off, xlated_off, jitted_off


def _unwritable(thing: Any) -> bytes:
    raise ArgumentError(f"{thing!r} cannot be written: stack traces are written by programs (bpf_get_stackid)")


def addresses(size: int) -> Codec:
    """A stack trace of `size` bytes: a list of addresses, innermost first, without the zeros behind them."""

    def decode(data: bytes) -> list[int]:
        return [address for (address,) in ADDRESS.iter_unpack(data) if address]

    return Codec("stack", size, _unwritable, decode, dtype=("=u8", (size // ADDRESS.size,)))


def build_ids(size: int) -> Codec:
    """A stack trace of a process as triples: status, build id, offset or address."""

    def decode(data: bytes) -> list[tuple[int, bytes, int]]:
        return [entry for entry in BUILD_ID.iter_unpack(data) if entry[0]]

    return Codec("stack of build ids", size, _unwritable, decode)


def position() -> Codec:
    """Written as the instruction's number in the program; read with where it is now, translated and compiled."""

    def encode(thing: Any) -> bytes:
        first = thing[0] if isinstance(thing, tuple) and thing else thing
        try:
            return _POSITION.pack(first, 0, 0)
        except struct.error:
            raise ArgumentError(f"value {thing!r} is not the number of an instruction") from None

    dtype = {"names": ["original", "translated", "compiled"], "formats": ["=u4"] * 3, "itemsize": _POSITION.size}
    return Codec("instruction", _POSITION.size, encode, _POSITION.unpack, dtype=dtype)
