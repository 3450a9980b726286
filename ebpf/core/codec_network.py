"""Codecs from the classes of ipaddress: addresses, and networks as keys of a trie (LPM)."""

from __future__ import annotations

import ipaddress
import struct

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["from_class"]

_PREFIX = struct.Struct("=I")  # struct bpf_lpm_trie_key, include/uapi/linux/bpf.h: prefixlen in the machine's order


def from_class(kind: type, what: str) -> Codec | None:
    """The codec of an address or network class; `None` for any other class of ipaddress."""
    if kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        return _address(kind, what)
    if kind is ipaddress.IPv4Network:
        return _network(kind, ipaddress.IPv4Address, 4, what)
    if kind is ipaddress.IPv6Network:
        return _network(kind, ipaddress.IPv6Address, 16, what)
    return None


def _address(kind: Any, what: str) -> Codec:
    size = 4 if kind is ipaddress.IPv4Address else 16

    def encode(thing: Any) -> bytes:
        try:
            packed: bytes = kind(thing).packed
        except (ValueError, TypeError) as error:
            raise ArgumentError(f"{what} {thing!r} is not an {kind.__name__}: {error}") from None
        return packed

    return Codec(kind.__name__, size, encode, kind, alignment=4, dtype=("u1", (size,)))


def _network(kind: Any, address: Any, size: int, what: str) -> Codec:
    """A trie's key: the length of the prefix, then the address in network order, as the trie compares it."""

    def encode(thing: Any) -> bytes:
        try:
            # An address, or a text without "/", stands for itself: all its bits.
            network = thing if isinstance(thing, kind) else kind(_plain(thing))
            packed: bytes = _PREFIX.pack(network.prefixlen) + network.network_address.packed
        except (ValueError, TypeError, AttributeError) as error:
            raise ArgumentError(f"{what} {thing!r} is not an {kind.__name__}: {error}") from None
        return packed

    def decode(data: bytes) -> Any:
        return kind((address(data[4:]), _PREFIX.unpack_from(data)[0]), strict=False)

    dtype = [("prefixlen", "=u4"), ("address", "u1", (size,))]
    return Codec(kind.__name__, 4 + size, encode, decode, alignment=4, dtype=dtype)


def _plain(thing: Any) -> Any:
    """What the constructor of a network takes as it is; a plain number is more likely a mistake than an address."""
    if isinstance(thing, (int, bytes)) or (isinstance(thing, tuple) and any(isinstance(part, bool) for part in thing)):
        raise TypeError("give a network, an address, or a text")
    return str(thing) if not isinstance(thing, tuple) else thing
