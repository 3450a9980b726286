"""A failed map command of bpf(2), turned into the reason a person can act on: looks it up in the table of errors."""

from __future__ import annotations

import errno
import os

from ebpf.diagnose import create, elements, general, limits, objects, references
from ebpf.diagnose.failure import MapFailure, Row
from ebpf.errors import (
    ArgumentError,
    EbpfError,
    KeyExistsError,
    KeyMissingError,
    MapFullError,
    PermissionDeniedError,
    SyscallError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MAP_ERRORS", "map_arguments", "map_create", "map_demands", "map_failure"]

MAP_ERRORS: tuple[Row, ...] = (
    *general.BEFORE,
    *create.ROWS,
    *limits.ROWS,
    *objects.ROWS,
    *references.ROWS,
    *elements.ROWS,
    *general.ROWS,
)
"""Every known cause of every errno of the map commands; the first row that fits is the one that is told."""

# Their class says what failed: the message is about the key alone.
_ABOUT_KEYS = (KeyMissingError, KeyExistsError, MapFullError)


def map_failure(command: int, error: int, **known: Any) -> EbpfError:
    """The exception for a map command that failed.

    Parameters:
        command: the number of the bpf() command.
        error: the errno.
        known: what the caller knows of the map and the call, as for `MapFailure`. With ``fd`` alone the rest is read
            from the kernel; ``key`` and ``value`` are the bytes that it was given, ``shown`` the key for messages.
    """
    return explain(MapFailure(command, error, **known))[1]


def explain(failure: MapFailure) -> tuple[Row | None, EbpfError]:
    """The row that fits, and the exception made from it."""
    for row in MAP_ERRORS:
        if row.fits(failure):
            exception = row.explain(failure) if row.explain is not None else _raise(row, failure)
            if exception is not None:
                return row, exception
    text = f"{failure.subject} failed ({failure.error}): {os.strerror(failure.errno)}"
    return None, SyscallError(failure.errno, text, failure.command)


def _raise(row: Row, failure: MapFailure) -> EbpfError:
    text = row.message.format(f=failure)
    if row.raises not in _ABOUT_KEYS:
        text = f"{failure.subject} failed ({failure.error}): {text}"
    if issubclass(row.raises, SyscallError):
        return row.raises(failure.errno, text, failure.command)
    if issubclass(row.raises, PermissionDeniedError):
        return row.raises(text, errno=failure.errno)
    return row.raises(text)


def map_create(
    map_type: int, key_size: int, value_size: int, max_entries: int, flags: int, error: int, **known: Any
) -> EbpfError:
    """The exception for a ``BPF_MAP_CREATE`` that failed with errno `error`.

    Parameters as for `ebpf.core.map.MapCore`; `known` are further ones, as for `MapFailure`.
    """
    sizes = {"key_size": key_size, "value_size": value_size, "max_entries": max_entries, "map_flags": flags}
    return map_failure(0, error, map_type=map_type, **sizes, **known)


def map_arguments(map_type: int, key_size: int, value_size: int, max_entries: int, flags: int) -> ArgumentError:
    """The error for arguments that do not even fit the fields of the system call."""
    for name, number in (
        ("map type", map_type),
        ("key_size", key_size),
        ("value_size", value_size),
        ("max_entries", max_entries),
        ("flags", flags),
    ):
        if not isinstance(number, int):
            return ArgumentError(f"{name} is {number!r}: give an integer")
        if not 0 <= number < 2**32:
            return ArgumentError(f"{name} is {number}: give a number from 0 to {2**32 - 1}")
    return ArgumentError("the arguments fit; this is an error of the library")


# Rows of creation that tell from the sizes and flags alone, whichever machine it is.
_DEMANDS = tuple(
    row
    for row in create.ROWS + limits.ROWS
    if row.when is not None
    and row.error in ("EINVAL", "E2BIG")
    and row.name
    not in (
        "numa_node",
        "stack_size",
        "storage_without_btf",
        "btf_sizes",
        "btf_not_btf",
        "inner_not_a_map",
        "nested_maps",
        "key_limit",
        "map_limit",
    )
)


def map_demands(map_type: int, key_size: int, value_size: int, max_entries: int, flags: int = 0) -> str:
    """Which demand that every kernel makes of a map these arguments break, with what to do; empty for none known.

    Parameters as for `ebpf.core.map.MapCore`. Nothing is asked of this machine.
    """
    for error in (errno.EINVAL, errno.E2BIG):
        failure = MapFailure(
            0,
            error,
            map_type=map_type,
            key_size=key_size,
            value_size=value_size,
            max_entries=max_entries,
            map_flags=flags,
        )
        for row in _DEMANDS:
            if row.fits(failure):
                return row.message.format(f=failure)
    return ""
