"""Codecs from dataclasses, laid out as a C structure of the same members."""

from __future__ import annotations

import dataclasses
import typing

from ebpf.core.codec import Codec, codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["from_dataclass"]


def from_dataclass(cls: type, what: str) -> Codec:
    """The codec of a dataclass.

    Each field is annotated with ``Annotated[TYPE, KIND]``, where KIND is anything that `ebpf.core.codec.codec` takes
    (``ebpf.v2.u32`` is ``Annotated[int, "u32"]``), or with a class that is a kind itself. Members are aligned as a C
    compiler does; the padding is zero, so that equal objects are equal keys.

    Raises `ArgumentError` for a field whose annotation says no size.
    """
    form: Any = cls
    members = [(field.name, _member(cls, field.name, hint)) for field, hint in _hints(form)]
    if not members:
        raise ArgumentError(f"{what} type {cls.__name__} has no fields")
    offsets, position, alignment = [], 0, 1
    for _, member in members:
        position = _round(position, member.alignment)
        offsets.append(position)
        position += member.size
        alignment = max(alignment, member.alignment)
    size = _round(position, alignment)

    def encode(thing: Any) -> bytes:
        if not isinstance(thing, cls):
            raise ArgumentError(f"{what} {thing!r} is not a {cls.__name__}")
        data = bytearray(size)
        for (name, member), offset in zip(members, offsets):
            try:
                data[offset : offset + member.size] = member.encode(getattr(thing, name))
            except ArgumentError as error:
                raise ArgumentError(f"{what} {thing!r}: {error}") from None
        return bytes(data)

    def decode(data: bytes) -> Any:
        return form(
            **{
                name: member.decode(data[offset : offset + member.size])
                for (name, member), offset in zip(members, offsets)
            }
        )

    dtype = {
        "names": [name for name, _ in members],
        "formats": [member.dtype for _, member in members],
        "offsets": offsets,
        "itemsize": size,
    }
    return Codec(cls.__name__, size, encode, decode, alignment=alignment, dtype=dtype)


def _hints(cls: Any) -> list[tuple[Any, Any]]:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise ArgumentError(
            f"the annotations of {cls.__name__} cannot be read: {error}. Names in them must be those of its module."
        ) from None
    return [(field, hints[field.name]) for field in dataclasses.fields(cls)]


def _member(cls: type, name: str, hint: Any) -> Codec:
    if isinstance(hint, type) and hint not in (int, float, bool, str, bytes):
        return codec(hint, name)
    for kind in getattr(hint, "__metadata__", ()):
        return codec(kind, name)
    raise ArgumentError(
        f"field {name!r} of {cls.__name__} is annotated with {getattr(hint, '__name__', hint)}, which says no size:"
        " use ebpf.v2.u32 and the like, or Annotated[TYPE, KIND]"
    )


def _round(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment
