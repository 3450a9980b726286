"""Single numbers in and out of a map over ctypes, with as little between Python and the system call as can be.

All is made beforehand and kept in a list: two arrays of one number, an attribute that points to them, a reference to it
as ctypes takes it. The functions are closures: each name in them is one step.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from array import array

from ebpf import syscall, uapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ebpf.core.owner import Owner

    Get = Callable[[Any], Any]
    Set = Callable[..., None]

__all__ = ["Typed", "make"]

_ELEMENT = struct.Struct("=IxxxxQQQ")  # map_fd, key, value, flags
_SIZE = _ELEMENT.size
_FLAGS = _SIZE - 8


class Typed:
    """``get(key)`` and ``set(key, value, flags=0)``."""

    __slots__ = ("get", "set")

    def __init__(self, get: Get, set_: Set) -> None:
        self.get = get
        self.set = set_


def make(
    owner: Owner,
    pool: list[Any],
    key_code: str,
    value_code: str,
    slow_get: Callable[[Any, int], Any],
    slow_set: Callable[..., None],
) -> Typed:
    """What `Owner.typed` returns. `pool` is where what is not in use is kept; the owner empties it when it closes."""
    call, number, get_errno = syscall.raw, syscall.NUMBER, ctypes.get_errno
    pop, append, clear = pool.pop, pool.append, pool.clear
    lookup, update = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM

    def fresh() -> Any:
        keeper = owner.keeper
        if keeper is None:
            return None
        numbers, values = array(key_code, (0,)), array(value_code, (0,))
        packed = _ELEMENT.pack(keeper.fd, numbers.buffer_info()[0], values.buffer_info()[0], 0)
        attr = ctypes.create_string_buffer(packed, _SIZE)
        return numbers, values, ctypes.byref(attr), (attr, keeper)

    def back(held: Any) -> None:
        append(held)
        if owner.keeper is None:  # closed meanwhile: this was perhaps the last call
            clear()

    # `held` keeps the descriptor open, so it must be gone when an exception may be raised, whose traceback keeps all
    # that the function holds.

    def get(key: Any) -> Any:
        try:
            held = pop()
        except IndexError:
            held = fresh()
            if held is None:
                return slow_get(key, errno.EBADF)
        numbers, values, attr, rest = held
        try:
            numbers[0] = key
        except (TypeError, OverflowError):
            back(held)
            del held, rest
            return slow_get(key, 0)
        if call(number, lookup, attr, _SIZE):
            error = get_errno()
            back(held)
            del held, rest
            return slow_get(key, error)
        found = values[0]
        append(held)
        if owner._keeper is None:
            clear()
        return found

    def set_(key: Any, value: Any, flags: int = 0) -> None:
        try:
            held = pop()
        except IndexError:
            held = fresh()
            if held is None:
                slow_set(key, value, flags, errno.EBADF)
                return
        numbers, values, attr, rest = held
        try:
            numbers[0] = key
            values[0] = value
            if flags:
                struct.pack_into("=Q", rest[0], _FLAGS, flags)
        except (TypeError, OverflowError, struct.error):
            back(held)
            del held, rest
            slow_set(key, value, flags, 0)
            return
        result = call(number, update, attr, _SIZE)
        error = get_errno() if result else 0
        if flags:
            struct.pack_into("=Q", rest[0], _FLAGS, 0)
        append(held)
        if owner._keeper is None:
            clear()
        if result:
            del held, rest
            slow_set(key, value, flags, error)

    return Typed(get, set_)
