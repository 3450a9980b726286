"""Objects of the kernel by their path in bpffs and by their id, whatever they are: maps, programs, links, BTF."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.errors import EbpfError

__all__ = ["BTF", "LINK", "MAP", "PROGRAM", "Kind", "btf_data", "by_id", "by_path", "ids", "info", "pin"]

_INFO = struct.Struct("=IIQ")  # bpf_fd, info_len, info
_BTF_INFO = struct.Struct("=QIIQII")  # btf, btf_size, id, name, name_len, kernel_btf
_PATH = struct.Struct("=QII")  # pathname, bpf_fd, file_flags


class Kind:
    """A kind of object: what it is called, and its commands for walking over ids and for opening one."""

    __slots__ = ("get_fd", "next_id", "noun")

    def __init__(self, noun: str, next_id: int, get_fd: int) -> None:
        self.noun = noun
        self.next_id = next_id
        self.get_fd = get_fd


MAP = Kind("map", uapi.BPF_MAP_GET_NEXT_ID, uapi.BPF_MAP_GET_FD_BY_ID)
PROGRAM = Kind("program", uapi.BPF_PROG_GET_NEXT_ID, uapi.BPF_PROG_GET_FD_BY_ID)
LINK = Kind("link", uapi.BPF_LINK_GET_NEXT_ID, uapi.BPF_LINK_GET_FD_BY_ID)
BTF = Kind("BTF", uapi.BPF_BTF_GET_NEXT_ID, uapi.BPF_BTF_GET_FD_BY_ID)


def ids(kind: Kind) -> Iterator[int]:
    """The ids of every such object on this machine, one ``BPF_…_GET_NEXT_ID`` each."""
    attr = bytearray(12)  # start_id, next_id, open_flags
    while True:
        result = syscall.attempt(kind.next_id, attr)
        if result == -errno.ENOENT:
            return
        if result < 0:
            raise _failed(kind.next_id, f"walking over the {kind.noun}s of this machine", -result)
        number = int(struct.unpack_from("=I", attr, 4)[0])
        yield number
        struct.pack_into("=II", attr, 0, number, 0)


def by_id(kind: Kind, number: int, flags: int = 0) -> int:
    """A descriptor for the object with this id. Raises `KeyMissingError` when there is none.

    Parameters:
        flags: ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``, of a map.
    """
    fd = syscall.attempt(kind.get_fd, struct.pack("=III", number, 0, flags))
    if fd < 0:
        raise _failed(kind.get_fd, f"opening the {kind.noun} with id {number}", -fd, number)
    return fd


def pin(fd: int, path: str | os.PathLike[str], noun: str) -> None:
    """Give an object a path in a BPF file system: it then outlives this process.

    Raises `SyscallError` when the path is taken, its directory is missing, or is no BPF file system.
    """
    location = os.fsencode(path)
    memory = ctypes.create_string_buffer(location)
    result = syscall.attempt(uapi.BPF_OBJ_PIN, _PATH.pack(ctypes.addressof(memory), fd, 0))
    if result < 0:
        raise _at_path(uapi.BPF_OBJ_PIN, f"pinning the {noun} at {os.fsdecode(location)}", -result, location)


def by_path(path: str | os.PathLike[str], noun: str, flags: int = 0) -> int:
    """A descriptor for what is pinned at `path`. Raises `SyscallError` when nothing is.

    Parameters:
        flags: ``BPF_F_RDONLY`` or ``BPF_F_WRONLY``, of a map.
    """
    location = os.fsencode(path)
    memory = ctypes.create_string_buffer(location)
    fd = syscall.attempt(uapi.BPF_OBJ_GET, _PATH.pack(ctypes.addressof(memory), 0, flags))
    if fd < 0:
        raise _at_path(uapi.BPF_OBJ_GET, f"opening the {noun} pinned at {os.fsdecode(location)}", -fd, location)
    return fd


def info(fd: int, memory: ctypes.Array[ctypes.c_char], noun: str) -> int:
    """One ``BPF_OBJ_GET_INFO_BY_FD`` into `memory`, whose content the kernel reads too; how many bytes it wrote."""
    attr = bytearray(_INFO.pack(fd, len(memory), ctypes.addressof(memory)))
    result = syscall.attempt(uapi.BPF_OBJ_GET_INFO_BY_FD, attr)
    if result < 0:
        raise _failed(uapi.BPF_OBJ_GET_INFO_BY_FD, f"asking what the {noun} is", -result)
    return int(struct.unpack_from("=I", attr, 4)[0])


def btf_data(fd: int) -> bytes:
    """A loaded BTF, whole: two ``BPF_OBJ_GET_INFO_BY_FD``."""
    first = ctypes.create_string_buffer(_BTF_INFO.size)
    info(fd, first, "BTF")
    size = int(_BTF_INFO.unpack(first.raw)[1])
    content = ctypes.create_string_buffer(size)
    memory = ctypes.create_string_buffer(_BTF_INFO.pack(ctypes.addressof(content), size, 0, 0, 0, 0), _BTF_INFO.size)
    info(fd, memory, "BTF")
    return content.raw


def _failed(command: int, doing: str, error: int, number: int | None = None) -> EbpfError:
    from ebpf.diagnose.handles import object_command

    return object_command(command, doing, error, number)


def _at_path(command: int, doing: str, error: int, location: bytes) -> EbpfError:
    from ebpf.diagnose.handles import object_path

    return object_path(command, doing, error, os.fsdecode(location))
