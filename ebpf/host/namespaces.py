"""The namespaces that the calling thread is in, above all the user namespace: bpf(2) counts only the initial one."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["UserNamespace", "inode_of", "is_initial", "read", "read_user"]

# include/linux/proc_ns.h (include/uapi/linux/nsfs.h since 6.18), PROC_USER_INIT_INO.
INITIAL_USER_INODE = 0xEFFFFFFD
_KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


class UserNamespace:
    """A user namespace: ``initial`` (``None``: unknown), ``uid_map`` as (inside, outside, count) rows, ``inode``."""

    __slots__ = ("initial", "inode", "uid_map")

    def __init__(self, uid_map: str | None, inode: int | None) -> None:
        self.uid_map = _rows(uid_map)
        self.inode = inode
        self.initial = is_initial(self.uid_map if uid_map is not None else None, inode)


def is_initial(uid_map: tuple[tuple[int, ...], ...] | None, inode: int | None) -> bool | None:
    """Whether this is the initial user namespace.

    Its inode decides where it can be seen: a namespace that maps every user onto itself has the initial one's map.
    Kernels built without CONFIG_USER_NS have neither map nor inode and only one namespace.
    """
    if inode is not None:
        return inode == INITIAL_USER_INODE
    if uid_map is not None:
        return uid_map == ((0, 0, 4294967295),)
    return None


def read(files: Files) -> dict[str, int]:
    """The inode of each namespace of the calling thread; those that cannot be seen are left out."""
    inodes: dict[str, int] = {}
    for kind in _KINDS:
        inode = inode_of(files, kind)
        if inode is not None:
            inodes[kind] = inode
    return inodes


def inode_of(files: Files, kind: str) -> int | None:
    """The inode of one namespace of the calling thread, ``"user"`` for one; ``None`` when it cannot be seen."""
    for task in ("thread-self", "self"):
        try:
            link = os.readlink(files.path(f"/proc/{task}/ns/{kind}"))  # "user:[4026531837]"
        except OSError:
            continue
        digits = link.partition("[")[2].rstrip("]")
        if digits.isdigit():
            return int(digits)
    return None


def read_user(files: Files) -> UserNamespace:
    """The calling thread's user namespace."""
    return UserNamespace(files.text("/proc/self/uid_map"), inode_of(files, "user"))


def _rows(uid_map: str | None) -> tuple[tuple[int, ...], ...]:
    rows = []
    for line in (uid_map or "").splitlines():
        words = line.split()
        if len(words) == 3 and all(word.isdigit() for word in words):
            rows.append(tuple(int(word) for word in words))
    return tuple(rows)
