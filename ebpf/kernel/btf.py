"""What the running kernel's own type information (BTF) says about features.

An enumerator says only that the kernel's source knows the name, not that it was built in: ``lirc_mode2`` is in many
kernels' enums and compiled out. A missing enumerator of a named enum says that the kernel does not have it.
"""

from __future__ import annotations

from ebpf.errors import EbpfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf import Btf
    from featuredb import Feature

__all__ = ["BtfEvidence"]

_ENUMS = {
    "command": "bpf_cmd",
    "map_type": "bpf_map_type",
    "program_type": "bpf_prog_type",
    "attach_type": "bpf_attach_type",
    "link_type": "bpf_link_type",
    "helper": "bpf_func_id",
}
_FIELDS = ("struct_field", "attribute")


class BtfEvidence:
    """Answers out of the BTF at `path`;

    every answer is "not known" when there is no path or the file cannot be read.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._btf: Btf | None = None
        self._enums: dict[str, frozenset[str]] = {}
        self._structs: dict[str, frozenset[str]] = {}

    def _open(self) -> Btf | None:
        if self._btf is None and self._path:
            from ebpf.btf import Btf

            try:
                self._btf = Btf.open(self._path)
            except (OSError, EbpfError):
                self._path = None
        return self._btf

    def knows(self, record: Feature) -> tuple[bool | None, str]:
        """Whether the kernel's types have this feature's name (``None`` when they cannot say), and that as a clause."""
        if record.kind in _ENUMS:
            return self._enumerator(_ENUMS[record.kind], record)
        if record.kind in ("constant", "flag") and record.group:
            return self._enumerator(record.group, record)
        if record.kind in _FIELDS and "." in record.name:
            return self._field(record.name)
        return None, ""

    def _enumerator(self, enum: str, record: Feature) -> tuple[bool | None, str]:
        names = self._enum(enum)
        if not names:
            return None, ""
        if record.name in names or any(alias in names for alias in record.aliases):
            return True, f"enum {enum} in the kernel's BTF has it"
        return False, f"enum {enum} in the kernel's BTF does not have it"

    def _enum(self, enum: str) -> frozenset[str]:
        names = self._enums.get(enum)
        if names is None:
            btf = self._open()
            names = frozenset(btf.enumerators(enum)) if btf is not None else frozenset()
            self._enums[enum] = names
        return names

    def _field(self, name: str) -> tuple[bool | None, str]:
        struct, _, path = name.partition(".")
        fields = self._structs.get(struct)
        if fields is None:
            btf = self._open()
            fields = frozenset(btf.struct_fields(struct)) if btf is not None else frozenset()
            self._structs[struct] = fields
        if not fields:
            return None, ""
        if path.rpartition(".")[2] in fields:
            return True, f"{struct} in the kernel's BTF has the field"
        return False, f"{struct} in the kernel's BTF does not have the field"
