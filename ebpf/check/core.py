"""CO-RE relocations in words: which type, which field, what is asked of it."""

from __future__ import annotations

from ebpf import uapi
from ebpf.btf.core.access import ENUMVAL, FIELD, essential, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf import Btf
    from ebpf.btf.ext import CoreRelocation

__all__ = ["CoreAccess"]

_QUESTIONS = {
    uapi.BPF_CORE_FIELD_BYTE_SIZE: "bpf_core_field_size({})",
    uapi.BPF_CORE_FIELD_EXISTS: "bpf_core_field_exists({})",
    uapi.BPF_CORE_TYPE_ID_TARGET: "bpf_core_type_id_kernel({})",
    uapi.BPF_CORE_TYPE_EXISTS: "bpf_core_type_exists({})",
    uapi.BPF_CORE_TYPE_SIZE: "bpf_core_type_size({})",
    uapi.BPF_CORE_ENUMVAL_EXISTS: "bpf_core_enum_value_exists({})",
    uapi.BPF_CORE_ENUMVAL_VALUE: "bpf_core_enum_value({})",
    uapi.BPF_CORE_TYPE_MATCHES: "bpf_core_type_matches({})",
}
"""How C asks; what is not here is asked by reading the field."""

_KEYWORDS = {4: "struct ", 5: "union ", 6: "enum ", 7: "struct ", 19: "enum "}


class CoreAccess:
    """A CO-RE relocation, spelt.

    Attributes:
        btf: the object's BTF.
        relocation: as the object has it.
        kind: one of enum bpf_core_relo_kind.
        type_name: ``"struct task_struct"``, without its flavour.
        path: the field (``"signal.nr_threads"``) or the enumerator (``"BPF_FUNC_loop"``); empty for a type.
    """

    __slots__ = ("btf", "kind", "path", "relocation", "type_name")

    def __init__(self, btf: Btf, relocation: CoreRelocation) -> None:
        self.btf = btf
        self.relocation = relocation
        self.kind = relocation.kind
        access = parse(btf, relocation)
        name = essential(access.root.name) or "(anonymous)"
        self.type_name = _KEYWORDS.get(access.root.kind, "") + name
        steps = access.steps if self.kind in ENUMVAL else access.steps[1:]
        self.path = "".join(
            f"[{step.index}]" if step.name is None else f".{essential(step.name)}" for step in steps
        ).lstrip(".")

    @property
    def spelling(self) -> str:
        """``struct task_struct.pid``, ``enum bpf_func_id: BPF_FUNC_loop``, ``struct bpf_iter__task``."""
        if self.kind in ENUMVAL:
            return f"{self.type_name}: {self.path}"
        return f"{self.type_name}.{self.path}" if self.path else self.type_name

    @property
    def question(self) -> str:
        """``bpf_core_field_exists(struct task_struct.pid)``; for a field that is read, the field."""
        return _QUESTIONS.get(self.kind, "{}").format(self.spelling)

    @property
    def feature(self) -> str | None:
        """The feature of the database that this is about: an enumerator, a field of a structure of bpf(2)'s."""
        import featuredb

        if not self.path or self.kind not in ENUMVAL | FIELD:
            return None
        name = self.path if self.kind in ENUMVAL else f"{self.type_name.rpartition(' ')[2]}.{self.path}"
        return name if featuredb.kind_of(name) is not None else None

    def __repr__(self) -> str:
        return f"<CoreAccess {self.question}>"
