"""CO-RE relocations in words: which type, which field, what is asked of it."""

from __future__ import annotations

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.btf.types import Array, Composite, Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf import Btf
    from ebpf.btf.ext import CoreRelocation
    from ebpf.btf.types import Type

__all__ = ["CoreAccess"]

_QUESTIONS = {
    uapi.BPF_CORE_FIELD_BYTE_OFFSET: "the offset of {}",
    uapi.BPF_CORE_FIELD_BYTE_SIZE: "bpf_core_field_size({})",
    uapi.BPF_CORE_FIELD_EXISTS: "bpf_core_field_exists({})",
    uapi.BPF_CORE_FIELD_SIGNED: "whether {} is signed",
    uapi.BPF_CORE_FIELD_LSHIFT_U64: "the bits of {}",
    uapi.BPF_CORE_FIELD_RSHIFT_U64: "the bits of {}",
    uapi.BPF_CORE_TYPE_ID_LOCAL: "bpf_core_type_id_local({})",
    uapi.BPF_CORE_TYPE_ID_TARGET: "bpf_core_type_id_kernel({})",
    uapi.BPF_CORE_TYPE_EXISTS: "bpf_core_type_exists({})",
    uapi.BPF_CORE_TYPE_SIZE: "bpf_core_type_size({})",
    uapi.BPF_CORE_ENUMVAL_EXISTS: "bpf_core_enum_value_exists({})",
    uapi.BPF_CORE_ENUMVAL_VALUE: "bpf_core_enum_value({})",
    uapi.BPF_CORE_TYPE_MATCHES: "bpf_core_type_matches({})",
}
_FIELDS = range(uapi.BPF_CORE_FIELD_BYTE_OFFSET, uapi.BPF_CORE_FIELD_RSHIFT_U64 + 1)
_ENUMVALS = (uapi.BPF_CORE_ENUMVAL_EXISTS, uapi.BPF_CORE_ENUMVAL_VALUE)
_KEYWORDS = {
    kinds.STRUCT: "struct",
    kinds.UNION: "union",
    kinds.ENUM: "enum",
    kinds.ENUM64: "enum",
    kinds.FWD: "struct",
}


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
        from ebpf.btf.core.access import essential

        self.btf = btf
        self.relocation = relocation
        self.kind = relocation.kind
        root = btf.type(relocation.type_id)
        keyword = _KEYWORDS.get(root.kind, "")
        self.type_name = f"{keyword} {essential(root.name) or '(anonymous)'}".strip()
        self.path = self._path(root)

    def _path(self, root: Type) -> str:
        numbers = [int(part) for part in self.relocation.access.split(":") if part.isdigit()]
        if self.kind in _ENUMVALS:
            found = root.resolve()
            names = list(found.values) if isinstance(found, Enum) else []
            from ebpf.btf.core.access import essential

            return essential(names[numbers[0]]) if numbers and numbers[0] < len(names) else ""
        if self.kind not in _FIELDS:
            return ""
        path, here = "", root.resolve()
        for number in numbers[1:]:
            if isinstance(here, Composite) and number < len(here.members):
                member = here.members[number]
                path += f".{member.name}" if member.name else ""
                here = member.type.resolve()
            elif isinstance(here, Array):
                path += f"[{number}]"
                here = here.type.resolve()
            else:
                break
        return path.lstrip(".")

    @property
    def spelling(self) -> str:
        """``struct task_struct.pid``, ``enum bpf_func_id: BPF_FUNC_loop``, ``struct bpf_iter__task``."""
        if self.kind in _ENUMVALS:
            return f"{self.type_name}: {self.path}"
        return f"{self.type_name}.{self.path}" if self.path else self.type_name

    @property
    def question(self) -> str:
        """``bpf_core_field_exists(struct task_struct.pid)``."""
        return _QUESTIONS.get(self.kind, "{}").format(self.spelling)

    @property
    def feature(self) -> str | None:
        """The feature of the database that this is about: an enumerator, a field of a structure of bpf(2)'s."""
        import featuredb

        name = self.path if self.kind in _ENUMVALS else f"{self.type_name.rpartition(' ')[2]}.{self.path}"
        return name if self.path and featuredb.kind_of(name) is not None else None

    def __repr__(self) -> str:
        return f"<CoreAccess {self.question}>"
