"""Typed access to one element: what ``m[k]`` and ``m[k] = v`` call."""

from __future__ import annotations

from ebpf import uapi
from ebpf.twin import extension as twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.codec import Codec
    from ebpf.core.elements import Elements

    Get = Callable[[Any], Any]
    Set = Callable[..., None]
    Odd = Callable[[Any], Any]

__all__ = ["Access", "Subscript", "access"]


class Access:
    """``get(key)``, ``set(key, value, flags=0)``, and ``typed`` for `Subscript` when both are single numbers."""

    __slots__ = ("get", "set", "typed")

    def __init__(self, get: Get, set_: Set, typed: Any) -> None:
        self.get = get
        self.set = set_
        self.typed = typed


def access(core: Elements, key: Codec, value: Codec, odd: Odd | None = None) -> Access:
    """``get(key)`` and ``set(key, value, flags=0)``, of one ``BPF_MAP_LOOKUP_ELEM`` and one ``BPF_MAP_UPDATE_ELEM``.

    Parameters:
        odd: makes a key of what is none, or of one that the kernel has refused, or raises what it deserves. It must not
            hold the object that holds these functions, which would then wait for the garbage collector.

    They raise as `Elements.lookup` and `Elements.update` do, and `ArgumentError` for what is not of its type. Two
    single numbers go without any `bytes` in between.
    """
    encode, encode_value, decode = key.encode, value.encode, value.decode
    if odd is not None:
        plain = encode

        def encode(thing: Any) -> bytes:
            return plain(odd(thing))

    def slow_get(thing: Any, error: int = 0) -> Any:
        data = encode(thing)
        if error:
            raise core.failed(uapi.BPF_MAP_LOOKUP_ELEM, data, 0, error)
        return decode(core.lookup(data))

    def slow_set(thing: Any, content: Any, flags: int = 0, error: int = 0) -> None:
        data, written = encode(thing), encode_value(content)
        if error:
            raise core.failed(uapi.BPF_MAP_UPDATE_ELEM, data, flags, error, written)
        core.update(data, written, flags)

    if key.packer is None or value.packer is None:
        return Access(slow_get, slow_set, None)
    typed = core.owner.typed(key.packer.format[-1], value.packer.format[-1], slow_get, slow_set)
    return Access(typed.get, typed.set, typed)


class Subscript:
    """Leaves ``m[k]`` to ``m._subscript(k)``, ``m[k] = v`` to ``m._store(k, v)``, ``del m[k]`` to ``m._remove(k)``.

    The C twin's does numbers itself, with what it finds in ``m._typed``.
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self._subscript(key)  # type: ignore[attr-defined]  # the subclass has it

    def __setitem__(self, key: Any, value: Any) -> None:
        self._store(key, value)  # type: ignore[attr-defined]  # the subclass has it

    def __delitem__(self, key: Any) -> None:
        self._remove(key)  # type: ignore[attr-defined]  # the subclass has it


if not TYPE_CHECKING and twin is not None:
    Subscript = twin.Subscript
