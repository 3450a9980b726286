"""What the name of an object file's section says about the program in it, as libbpf reads it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Section", "lookup", "names"]


class Section:
    """A section's name, understood.

    Attributes:
        name: the part that names the kind: ``"kprobe"`` of ``"kprobe/do_unlinkat"``.
        target: what follows the slash: ``"do_unlinkat"``; empty when nothing does.
        program_type: ``"BPF_PROG_TYPE_KPROBE"``.
        attach_type: what the program says it expects to be attached as, or ``None``.
        attach_type_optional: a kernel that does not know `attach_type` is loaded the program without it.
        attach_btf: the target is a function or type to be looked up in BTF when the program is loaded.
        flags: flags of BPF_PROG_LOAD: ``("BPF_F_SLEEPABLE",)``.
        optional: the name began with "?": the program is loaded only when it is asked for.
        legacy: only libbpf before 1.0 understood the name.
    """

    __slots__ = (
        "attach_btf",
        "attach_type",
        "attach_type_optional",
        "flags",
        "legacy",
        "name",
        "optional",
        "program_type",
        "target",
    )

    def __init__(self, row: dict[str, Any], target: str = "", *, optional: bool = False, legacy: bool = False) -> None:
        self.name: str = row["name"]
        self.target = target
        self.program_type: str = row["program_type"]
        self.attach_type: str | None = row.get("attach_type")
        self.attach_type_optional: bool = row.get("attach_type_optional", False)
        self.attach_btf: bool = row.get("attach_btf", False)
        self.flags: tuple[str, ...] = row.get("flags", ())
        self.optional = optional
        self.legacy = legacy or "libbpf_until" in row

    @property
    def sleepable(self) -> bool:
        """Whether the program may sleep."""
        return "BPF_F_SLEEPABLE" in self.flags

    def __repr__(self) -> str:
        return f"<Section {self.name}{'/' + self.target if self.target else ''}: {self.program_type}>"


_ROWS: dict[str, dict[str, Any]] = {}


def _rows() -> dict[str, dict[str, Any]]:
    if not _ROWS:
        from featuredb import tables

        _ROWS.update((row["name"], row) for row in tables.rows("sections"))
    return _ROWS


def names() -> tuple[str, ...]:
    """The names there are, without targets."""
    return tuple(_rows())


def lookup(name: str) -> Section | None:
    """What a section's name says; ``None`` when it names no program type.

    Args:
        name: ``"xdp"``, ``"kprobe/do_unlinkat"``, ``"?fentry.s/bpf_lsm_file_open"``.
    """
    optional = name.startswith("?")
    name = name[optional:]
    rows = _rows()
    row = rows.get(name)
    if row is not None and row.get("target") != "required":
        return Section(row, optional=optional)
    kind, slash, target = name.partition("/")
    row = rows.get(kind)
    if slash and row is not None and (row.get("target") == "optional" or (target and row.get("target") == "required")):
        return Section(row, target, optional=optional)
    return _legacy(name, optional)


def _legacy(name: str, optional: bool) -> Section | None:
    """What libbpf before 1.0 took for a program: every name that begins like one, the longest beginning first."""
    known = [row for row in _rows().values() if row.get("prefix") and name.startswith(row["name"])]
    if not known:
        return None
    return Section(max(known, key=lambda row: len(row["name"])), optional=optional, legacy=True)
