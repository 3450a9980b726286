"""Typed access to one element: what ``m[k]`` and ``m[k] = v`` call."""

from __future__ import annotations

import struct

from ebpf import uapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.codec import Codec
    from ebpf.core.elements import Elements

__all__ = ["getter", "setter"]


def getter(core: Elements, key: Codec, value: Codec) -> Callable[[Any], Any]:
    """``key -> value`` by one ``BPF_MAP_LOOKUP_ELEM``.

    Raises `KeyMissingError`, `ArgumentError` for a key that is not of its type, `ClosedError`. Two single numbers go
    without any `bytes` in between.
    """
    encode, decode = key.encode, value.decode
    if key.packer is None or value.packer is None:
        lookup = core.lookup

        def get_any(thing: Any) -> Any:
            return decode(lookup(encode(thing)))

        return get_any
    pack_into, unpack_from = key.packer.pack_into, value.packer.unpack_from

    def get(thing: Any) -> Any:
        call = core.call()
        try:
            pack_into(call.key, 0, thing)
        except struct.error:
            encode(thing)  # says what is wrong
            raise
        result = call.lookup()
        if result < 0:
            raise core.failed(uapi.BPF_MAP_LOOKUP_ELEM, encode(thing), 0, -result)
        found = unpack_from(call.value)[0]
        core.calls.append(call)
        return found

    return get


def setter(core: Elements, key: Codec, value: Codec) -> Callable[[Any, Any], None]:
    """``key, value`` written by one ``BPF_MAP_UPDATE_ELEM`` with ``BPF_ANY``. Raises as `Elements.update` does."""
    encode_key, encode_value = key.encode, value.encode
    if key.packer is None or value.packer is None:
        update = core.update

        def set_any(thing: Any, content: Any) -> None:
            update(encode_key(thing), encode_value(content))

        return set_any
    pack_key, pack_value = key.packer.pack_into, value.packer.pack_into

    def set_(thing: Any, content: Any) -> None:
        call = core.call()
        try:
            pack_key(call.key, 0, thing)
            pack_value(call.value, 0, content)
        except struct.error:
            encode_key(thing)
            encode_value(content)
            raise
        result = call.update()
        if result < 0:
            raise core.failed(uapi.BPF_MAP_UPDATE_ELEM, encode_key(thing), 0, -result)
        core.calls.append(call)

    return set_
