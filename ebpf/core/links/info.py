"""What the kernel says of a link: ``struct bpf_link_info``."""

from __future__ import annotations

import ctypes
import struct

from ebpf.core import objects

__all__ = ["LinkInfo", "link_info"]

# struct bpf_link_info, include/uapi/linux/bpf.h: type, id, prog_id, then a union at 16, kind by kind.
_SIZE = 88
_HEAD = struct.Struct("=III4x")
_TEXT = 256  # room for a name the kernel writes: a tracepoint, an iterator, a path
# Link type -> what of the union is shown: name, offset, struct code.
_FIELDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "raw_tracepoint": (),
    "tracing": (("attach_type", 16, "I"), ("target_obj_id", 20, "I"), ("target_btf_id", 24, "I")),
    "cgroup": (("cgroup_id", 16, "Q"), ("attach_type", 24, "I")),
    "iter": (),
    "netns": (("netns_ino", 16, "I"), ("attach_type", 20, "I")),
    "xdp": (("ifindex", 16, "I"),),
    "struct_ops": (("map_id", 16, "I"),),
    "netfilter": (("pf", 16, "I"), ("hooknum", 20, "I"), ("priority", 24, "i"), ("flags", 28, "I")),
    "kprobe_multi": (("count", 24, "I"), ("flags", 28, "I"), ("missed", 32, "Q")),
    "uprobe_multi": (("count", 40, "I"), ("flags", 44, "I"), ("pid", 48, "I")),
    "perf_event": (("perf_event_type", 16, "I"),),
    "tcx": (("ifindex", 16, "I"), ("attach_type", 20, "I")),
    "netkit": (("ifindex", 16, "I"), ("attach_type", 20, "I")),
    "sockmap": (("map_id", 16, "I"), ("attach_type", 20, "I")),
}
# Kinds for which the kernel writes a name into memory of ours: offsets of pointer and length.
_NAMED = {"raw_tracepoint": (16, 24), "iter": (16, 24)}


class LinkInfo:
    """What the kernel says of a link.

    Attributes:
        type: a number; ``kind`` spells it: ``"xdp"``, ``"cgroup"``, ``"perf_event"`` ….
        id: by which the kernel knows it.
        program_id: the program it holds.
        name: of the tracepoint or iterator.
        details: what else there is for its kind: ``ifindex``, ``cgroup_id``, ``attach_type`` ….
    """

    __slots__ = ("details", "id", "name", "program_id", "type")

    def __init__(self, content: bytes, name: str = "") -> None:
        head: tuple[int, int, int] = _HEAD.unpack_from(content)
        self.type, self.id, self.program_id = head
        self.name = name
        self.details: dict[str, int] = {
            field: int(struct.unpack_from("=" + code, content, offset)[0])
            for field, offset, code in _FIELDS.get(self.kind, ())
        }

    @property
    def kind(self) -> str:
        """The link type, short: ``"xdp"`` for ``BPF_LINK_TYPE_XDP``."""
        return _kind(self.type)

    @property
    def target(self) -> str:
        """What it is attached to, as far as the kernel says, in words."""
        if self.name:
            return self.name
        if "attach_type" in self.details:
            from ebpf.core import rules

            where = rules.attach_type_name(self.details["attach_type"])
            rest = [f"{key} {value}" for key, value in self.details.items() if key != "attach_type" and value]
            return " of ".join((where, ", ".join(rest))) if rest else where
        return ", ".join(f"{key} {value}" for key, value in self.details.items()) or "nothing that is told"

    def __repr__(self) -> str:
        return f"<LinkInfo {self.kind}, id {self.id}, program {self.program_id}, {self.target}>"


def _kind(number: int) -> str:
    import featuredb

    prefix = "BPF_LINK_TYPE_"
    for record in featuredb.features("link_type"):
        if record.value == number:
            return record.name[len(prefix) :].lower()
    return f"link type {number}"


def link_info(fd: int) -> LinkInfo:
    """One ``BPF_OBJ_GET_INFO_BY_FD``, a second one for the name of a tracepoint or iterator."""
    memory = ctypes.create_string_buffer(_SIZE)
    objects.info(fd, memory, "link")
    places = _NAMED.get(_kind(_HEAD.unpack_from(memory.raw)[0]))
    if places is None:
        return LinkInfo(memory.raw)
    text = ctypes.create_string_buffer(_TEXT)
    again = ctypes.create_string_buffer(_SIZE)
    struct.pack_into("=Q", again, places[0], ctypes.addressof(text))
    struct.pack_into("=I", again, places[1], _TEXT)
    objects.info(fd, again, "link")
    return LinkInfo(memory.raw, text.value.decode("utf-8", "replace"))
