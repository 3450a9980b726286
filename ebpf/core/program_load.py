"""``BPF_PROG_LOAD``: the call, what is left out of it where a kernel is too old, and the verifier's log."""

from __future__ import annotations

import ctypes
import errno
import struct

from ebpf import syscall, uapi
from ebpf.attributes import PROG_LOAD, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Describe = Callable[[int], str]

__all__ = ["INSTRUCTION", "Load"]

INSTRUCTION = 8
"""sizeof(struct bpf_insn)."""
_NAME_LENGTH = 15  # BPF_OBJ_NAME_LEN, with the NUL
# The log is asked for once, after a failure. Kernels before 6.4 keep the beginning of one that does not fit (ENOSPC),
# and 16 MiB - 1 is the most that kernels before 5.13 take (kernel/bpf/verifier.c: "log->len_total > UINT_MAX >> 8").
_LOG_SIZES = (1 << 20, (1 << 24) - 1)
_ATTEMPTS = 5  # the verifier gives up with EAGAIN when a signal is pending
_BTF_FIELDS = (
    "prog_btf_fd",
    "func_info_rec_size",
    "func_info",
    "func_info_cnt",
    "line_info_rec_size",
    "line_info",
    "line_info_cnt",
)


class Load:
    """One program to be loaded.

    Attributes:
        program_type: a ``BPF_PROG_TYPE_…`` number.
        insns: ``struct bpf_insn`` after ``struct bpf_insn``.
        license: as the program declares it.
        name: as the caller gave it.
        fields: what else of ``BPF_PROG_LOAD`` is set, by the names of `ebpf.attributes.PROG_LOAD`.
        describe: says where an instruction comes from, given its number: ``"sample.bpf.c:12: x = y + 1"``.
        optional_attach_type: whether a kernel may be loaded the program without its expected_attach_type.
    """

    __slots__ = (
        "_memory",
        "describe",
        "fields",
        "insns",
        "license",
        "name",
        "optional_attach_type",
        "program_type",
    )

    def __init__(
        self,
        program_type: int,
        insns: bytes,
        license: str,
        name: str,
        fields: dict[str, int],
        *,
        func_info: bytes = b"",
        line_info: bytes = b"",
        fd_array: Sequence[int] = (),
        describe: Describe | None = None,
        optional_attach_type: bool = False,
    ) -> None:
        self.program_type = program_type
        self.insns = insns
        self.license = license
        self.name = name
        self.describe = describe
        self.optional_attach_type = optional_attach_type
        self._memory: list[ctypes.Array[Any]] = []
        self.fields: dict[str, int | bytes] = {
            "prog_type": program_type,
            "insn_cnt": len(insns) // INSTRUCTION,
            "insns": self._keep(insns),
            "license": self._keep(license.encode("utf-8", "surrogateescape") + b"\0"),
        }
        self.fields.update((key, value) for key, value in fields.items() if value)
        # Every kernel is shown the attribute up to kern_version, all that the first ones knew.
        self.fields.setdefault("kern_version", 0)
        if name:
            self.fields["prog_name"] = _kernel_name(name)
        for key, records in (("func_info", func_info), ("line_info", line_info)):
            size = fields.get(f"{key}_rec_size", 0)
            if records and size:
                self.fields[key] = self._keep(records)
                self.fields[f"{key}_cnt"] = len(records) // size
            else:
                self.fields.pop(f"{key}_rec_size", None)
        if fd_array:
            self.fields["fd_array"] = self._keep(struct.pack(f"={len(fd_array)}i", *fd_array))

    def _keep(self, content: bytes) -> int:
        memory = ctypes.create_string_buffer(content, len(content))
        self._memory.append(memory)
        return ctypes.addressof(memory)

    def attempt(self, without: Iterable[str] = (), **more: int) -> int:
        """Load it once, without these fields and with these more: an fd or -errno."""
        fields = {**self.fields, **more}
        for name in without:
            fields.pop(name, None)
        attr = attribute(PROG_LOAD, fields)
        for _ in range(_ATTEMPTS):
            result = syscall.attempt(uapi.BPF_PROG_LOAD, attr)
            if result != -errno.EAGAIN:
                break
        return result

    def relaxations(self) -> list[tuple[str, tuple[str, ...]]]:
        """What may be left out for the sake of an older kernel: an adaptation's name, and the fields to do without."""
        rows: list[tuple[str, tuple[str, ...]]] = []
        if "prog_name" in self.fields:
            rows.append(("unnamed_program", ("prog_name",)))
        if self.optional_attach_type and "expected_attach_type" in self.fields:
            rows.append(("attach_type", ("expected_attach_type",)))
        if "prog_btf_fd" in self.fields:
            rows.append(("program_btf", _BTF_FIELDS))
        return rows

    def logged(self, without: Iterable[str] = (), level: int = 1) -> tuple[int, str]:
        """Load it with the verifier's log: an fd or -errno, and the log."""
        result, text = -errno.ENOSPC, ""
        for size in _LOG_SIZES:
            log = ctypes.create_string_buffer(size)
            result = self.attempt(without, log_level=level, log_size=size, log_buf=ctypes.addressof(log))
            text = log.value.decode("utf-8", "replace")
            if result != -errno.ENOSPC:
                break
        return result, text


def _kernel_name(name: str) -> bytes:
    """As much of a name as the kernel takes: 15 letters, digits, ``_`` (kernel/bpf/syscall.c, bpf_obj_name_cpy())."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in name)
    return kept[:_NAME_LENGTH].encode()
