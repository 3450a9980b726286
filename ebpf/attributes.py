"""Where the fields of the longer attributes of bpf(2) are: offset and struct code of each, command by command.

Offsets are those of ``union bpf_attr`` (include/uapi/linux/bpf.h); they never change. An attribute is cut after the
last field that is set, so that a kernel which does not know a later field never sees it.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BTF_LOAD", "MAP_CREATE", "PROG_LOAD", "attribute"]

MAP_CREATE: dict[str, tuple[int, str]] = {
    "map_type": (0, "I"),
    "key_size": (4, "I"),
    "value_size": (8, "I"),
    "max_entries": (12, "I"),
    "map_flags": (16, "I"),
    "inner_map_fd": (20, "I"),
    "numa_node": (24, "I"),
    "map_name": (28, "16s"),
    "map_ifindex": (44, "I"),
    "btf_fd": (48, "I"),
    "btf_key_type_id": (52, "I"),
    "btf_value_type_id": (56, "I"),
    "btf_vmlinux_value_type_id": (60, "I"),
    "map_extra": (64, "Q"),
    "value_type_btf_obj_fd": (72, "i"),
    "map_token_fd": (76, "i"),
    "excl_prog_hash": (80, "Q"),
    "excl_prog_hash_size": (88, "I"),
}
"""Fields of BPF_MAP_CREATE: offset and struct code."""

PROG_LOAD: dict[str, tuple[int, str]] = {
    "prog_type": (0, "I"),
    "insn_cnt": (4, "I"),
    "insns": (8, "Q"),
    "license": (16, "Q"),
    "log_level": (24, "I"),
    "log_size": (28, "I"),
    "log_buf": (32, "Q"),
    "kern_version": (40, "I"),
    "prog_flags": (44, "I"),
    "prog_name": (48, "16s"),
    "prog_ifindex": (64, "I"),
    "expected_attach_type": (68, "I"),
    "prog_btf_fd": (72, "I"),
    "func_info_rec_size": (76, "I"),
    "func_info": (80, "Q"),
    "func_info_cnt": (88, "I"),
    "line_info_rec_size": (92, "I"),
    "line_info": (96, "Q"),
    "line_info_cnt": (104, "I"),
    "attach_btf_id": (108, "I"),
    "attach_btf_obj_fd": (112, "I"),
    "core_relo_cnt": (116, "I"),
    "fd_array": (120, "Q"),
    "core_relos": (128, "Q"),
    "core_relo_rec_size": (136, "I"),
    "log_true_size": (140, "I"),
    "prog_token_fd": (144, "i"),
    "fd_array_cnt": (148, "I"),
    "signature": (152, "Q"),
    "signature_size": (160, "I"),
    "keyring_id": (164, "i"),
}
"""Fields of BPF_PROG_LOAD: offset and struct code."""

BTF_LOAD: dict[str, tuple[int, str]] = {
    "btf": (0, "Q"),
    "btf_log_buf": (8, "Q"),
    "btf_size": (16, "I"),
    "btf_log_size": (20, "I"),
    "btf_log_level": (24, "I"),
    "btf_log_true_size": (28, "I"),
    "btf_flags": (32, "I"),
    "btf_token_fd": (36, "i"),
}
"""Fields of BPF_BTF_LOAD: offset and struct code."""


def attribute(layout: Mapping[str, tuple[int, str]], fields: Mapping[str, int | bytes]) -> bytearray:
    """``union bpf_attr`` with these fields set, cut after the last of them."""
    end = max(layout[name][0] + struct.calcsize(layout[name][1]) for name in fields)
    attr = bytearray(end)
    for name, value in fields.items():
        offset, code = layout[name]
        struct.pack_into("=" + code, attr, offset, value)
    return attr
