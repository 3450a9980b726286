"""What the kernel says of a program: ``struct bpf_prog_info``."""

from __future__ import annotations

import ctypes
import struct

from ebpf.core import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.asm import Instruction

__all__ = ["ProgramInfo", "program_info"]

# struct bpf_prog_info, include/uapi/linux/bpf.h. A kernel that knows less of it writes less.
_SIZE = 232
_FIELDS: dict[str, tuple[int, str]] = {
    "type": (0, "I"),
    "id": (4, "I"),
    "tag": (8, "8s"),
    "jited_prog_len": (16, "I"),
    "xlated_prog_len": (20, "I"),
    "xlated_prog_insns": (32, "Q"),
    "load_time": (40, "Q"),
    "created_by_uid": (48, "I"),
    "nr_map_ids": (52, "I"),
    "map_ids": (56, "Q"),
    "name": (64, "16s"),
    "ifindex": (80, "I"),
    "gpl_compatible": (84, "I"),
    "btf_id": (128, "I"),
    "run_time_ns": (192, "Q"),
    "run_cnt": (200, "Q"),
    "recursion_misses": (208, "Q"),
    "verified_insns": (216, "I"),
    "attach_btf_obj_id": (220, "I"),
    "attach_btf_id": (224, "I"),
}
_PLAIN = (
    "type",
    "id",
    "load_time",
    "created_by_uid",
    "ifindex",
    "btf_id",
    "run_time_ns",
    "run_cnt",
    "recursion_misses",
    "verified_insns",
    "attach_btf_obj_id",
    "attach_btf_id",
)


class ProgramInfo:
    """What the kernel says of a program.

    Attributes:
        type: a number; ``type_name`` spells it.
        id, name: by which the kernel knows it.
        tag: 16 hexadecimal digits, a digest of its instructions.
        gpl_compatible: whether it may call GPL-only helpers.
        load_time: when it was loaded, in nanoseconds since boot.
        created_by_uid: who loaded it.
        map_ids: the maps it uses.
        btf_id: its own BTF; ``attach_btf_id`` and ``attach_btf_obj_id`` name what it is attached to.
        ifindex: the network device it is bound to.
        jited_size: its machine code in bytes, 0 when the interpreter runs it.
        xlated_size: its instructions in bytes, as the kernel rewrote them.
        verified_insns: how many instructions the verifier went through.
        run_time_ns, run_cnt: how long it ran in all, and how often, while statistics were on (`ebpf.v2.statistics`).
        recursion_misses: how often it was not run, since it was running already.

    What the kernel does not tell is 0 or empty; the id of a program is never 0.
    """

    __slots__ = (*_PLAIN, "gpl_compatible", "jited_size", "map_ids", "name", "tag", "xlated_size")

    type: int
    id: int
    load_time: int
    created_by_uid: int
    ifindex: int
    btf_id: int
    run_time_ns: int
    run_cnt: int
    recursion_misses: int
    verified_insns: int
    attach_btf_obj_id: int
    attach_btf_id: int

    def __init__(self, content: bytes, map_ids: tuple[int, ...] = ()) -> None:
        for field in _PLAIN:
            setattr(self, field, _read(content, field))
        self.map_ids = map_ids
        self.tag: str = content[8:16].hex()
        self.name: str = content[64:80].rstrip(b"\0").decode("utf-8", "replace")
        self.gpl_compatible = bool(_read(content, "gpl_compatible") & 1)
        self.jited_size = _read(content, "jited_prog_len")
        self.xlated_size = _read(content, "xlated_prog_len")

    @property
    def type_name(self) -> str:
        """``BPF_PROG_TYPE_XDP`` …"""
        from ebpf.core import rules

        return rules.program_type_name(self.type)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<ProgramInfo {self.type_name}{name}, id {self.id}, tag {self.tag}>"


def _read(content: bytes, field: str) -> int:
    offset, code = _FIELDS[field]
    return int(struct.unpack_from("=" + code, content, offset)[0])


def _write(memory: ctypes.Array[ctypes.c_char], field: str, value: int) -> None:
    offset, code = _FIELDS[field]
    struct.pack_into("=" + code, memory, offset, value)


def program_info(fd: int) -> ProgramInfo:
    """One ``BPF_OBJ_GET_INFO_BY_FD``, a second one for the ids of its maps if it has any."""
    memory = ctypes.create_string_buffer(_SIZE)
    objects.info(fd, memory, "program")
    count = _read(memory.raw, "nr_map_ids")
    map_ids: tuple[int, ...] = ()
    if count:
        numbers = (ctypes.c_uint32 * count)()
        again = ctypes.create_string_buffer(_SIZE)
        _write(again, "nr_map_ids", count)
        _write(again, "map_ids", ctypes.addressof(numbers))
        objects.info(fd, again, "program")
        map_ids = tuple(numbers[: min(count, _read(again.raw, "nr_map_ids"))])
    return ProgramInfo(memory.raw, map_ids)


def translated(fd: int) -> list[Instruction]:
    """The instructions as the verifier left them; empty for a process that may not see them.

    They are what runs: helpers are calls by distance, maps are addresses or ids, dead code is gone.
    """
    from ebpf.asm import disassemble

    memory = ctypes.create_string_buffer(_SIZE)
    objects.info(fd, memory, "program")
    size = _read(memory.raw, "xlated_prog_len")
    code = ctypes.create_string_buffer(max(size, 1))
    again = ctypes.create_string_buffer(_SIZE)
    _write(again, "xlated_prog_len", size)
    _write(again, "xlated_prog_insns", ctypes.addressof(code))
    objects.info(fd, again, "program")
    if not _read(again.raw, "xlated_prog_insns"):  # zeroed by the kernel: the addresses in it are not for everybody
        return []
    return disassemble(code.raw[: _read(again.raw, "xlated_prog_len")])
