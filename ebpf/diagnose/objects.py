"""Why freezing, pinning, opening and listing maps fails.

Source: map_freeze(), bpf_obj_pin(), bpf_obj_get(), bpf_map_get_fd_by_id(), bpf_obj_get_next_id(),
bpf_obj_get_info_by_fd() of kernel/bpf/syscall.c, and kernel/bpf/inode.c.
"""

from __future__ import annotations

import os

from ebpf import uapi
from ebpf.diagnose.failure import MapFailure, element_row
from ebpf.errors import ArgumentError, PermissionDeniedError, SyscallError

__all__ = ["ROWS"]

_FREEZE, _PIN, _GET, _BY_ID, _NEXT_ID, _INFO = (
    ("BPF_MAP_FREEZE",),
    ("BPF_OBJ_PIN",),
    ("BPF_OBJ_GET",),
    ("BPF_MAP_GET_FD_BY_ID",),
    ("BPF_MAP_GET_NEXT_ID",),
    ("BPF_OBJ_GET_INFO_BY_FD",),
)
_PATHS = (*_PIN, *_GET)
_IDS = (*_BY_ID, *_NEXT_ID)


def _parent(f: MapFailure) -> str:
    return os.path.dirname(os.path.abspath(f.path))


def _on_bpffs(f: MapFailure) -> bool:
    """Whether the directory of the path is on a bpf file system."""
    from ebpf.host.files import Files
    from ebpf.host.mounts import Mounts

    try:
        device = os.stat(_parent(f)).st_dev
        return any(os.stat(mount.path).st_dev == device for mount in Mounts.read(Files()).all("bpf"))
    except OSError:
        return True  # not to be known: say nothing of it


def _no_admin(f: MapFailure) -> bool:
    from ebpf.kernel import running

    return not running().host.capabilities.has("CAP_SYS_ADMIN")


ROWS = (
    element_row(
        "frozen_already",
        "EPERM",
        _FREEZE,
        (),
        "the map is frozen already",
        "the map is frozen already",
        SyscallError,
        lambda f: f.frozen,
    ),
    element_row(
        "frozen_already_older",
        "EBUSY",
        _FREEZE,
        (),
        "the map is frozen already (older kernels)",
        "the map is frozen already",
        SyscallError,
        lambda f: f.frozen,
    ),
    element_row(
        "written_now",
        "EBUSY",
        _FREEZE,
        (),
        "the map is being written to, or is mapped writable",
        "the map is being written to by another thread, or is mapped writable: finish that, unmap it, then freeze",
        SyscallError,
    ),
    element_row(
        "cannot_freeze",
        "ENOTSUPP",
        _FREEZE,
        (),
        "the type, or a field of its values (bpf_spin_lock, bpf_timer, kptr …), cannot be frozen",
        "maps of this type, or with a bpf_spin_lock, bpf_timer or the like in their values, cannot be frozen",
    ),
    # Paths.
    element_row(
        "pin_exists",
        "EEXIST",
        _PIN,
        (),
        "the path exists",
        "{f.path} exists already: unpin what is there, or choose another path",
        SyscallError,
    ),
    element_row(
        "pin_directory",
        "ENOENT",
        _PIN,
        (),
        "the directory of the path does not exist",
        "the directory of {f.path} does not exist: create it below a mounted bpf file system",
        SyscallError,
    ),
    element_row(
        "pin_missing",
        "ENOENT",
        _GET,
        (),
        "nothing is at the path",
        "nothing is pinned at {f.path}",
        SyscallError,
    ),
    element_row(
        "not_a_directory",
        "ENOTDIR",
        _PATHS,
        (),
        "a part of the path is not a directory",
        "a part of {f.path} is not a directory",
        SyscallError,
    ),
    element_row(
        "path_too_long",
        "ENAMETOOLONG",
        _PATHS,
        (),
        "the path, or one name in it, is too long",
        "{f.path} is too long: a name has 255 bytes at most, a path 4095",
    ),
    element_row(
        "path_loop",
        "ELOOP",
        _PATHS,
        (),
        "too many symbolic links",
        "{f.path} runs through too many symbolic links",
        SyscallError,
    ),
    element_row(
        "pin_dot",
        "EPERM",
        _PIN,
        (),
        "a dot in the name of the pin",
        "{f.path}: the bpf file system takes no names with a dot in them",
        ArgumentError,
        lambda f: "." in os.path.basename(f.path) and _on_bpffs(f),
    ),
    element_row(
        "not_bpffs",
        "EPERM",
        _PIN,
        (),
        "the path is not on a bpf file system",
        "{f.path} is not on a bpf file system: pin below one, usually /sys/fs/bpf (mount -t bpf bpf /sys/fs/bpf)",
        PermissionDeniedError,
        lambda f: not _on_bpffs(f),
    ),
    element_row(
        "read_only_mount",
        "EROFS",
        _PATHS,
        (),
        "the file system is mounted read-only",
        "the file system of {f.path} is mounted read-only",
        SyscallError,
    ),
    element_row(
        "file_permissions",
        "EACCES",
        _PATHS,
        (),
        "the permissions of the file or a directory, or the path is not on a bpf file system",
        "the permissions of {f.path} or of a directory on the way refuse it, or it is no pinned object: look at ls -l",
        PermissionDeniedError,
    ),
    element_row(
        "get_mode",
        "EINVAL",
        (*_GET, *_BY_ID),
        (),
        "BPF_F_RDONLY and BPF_F_WRONLY together, or other flags",
        "flags {f.flags:#x} are not for opening: give BPF_F_RDONLY (8), BPF_F_WRONLY (16) or 0",
        when=lambda f: f.flags & ~uapi.BPF_F_RDONLY and f.flags != uapi.BPF_F_WRONLY,
    ),
    # Numbers.
    element_row(
        "no_such_id",
        "ENOENT",
        _BY_ID,
        (),
        "no map has this id",
        "no map has the id {f.map_id}: it was closed, or never was",
        SyscallError,
    ),
    element_row(
        "no_more_ids",
        "ENOENT",
        _NEXT_ID,
        (),
        "no map has a higher id",
        "no map has an id above {f.map_id}",
        SyscallError,
    ),
    element_row(
        "id_range",
        "EINVAL",
        _NEXT_ID,
        (),
        "the id is 2**31 - 1 or more",
        "the id to start after is {f.map_id}: ids are below 2147483647",
        when=lambda f: (f.map_id or 0) >= 2**31 - 1,
    ),
    element_row(
        "id_going",
        "EAGAIN",
        _BY_ID,
        (),
        "the map with this id is being freed",
        "the map with the id {f.map_id} is being freed",
        SyscallError,
    ),
    element_row(
        "ids_need_admin",
        "EPERM",
        _IDS,
        (),
        "CAP_SYS_ADMIN is missing",
        "listing and opening maps by their id needs CAP_SYS_ADMIN. Run as root, or open a pinned map by its path.",
        PermissionDeniedError,
        _no_admin,
    ),
    # Descriptors.
    element_row(
        "info_too_long",
        "E2BIG",
        _INFO,
        (),
        "a longer struct bpf_map_info than this kernel knows, with bytes in it that are not zero",
        "this kernel knows fewer fields of struct bpf_map_info than were given, and those beyond are not zero",
    ),
)
