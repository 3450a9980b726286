"""Typed access to one element: what ``m[k]`` and ``m[k] = v`` call."""

from __future__ import annotations

from ebpf import uapi
from ebpf.twin import extension as twin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ebpf.core.codec import Codec
    from ebpf.core.elements import Elements

    Get = Callable[[Any], Any]
    Set = Callable[..., None]
    Odd = Callable[[Any], Any]
    T = TypeVar("T", bound=type)

__all__ = ["Access", "Subscript", "access", "subscripted"]


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


_METHODS = {"__getitem__": "_subscript", "__setitem__": "_store", "__delitem__": "_remove"}

if TYPE_CHECKING or twin is None:

    class Subscript:
        """The base of maps that have ``m[k]``; see `subscripted`."""

        __slots__ = ()
else:
    Subscript = twin.Subscript


def subscripted(cls: T) -> T:
    """Let the C twin do ``m[k]`` and ``m[k] = v`` of a subclass of `Subscript`, where there is the twin.

    It does single numbers with what is in the attribute ``_typed``, and leaves all else to the methods of the class,
    which get other names for that.
    """
    if twin is not None:
        for name, method in _METHODS.items():
            if name in cls.__dict__:
                setattr(cls, method, cls.__dict__[name])
                delattr(cls, name)
    return cls
