"""The trace file system: numbers of tracepoints, and probes where perf_event_open(2) cannot make them."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os

__all__ = ["add_probe", "event_id", "has_event", "pmu_type", "remove_probe", "retprobe_bit"]

_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_PMU = "/sys/bus/event_source/devices"
_numbers = itertools.count()


def _base() -> str | None:
    for place in _PLACES:
        if os.path.isdir(f"{place}/events"):
            return place
    return None


def event_id(category: str, name: str) -> int:
    """The number by which perf_event_open(2) knows a tracepoint, or -errno: -ENOENT when there is none."""
    base = _base()
    if base is None:
        return -errno.ENODEV
    try:
        with open(f"{base}/events/{category}/{name}/id", encoding="ascii") as file:
            return int(file.read())
    except OSError as error:
        return -(error.errno or errno.EIO)


def has_event(category: str, name: str) -> bool:
    """Whether there is such a tracepoint; true when that cannot be seen."""
    base = _base()
    return base is None or os.path.isdir(f"{base}/events/{category}/{name}")


def pmu_type(name: str) -> int | None:
    """The event type of ``"kprobe"`` or ``"uprobe"``; `None` before 4.17, which brought it."""
    try:
        with open(f"{_PMU}/{name}/type", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def retprobe_bit(name: str) -> int:
    """The bit of config that makes a return probe of it: ``config:0``."""
    try:
        with open(f"{_PMU}/{name}/format/retprobe", encoding="ascii") as file:
            return 1 << int(file.read().partition(":")[2])
    except (OSError, ValueError):
        return 1


def add_probe(kind: str, definition: str, is_return: bool) -> tuple[str, int]:
    """Define a probe in ``kprobe_events`` or ``uprobe_events``.

    Parameters:
        kind: ``"kprobe"`` or ``"uprobe"``.
        definition: ``"vfs_read+0"`` or ``"/bin/true:0x1234"``.
        is_return: at the function's return.

    Returns its name for `remove_probe`, and its number or -errno.
    """
    base = _base()
    if base is None:
        return "", -errno.ENODEV
    name = f"ebpf_{os.getpid()}_{next(_numbers)}"
    try:
        _append(f"{base}/{kind}_events", f"{'r' if is_return else 'p'}:ebpf/{name} {definition}")
    except OSError as error:
        return "", -(error.errno or errno.EIO)
    number = event_id("ebpf", name)
    if number < 0:
        remove_probe(kind, name)
    return name, number


def remove_probe(kind: str, name: str) -> None:
    """Undo `add_probe`, after its events were closed."""
    base = _base()
    if base is not None and name:
        with contextlib.suppress(OSError):
            _append(f"{base}/{kind}_events", f"-:ebpf/{name}")


def _append(path: str, line: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, line.encode())
    finally:
        os.close(fd)
