"""Trials of BTF: BPF_BTF_LOAD of the smallest blob that has the kind; the control is a blob of one integer type."""

from __future__ import annotations

import errno
import os
import struct

from ebpf.probe import calls, context
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXTRA", "NAMES", "TABLE", "blob", "record", "trial"]

(_PTR, _ARRAY, _STRUCT, _UNION, _ENUM, _FWD, _TYPEDEF, _VOLATILE, _CONST, _RESTRICT) = range(2, 12)
(_FUNC, _FUNC_PROTO, _VAR, _DATASEC, _FLOAT, _DECL_TAG, _TYPE_TAG, _ENUM64) = range(12, 20)

_I, _A, _B, _SECTION = 1, 3, 5, 7
_STRINGS = b"\0i\0a\0b\0.data\0"
_DIRECTORY = "/sys/kernel/btf"


def record(name: int, kind: int, size_or_type: int, *rest: int, vlen: int = 0, flag: bool = False) -> bytes:
    """``struct btf_type`` and the words that follow it; names are offsets into the strings."""
    info = int(flag) << 31 | kind << 24 | vlen
    return struct.pack(f"={3 + len(rest)}I", name, info, size_or_type, *rest)


_INT = record(_I, 1, 4, 1 << 24 | 32)
_PROTO = record(0, _FUNC_PROTO, 1, _A, 1, vlen=1)
_STATIC_VAR = record(_A, _VAR, 1, 0)
_NO_COMPONENT = 0xFFFFFFFF


def blob(*records: bytes) -> bytes:
    """BTF of an integer, type 1, and these types, from 2 on."""
    return calls.btf(_INT + b"".join(records), _STRINGS)


TABLE: dict[str, bytes] = {
    "btf_kind_int": blob(),
    "btf_kind_ptr": blob(record(0, _PTR, 1)),
    "btf_kind_array": blob(record(0, _ARRAY, 0, 1, 1, 2)),
    "btf_kind_struct": blob(record(_A, _STRUCT, 4, _B, 1, 0, vlen=1)),
    "btf_kind_union": blob(record(_A, _UNION, 4, _B, 1, 0, vlen=1)),
    "btf_kind_enum": blob(record(_A, _ENUM, 4, _B, 0, vlen=1)),
    "btf_kind_fwd": blob(record(_A, _FWD, 0)),
    "btf_kind_typedef": blob(record(_A, _TYPEDEF, 1)),
    "btf_kind_volatile": blob(record(0, _VOLATILE, 1)),
    "btf_kind_const": blob(record(0, _CONST, 1)),
    "btf_kind_restrict": blob(record(0, _RESTRICT, 1)),
    "btf_kind_func": blob(_PROTO, record(_B, _FUNC, 2)),
    "btf_kind_func_proto": blob(_PROTO),
    "btf_kind_var": blob(_STATIC_VAR),
    "btf_kind_datasec": blob(_STATIC_VAR, record(_SECTION, _DATASEC, 4, 2, 0, 4, vlen=1)),
    "btf_kind_float": blob(record(_A, _FLOAT, 4)),
    "btf_kind_decl_tag": blob(_STATIC_VAR, record(_B, _DECL_TAG, 2, _NO_COMPONENT)),
    "btf_kind_type_tag": blob(record(_B, _TYPE_TAG, 1), record(0, _PTR, 2)),
    "btf_kind_enum64": blob(record(_A, _ENUM64, 8, _B, 0, 0, vlen=1)),
    # A function's linkage stands where other kinds count their members: 1 is global.
    "btf_func_global": blob(_PROTO, record(_B, _FUNC, 2, vlen=1)),
    # The kind flag: bitfields in a structure, a forward declaration of a union, the sign of an enumeration.
    "btf_kind_flag": blob(record(_A, _STRUCT, 4, _B, 1, 4 << 24, vlen=1, flag=True)),
    "btf_fwd_union": blob(record(_A, _FWD, 0, flag=True)),
    "btf_enum_signed": blob(record(_A, _ENUM, 4, _B, 0, vlen=1, flag=True)),
    "btf_decl_tag_on_typedef": blob(record(_A, _TYPEDEF, 1), record(_B, _DECL_TAG, 2, _NO_COMPONENT)),
    "btf_decl_tag_on_func": blob(_PROTO, record(_A, _FUNC, 2), record(_B, _DECL_TAG, 3, _NO_COMPONENT)),
    "btf_type_tag_attribute": blob(record(_B, _TYPE_TAG, 1, flag=True), record(0, _PTR, 2)),
    "btf_decl_tag_attribute": blob(_STATIC_VAR, record(_B, _DECL_TAG, 2, _NO_COMPONENT, flag=True)),
}


def _vmlinux(name: str) -> Outcome:
    if os.path.exists(f"{_DIRECTORY}/vmlinux"):
        return Outcome(SUPPORTED, f"{_DIRECTORY}/vmlinux is there")
    if os.path.isdir("/sys/kernel"):
        return Outcome(ABSENT, f"{_DIRECTORY}/vmlinux is not there")
    return Outcome(UNKNOWN, "/sys/kernel is not there: sysfs is not mounted")


def _modules(name: str) -> Outcome | None:
    """Some module's BTF shows that there is such a thing; none may mean that no module is loaded."""
    try:
        modules = [entry for entry in os.listdir(_DIRECTORY) if entry != "vmlinux"]
    except OSError:
        return None
    return Outcome(SUPPORTED, f"{_DIRECTORY}/{modules[0]} is there") if modules else None


EXTRA: dict[str, Callable[[str], Outcome | None]] = {"vmlinux_btf": _vmlinux, "module_btf": _modules}

NAMES = (*TABLE, *EXTRA)
"""Everything about BTF that has a trial."""


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the kernel loads this kind of BTF; `None` for a name without a trial."""
    special = EXTRA.get(name)
    if special is not None:
        return special(name)
    data = TABLE.get(name)
    if data is None:
        return None
    return judge(
        calls.load_btf(data), f"BPF_BTF_LOAD for {name}", context.can_load_btf, absent=(errno.EINVAL, errno.ENOTSUP)
    )
