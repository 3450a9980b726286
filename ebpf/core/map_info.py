"""What the kernel says of a map: ``struct bpf_map_info``, and /proc/self/fdinfo where there is no such call."""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi
from ebpf.core.adaptation import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.map import MapCore

__all__ = ["MapInfo", "map_info"]

# struct bpf_map_info, include/uapi/linux/bpf.h, up to map_extra. A kernel that knows less of it writes less.
_INFO = struct.Struct("=6I16sIIQQ4IQ")
_ATTR = struct.Struct("=IIQ")  # bpf_fd, info_len, info
# The id of the command is unknown (EINVAL) before 4.13.
_UNKNOWN = -errno.EINVAL


class MapInfo:
    """What the kernel says of a map.

    Attributes: ``type`` (a number; ``type_name`` spells it), ``id``, ``key_size``, ``value_size``, ``max_entries``,
    ``flags``, ``name``, ``ifindex``, ``netns_dev``, ``netns_ino``, ``btf_id``, ``btf_key_type_id``,
    ``btf_value_type_id``, ``btf_vmlinux_value_type_id``, ``btf_vmlinux_id``, ``map_extra``. What the kernel does not
    tell is 0 or empty; the id of a map is never 0.
    """

    __slots__ = (
        "btf_id",
        "btf_key_type_id",
        "btf_value_type_id",
        "btf_vmlinux_id",
        "btf_vmlinux_value_type_id",
        "flags",
        "id",
        "ifindex",
        "key_size",
        "map_extra",
        "max_entries",
        "name",
        "netns_dev",
        "netns_ino",
        "type",
        "value_size",
    )

    def __init__(self, content: bytes) -> None:
        (
            self.type,
            self.id,
            self.key_size,
            self.value_size,
            self.max_entries,
            self.flags,
            name,
            self.ifindex,
            self.btf_vmlinux_value_type_id,
            self.netns_dev,
            self.netns_ino,
            self.btf_id,
            self.btf_key_type_id,
            self.btf_value_type_id,
            self.btf_vmlinux_id,
            self.map_extra,
        ) = _INFO.unpack(content)
        self.name: str = name.rstrip(b"\0").decode("utf-8", "replace")

    @property
    def type_name(self) -> str:
        """``BPF_MAP_TYPE_HASH`` …"""
        from ebpf.core import rules

        return rules.map_type_name(self.type)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return (
            f"<MapInfo {self.type_name}{name}, id {self.id}, key {self.key_size} bytes, value {self.value_size} bytes,"
            f" max_entries {self.max_entries}, flags {self.flags:#x}>"
        )


def map_info(core: MapCore) -> MapInfo:
    """One ``BPF_OBJ_GET_INFO_BY_FD``; before Linux 4.13 what /proc/self/fdinfo says."""
    memory = ctypes.create_string_buffer(_INFO.size)
    attr = _ATTR.pack(core.fd, _INFO.size, ctypes.addressof(memory))
    result = syscall.attempt(uapi.BPF_OBJ_GET_INFO_BY_FD, attr)
    if result >= 0:
        return MapInfo(memory.raw)
    if result == _UNKNOWN:
        fields = _fdinfo(core.fd)
        if fields:
            adapt(core, "info")
            return _from_fdinfo(core, fields)
    raise core.failed(uapi.BPF_OBJ_GET_INFO_BY_FD, None, 0, -result)


def _from_fdinfo(core: MapCore, fields: dict[str, int]) -> MapInfo:
    head = (
        fields.get("map_type", core.map_type),
        fields.get("map_id", 0),
        fields.get("key_size", core.key_size),
        fields.get("value_size", core.value_size),
        fields.get("max_entries", core.max_entries),
        fields.get("map_flags", core.flags),
    )
    return MapInfo(_INFO.pack(*head, core.name.encode(), *(0,) * 9))


def _fdinfo(fd: int) -> dict[str, int]:
    """The numbers of ``/proc/self/fdinfo/FD``: map_type, key_size … (kernel/bpf/syscall.c, bpf_map_show_fdinfo())."""
    from ebpf.host.files import Files

    fields = {}
    for line in (Files().text(f"/proc/self/fdinfo/{fd}") or "").splitlines():
        name, _, value = line.partition(":")
        if name in ("map_type", "map_id", "key_size", "value_size", "max_entries", "map_flags"):
            fields[name] = int(value.strip(), 0)
    return fields
