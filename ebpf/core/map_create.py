"""``BPF_MAP_CREATE``, and what is left out of it where a kernel is too old."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from ebpf import syscall, uapi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.core.map import MapCore

__all__ = ["create"]

# union bpf_attr, include/uapi/linux/bpf.h, up to excl_prog_hash_size (Linux 6.18).
_ATTR = struct.Struct("=7I16s5IQiiQI")
# map_type to map_flags: every kernel since 3.19 takes these 20 bytes. What follows is cut after the last byte that is
# not zero, so that no kernel meets what it does not know (E2BIG) unless it was asked for.
_SHORTEST = 20
_NAME_LENGTH = 15  # BPF_OBJ_NAME_LEN, include/uapi/linux/bpf.h, with the NUL
_REFUSED = (-errno.EINVAL, -errno.E2BIG)


def create(
    core: MapCore,
    *,
    inner_map_fd: int,
    numa_node: int | None,
    ifindex: int,
    btf_fd: int,
    btf_key_type_id: int,
    btf_value_type_id: int,
    btf_vmlinux_value_type_id: int,
    value_type_btf_obj_fd: int,
    map_extra: int,
    token_fd: int,
    exclusive_program: bytes,
) -> int:
    """A file descriptor for the map that `core` describes. Parameters as for `ebpf.core.map.MapCore`.

    Raises what `ebpf.diagnose` makes of a refusal.
    """
    if numa_node is not None:
        core.flags |= uapi.BPF_F_NUMA_NODE
    if token_fd:
        core.flags |= uapi.BPF_F_TOKEN_FD
    if value_type_btf_obj_fd:
        core.flags |= uapi.BPF_F_VTYPE_BTF_OBJ_FD
    digest = ctypes.create_string_buffer(exclusive_program, len(exclusive_program)) if exclusive_program else None

    def attribute(flags: int, name: bytes, with_btf: bool) -> bytes:
        try:
            attr = _ATTR.pack(
                core.map_type,
                core.key_size,
                core.value_size,
                core.max_entries,
                flags,
                inner_map_fd,
                numa_node or 0,
                name,
                ifindex,
                *((btf_fd, btf_key_type_id, btf_value_type_id) if with_btf else (0, 0, 0)),
                btf_vmlinux_value_type_id,
                map_extra,
                value_type_btf_obj_fd,
                token_fd,
                ctypes.addressof(digest) if digest is not None else 0,
                len(exclusive_program),
            )
        except struct.error:
            from ebpf import diagnose

            raise diagnose.map_arguments(
                core.map_type, core.key_size, core.value_size, core.max_entries, flags
            ) from None
        return attr.rstrip(b"\0").ljust(_SHORTEST, b"\0")

    name = _name(core.name)
    attr = attribute(core.flags, name, True)
    result = syscall.attempt(uapi.BPF_MAP_CREATE, attr)
    if result >= 0:
        return result
    if result == -errno.EPERM and core.adapt:
        from ebpf.core.memlock import with_more

        again = with_more(lambda: syscall.attempt(uapi.BPF_MAP_CREATE, attr))
        if again >= 0:
            return _adapted(core, again, ("memlock",), core.flags)
    if result in _REFUSED:
        for without, flags in _relaxations(core, bool(name), bool(btf_fd)):
            relaxed = attribute(flags, b"" if "unnamed" in without else name, "untyped" not in without)
            fd = syscall.attempt(uapi.BPF_MAP_CREATE, relaxed)
            if fd >= 0:
                return _adapted(core, fd, without, flags)
    from ebpf import diagnose

    raise diagnose.map_create(
        core.map_type,
        core.key_size,
        core.value_size,
        core.max_entries,
        core.flags,
        -result,
        name=core.name,
        map_extra=map_extra,
        inner_map_fd=inner_map_fd,
        numa_node=numa_node,
        btf_fd=btf_fd,
        btf_key_type_id=btf_key_type_id,
        btf_value_type_id=btf_value_type_id,
    )


def _name(name: str) -> bytes:
    """The name as the kernel takes it (kernel/bpf/syscall.c, bpf_obj_name_cpy()), or `ArgumentError`."""
    encoded = name.encode("utf-8", "surrogateescape")
    rest = name.replace("_", "").replace(".", "")
    if not encoded or (len(encoded) <= _NAME_LENGTH and rest.isascii() and (rest.isalnum() or not rest)):
        return encoded
    from ebpf.errors import ArgumentError

    raise ArgumentError(f"name is {name!r}: give at most {_NAME_LENGTH} letters, digits, '_' and '.' of ASCII")


def _relaxations(core: MapCore, named: bool, typed: bool) -> Iterator[tuple[tuple[str, ...], int]]:
    """What may be left out: names of adaptations, and the flags that remain."""
    flags = core.flags & ~uapi.BPF_F_MMAPABLE
    mapped = core.map_type == uapi.BPF_MAP_TYPE_ARRAY and flags != core.flags
    if named:
        yield ("unnamed",), core.flags
    if mapped:
        yield ("mmap",), flags
    if typed:
        yield ("untyped",), core.flags
    if named + mapped + typed > 1:
        everything = (("unnamed", named), ("mmap", mapped), ("untyped", typed))
        yield tuple(name for name, there in everything if there), flags if mapped else core.flags


def _adapted(core: MapCore, fd: int, without: tuple[str, ...], flags: int) -> int:
    """Note what was left out; the map is closed again when that is refused."""
    from ebpf.core.adaptation import adapt

    try:
        for name in without:
            adapt(core, name)
    except BaseException:
        os.close(fd)
        raise
    core.flags = flags
    return fd
