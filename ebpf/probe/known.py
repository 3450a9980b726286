"""What a kernel's own type information (BTF), the running one's first, says about features.

An enumerator says only that the kernel's source knows the name, not that it was built in: ``lirc_mode2`` is in many
kernels' enums and compiled out. A missing enumerator of a named enum says that the kernel does not have it.
"""

from __future__ import annotations

from ebpf.probe import kernel_btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ebpf.btf import Btf
    from featuredb import Feature

    Answer = tuple[bool | None, str]

__all__ = ["KINDS", "BtfEvidence", "names"]

_ENUMS = {
    "command": "bpf_cmd",
    "map_type": "bpf_map_type",
    "program_type": "bpf_prog_type",
    "attach_type": "bpf_attach_type",
    "link_type": "bpf_link_type",
    "helper": "bpf_func_id",
}
_FIELDS = ("struct_field", "attribute")
KINDS = (*_ENUMS, "constant", "flag", *_FIELDS)
"""The kinds that BTF can say something about."""


def _enum(record: Feature) -> str:
    """The enum that a feature is an enumerator of;

    empty for none, and for anonymous ones, which have no name to find.
    """
    enum = _ENUMS.get(record.kind) or record.enum
    return enum if enum.isidentifier() else ""


def names(records: Iterable[Feature]) -> set[str]:
    """The enums and structs in which the answers about these records are found."""
    found = set()
    for record in records:
        found.add(_enum(record))
        if record.kind in _FIELDS and "." in record.name:
            found.add(record.name.partition(".")[0])
    return found - {""}


class BtfEvidence:
    """Answers out of vmlinux BTF; every answer is "not known" when there is none that can be read.

    Parameters:
        read: gives the BTF; the running kernel's by default.
    """

    def __init__(self, read: Callable[[], Btf | None] = kernel_btf.vmlinux) -> None:
        self._read = read
        self._enums: dict[str, frozenset[str]] = {}
        self._structs: dict[str, _Fields] = {}
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
            members = self._enumerators(enum)
            former = (statement.alternative_name for statement in record.statements)
            found = any(name in members for name in (record.name, *record.aliases, *former)) if members else None
            return _said(found, f"enum {enum}")
        if record.kind in _FIELDS and "." in record.name:
            struct, *path = record.name.split(".")
            fields = self._fields(struct)
            return _said(fields.have(path) if fields.paths else None, struct)
        return None, ""

    def _enumerators(self, enum: str) -> frozenset[str]:
        members = self._enums.get(enum)
        if members is None:
            btf = self._read()
            members = self._enums[enum] = frozenset(btf.enumerators(enum)) if btf is not None else frozenset()
        return members

    def _fields(self, struct: str) -> _Fields:
        fields = self._structs.get(struct)
        if fields is None:
            btf = self._read()
            fields = self._structs[struct] = _Fields(btf.struct_fields(struct) if btf is not None else ())
        return fields


class _Fields:
    """The fields of a struct:

    the paths to them by the name at their end, and its members that have fields themselves.
    """

    __slots__ = ("holders", "paths")

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths: dict[str, list[list[str]]] = {}
        self.holders: set[str] = set()
        for path in paths:
            parts = path.split(".")
            self.paths.setdefault(parts[-1], []).append(parts)
            self.holders.update(parts[:-1])

    def have(self, path: list[str]) -> bool:
        """Whether there is a field of this path, as headers name it.

        What is in a union's member is named after the member (``link_create.prog_fd``), after its first field when the
        member has no name (``map_type.map_flags``); what lies deeper is named without the steps between.
        """
        ends = self.paths.get(path[-1], ())
        if len(path) == 1:
            return bool(ends)
        if path[0] in self.holders:
            return any(path[0] in parts[:-1] for parts in ends)
        return path[0] in self.paths and any(len(parts) == 1 for parts in ends)


def _said(found: bool | None, where: str) -> Answer:
    if found is None:
        return None, ""
    return found, f"{where} in the kernel's BTF {'has' if found else 'does not have'} it"
