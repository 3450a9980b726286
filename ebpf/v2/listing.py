"""What is loaded on this machine, by id (beta): programs, links, BTF; maps are in `ebpf.v2.open`.

::

    from ebpf import v2

    with v2.statistics():
        time.sleep(1)
        for info in v2.programs():
            print(info.id, info.name, info.run_cnt, info.run_time_ns)

Each needs CAP_SYS_ADMIN, since it sees what other processes loaded.
"""

from __future__ import annotations

import contextlib
import os

from ebpf.core import objects
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from ebpf.core.btf_info import BtfInfo
    from ebpf.core.links.info import LinkInfo
    from ebpf.core.program_info import ProgramInfo

    T = TypeVar("T")

__all__ = ["btfs", "links", "programs", "statistics"]

_SYSCTL = "/proc/sys/kernel/bpf_stats_enabled"


def _each(kind: objects.Kind, info: Callable[[int], T]) -> Iterator[T]:
    for number in objects.ids(kind):
        try:
            fd = objects.by_id(kind, number)
        except KeyError:
            continue  # gone meanwhile
        try:
            found = info(fd)
        finally:
            os.close(fd)
        yield found


@beta
def programs() -> Iterator[ProgramInfo]:
    """What the kernel says of each program there is. Needs Linux 4.13."""
    from ebpf.core.program_info import program_info

    return _each(objects.PROGRAM, program_info)


@beta
def links() -> Iterator[LinkInfo]:
    """What the kernel says of each link there is. Needs Linux 5.8."""
    from ebpf.core.links.info import link_info

    return _each(objects.LINK, link_info)


@beta
def btfs() -> Iterator[BtfInfo]:
    """What the kernel says of each BTF that is loaded, its own among them. Needs Linux 5.4."""
    from ebpf.core.btf_info import btf_info

    return _each(objects.BTF, btf_info)


@beta
@contextlib.contextmanager
def statistics() -> Iterator[None]:
    """Let the kernel measure how often programs run, and for how long, within a ``with`` block. Needs Linux 5.1.

    One ``BPF_ENABLE_STATS``; before 5.8 the sysctl kernel.bpf_stats_enabled, which is set back at the end. Costs some
    20 nanoseconds a run.
    """
    import struct

    from ebpf import syscall, uapi

    fd = syscall.attempt(uapi.BPF_ENABLE_STATS, struct.pack("=I", uapi.BPF_STATS_RUN_TIME))
    if fd >= 0:
        try:
            yield
        finally:
            os.close(fd)
        return
    try:
        with open(_SYSCTL, encoding="ascii") as file:
            before = file.read()
        _set(b"1")
    except OSError:
        from ebpf.diagnose.handles import object_command

        raise object_command(uapi.BPF_ENABLE_STATS, "switching statistics on", -fd) from None
    try:
        yield
    finally:
        _set(before.encode())


def _set(value: bytes) -> None:
    with open(_SYSCTL, "wb") as file:
        file.write(value)
