"""What the running kernel's own type information (BTF) says about features.

An enumerator says only that the kernel's source knows the name, not that it was built in: ``lirc_mode2`` is in many
kernels' enums and compiled out. A missing enumerator of a named enum says that the kernel does not have it.
"""

from __future__ import annotations

from ebpf.probe import kernel_btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from featuredb import Feature

    Answer = tuple[bool | None, str]

__all__ = ["BtfEvidence", "names"]

_ENUMS = {
    "command": "bpf_cmd",
    "map_type": "bpf_map_type",
    "program_type": "bpf_prog_type",
    "attach_type": "bpf_attach_type",
    "link_type": "bpf_link_type",
    "helper": "bpf_func_id",
}
_FIELDS = ("struct_field", "attribute")


def _enum(record: Feature) -> str:
    """The enum that a feature is an enumerator of; empty for anonymous ones, which BTF cannot be searched for."""
    if record.kind in ("constant", "flag"):
        return record.group if record.group.isidentifier() else ""
    return _ENUMS.get(record.kind, "")


def names(records: Iterable[Feature]) -> set[str]:
    """The enums and structs in which the answers about these records are found."""
    found = {_enum(record) for record in records}
    found |= {record.name.partition(".")[0] for record in records if record.kind in _FIELDS and "." in record.name}
    return found - {""}


class BtfEvidence:
    """Answers out of vmlinux BTF; every answer is "not known" when there is none that can be read."""

    def __init__(self) -> None:
        self._members: dict[str, frozenset[str]] = {}
        self._answers: dict[str, Answer] = {}

    def remember(self, answers: dict[str, Answer]) -> None:
        """Take over answers, by feature, that another process found in the same BTF."""
        self._answers.update(answers)

    def knows(self, record: Feature) -> Answer:
        """Whether the kernel's types have this feature's name (``None``: they cannot say), and that as a clause."""
        answer = self._answers.get(record.name)
        if answer is None:
            answer = self._answers[record.name] = self._look(record)
        return answer

    def _look(self, record: Feature) -> Answer:
        enum = _enum(record)
        if enum:
            spelt = (record.name, *record.aliases)
            return self._among(spelt, enum, f"enum {enum} in the kernel's BTF")
        if record.kind in _FIELDS and "." in record.name:
            struct, _, path = record.name.partition(".")
            return self._among((path, path.rpartition(".")[2]), struct, f"{struct} in the kernel's BTF")
        return None, ""

    def _among(self, spelt: tuple[str, ...], holder: str, where: str) -> Answer:
        members = self._members.get(holder)
        if members is None:
            btf = kernel_btf.vmlinux()
            found = {} if btf is None else btf.enumerators(holder) or btf.struct_fields(holder)
            members = self._members[holder] = frozenset(found)
        if not members:
            return None, ""
        if any(name in members for name in spelt):
            return True, f"{where} has it"
        return False, f"{where} does not have it"
