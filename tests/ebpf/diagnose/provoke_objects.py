"""Freezing, pinning, opening and listing, refused for each of their reasons."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import tempfile
from collections.abc import Iterator

from ebpf import uapi
from ebpf.diagnose.failure import MapFailure
from ebpf.probe import calls
from tests.ebpf.diagnose.provoke import Provocation, a_map, by_id, freeze, get, info, need, next_id, pin, refused
from tests.ebpf.diagnose.provoke_creation import SPIN_LOCK_BTF


def freezing(fd: int) -> MapFailure:
    return refused(uapi.BPF_MAP_FREEZE, freeze(fd), fd=fd)


@contextlib.contextmanager
def frozen_already() -> Iterator[MapFailure]:
    need("BPF_MAP_FREEZE")
    with a_map("ARRAY") as fd:
        assert freeze(fd) == 0
        yield freezing(fd)


@contextlib.contextmanager
def written_now() -> Iterator[MapFailure]:
    need("BPF_F_MMAPABLE")
    with a_map("ARRAY", uapi.BPF_F_MMAPABLE) as fd, mmap.mmap(fd, mmap.PAGESIZE):
        yield freezing(fd)


@contextlib.contextmanager
def cannot_freeze() -> Iterator[MapFailure]:
    need("BPF_MAP_FREEZE")
    btf = calls.load_btf(SPIN_LOCK_BTF)
    fd = calls.create_map(1, 4, 4, 1, 0, btf_fd=btf, btf_key_type_id=1, btf_value_type_id=3)
    os.close(btf)
    try:
        yield freezing(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def bpffs() -> Iterator[str]:
    """A bpf file system of this test's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory() as path:
        assert libc.mount(b"bpf", path.encode(), b"bpf", 0, None) == 0, os.strerror(ctypes.get_errno())
        try:
            yield path
        finally:
            libc.umount2(path.encode(), 0)


def pinning(name: str) -> Provocation:
    """To a path below a bpf file system."""

    @contextlib.contextmanager
    def provoked() -> Iterator[MapFailure]:
        with bpffs() as path, a_map("HASH") as fd:
            yield pin(fd, os.path.join(path, name))

    return provoked


@contextlib.contextmanager
def pin_exists() -> Iterator[MapFailure]:
    with bpffs() as path, a_map("HASH") as fd:
        os.mkdir(path + "/there")
        yield pin(fd, path + "/there")


@contextlib.contextmanager
def not_bpffs() -> Iterator[MapFailure]:
    with tempfile.TemporaryDirectory() as path, a_map("HASH") as fd:
        yield pin(fd, path + "/x")


@contextlib.contextmanager
def read_only_mount() -> Iterator[MapFailure]:
    libc = ctypes.CDLL(None, use_errno=True)
    with bpffs() as path, a_map("HASH") as fd:
        # MS_REMOUNT | MS_RDONLY
        assert libc.mount(b"bpf", path.encode(), b"bpf", 32 | 1, None) == 0
        yield pin(fd, path + "/x")


@contextlib.contextmanager
def file_permissions() -> Iterator[MapFailure]:
    """A file that is no object of bpf(2) (kernel/bpf/inode.c, bpf_inode_type())."""
    with tempfile.NamedTemporaryFile() as file:
        yield get(file.name)


@contextlib.contextmanager
def path_loop() -> Iterator[MapFailure]:
    with tempfile.TemporaryDirectory() as path:
        os.symlink("a", path + "/a")
        yield get(path + "/a/b")


def opening(path: str, flags: int = 0) -> Provocation:
    return contextlib.contextmanager(lambda: iter([get(path, flags)]))


def numbered(map_id: int, flags: int = 0, *, following: bool = False) -> Provocation:
    return contextlib.contextmanager(lambda: iter([next_id(map_id) if following else by_id(map_id, flags)]))


@contextlib.contextmanager
def info_closed() -> Iterator[MapFailure]:
    yield info(calls.BAD_FD)


@contextlib.contextmanager
def info_too_long() -> Iterator[MapFailure]:
    with a_map("HASH") as fd:
        yield info(fd, 1024, 0xFF)


PROVOKED: dict[str, Provocation] = {
    "frozen_already": frozen_already,
    "written_now": written_now,
    "cannot_freeze": cannot_freeze,
    "pin_exists": pin_exists,
    "pin_directory": pinning("missing/x"),
    "pin_missing": opening("/sys/fs/bpf/ebpf_test_nothing"),
    "not_a_directory": opening("/etc/passwd/x"),
    "path_too_long": opening("/" + "x" * 300),
    "path_loop": path_loop,
    "pin_dot": pinning("a.b"),
    "not_bpffs": not_bpffs,
    "read_only_mount": read_only_mount,
    "file_permissions": file_permissions,
    "get_mode": opening("/sys/fs/bpf/ebpf_test_nothing", uapi.BPF_F_RDONLY | uapi.BPF_F_WRONLY),
    "no_such_id": numbered(2**31 - 2),
    "no_more_ids": numbered(2**31 - 2, following=True),
    "id_range": numbered(2**31 - 1, following=True),
    "info_closed": info_closed,
    "info_too_long": info_too_long,
}

NOT_HERE = {
    "id_going": "takes a map that is freed in the same instant",
    "frozen_already_older": "what older kernels answer instead of frozen_already",
}
