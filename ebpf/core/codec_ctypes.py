"""Codecs from types of ctypes."""

from __future__ import annotations

import ctypes

from ebpf.core.codec import Codec
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["from_ctypes"]

_SIMPLE: Any = ctypes.c_int.__base__  # _SimpleCData, which has no public name
_KINDS = (ctypes.Structure, ctypes.Union, ctypes.Array, _SIMPLE)


def from_ctypes(kind: type, what: str) -> Codec | None:
    """The codec of a structure, union, array or simple type of ctypes; `None` for any other type."""
    if not issubclass(kind, _KINDS):
        return None
    form: Any = kind
    size = ctypes.sizeof(form)
    if not size:
        return None
    simple = issubclass(kind, _SIMPLE)

    def encode(thing: Any) -> bytes:
        try:
            if not isinstance(thing, kind):
                thing = _made(form, thing, simple)
            return bytes(thing)
        except (TypeError, ValueError, IndexError, OverflowError, RuntimeError) as error:  # RuntimeError: of a member
            raise ArgumentError(f"{what} {thing!r} is not a {kind.__name__}: {error}") from None

    def decode(data: bytes) -> Any:
        thing = form.from_buffer_copy(data)
        return thing.value if simple else thing

    return Codec(kind.__name__, size, encode, decode, alignment=ctypes.alignment(form), dtype=_dtype(form))


def _made(form: Any, thing: Any, simple: bool) -> Any:
    """An instance from a mapping or sequence of its members, or from a number."""
    if simple:
        made = form(thing)
        if made.value != thing:  # integers are cut off silently
            raise ValueError("it is out of range")
        return made
    if isinstance(thing, dict):
        unknown = set(thing) - {field[0] for field in getattr(form, "_fields_", ())}
        if unknown:
            raise ValueError(f"it has no member {', '.join(map(str, unknown))}")
        return form(**thing)
    if isinstance(thing, (str, bytes)) or not hasattr(thing, "__iter__"):
        raise ValueError("give an instance, or its members as a tuple or dict")
    return form(*thing)


def _dtype(form: Any) -> Any:
    """The type itself where numpy understands it: not a union, and no bit fields."""
    if issubclass(form, ctypes.Union):
        return None
    if any(len(field) > 2 for field in getattr(form, "_fields_", ())):
        return None
    return form
