"""Type information as a kernel takes it: laid out, without what only loaders read, without what it is too old for.

Ids stay what they are, for programs and maps refer to them: what a kernel does not know becomes something of the same
size that it knows, as in libbpf (src/libbpf.c, bpf_object__sanitize_btf()). What a kernel lacks is said in features of
the database (``btf_kind_float``, ``btf_func_global`` …), never as a release.
"""

from __future__ import annotations

from ebpf.btf import kinds
from ebpf.btf.build import BtfBuilder
from ebpf.btf.types import Composite, Datasec, Enum64, Func, FuncProto, Type, Var

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ebpf.btf.reader import Btf

    Layout = Mapping[str, tuple[int, Mapping[str, int]]]

__all__ = ["ALL", "needs", "sanitise"]

_KINDS = {
    kinds.FUNC: "btf_kind_func",
    kinds.FUNC_PROTO: "btf_kind_func_proto",
    kinds.VAR: "btf_kind_var",
    kinds.DATASEC: "btf_kind_datasec",
    kinds.FLOAT: "btf_kind_float",
    kinds.DECL_TAG: "btf_kind_decl_tag",
    kinds.TYPE_TAG: "btf_kind_type_tag",
    kinds.ENUM64: "btf_kind_enum64",
}
_FLAGS = {
    kinds.FWD: "btf_fwd_union",
    kinds.ENUM: "btf_enum_signed",
    kinds.TYPE_TAG: "btf_type_tag_attribute",
    kinds.DECL_TAG: "btf_decl_tag_attribute",
    kinds.STRUCT: "btf_kind_flag",
    kinds.UNION: "btf_kind_flag",
}
_TAGGED = {kinds.FUNC: "btf_decl_tag_on_func", kinds.TYPEDEF: "btf_decl_tag_on_typedef"}

ALL = tuple(dict.fromkeys((*_KINDS.values(), *_FLAGS.values(), *_TAGGED.values(), "btf_func_global")))
"""Every feature that `sanitise` can do without."""

_KSYMS = ".ksyms"
_LOADERS = (_KSYMS, ".maps")  # sections that mean something to loaders only
_STATIC, _GLOBAL, _EXTERN = 0, 1, 2


def needs(btf: Btf) -> set[str]:
    """The features of a kernel that takes the BTF as it is: names of the database."""
    found = set()
    for each in btf.types():
        if each.kind in _KINDS:
            found.add(_KINDS[each.kind])
        if isinstance(each, Func):
            if each.linkage == _GLOBAL:
                found.add("btf_func_global")
        elif each.kind in _FLAGS and each.flag:
            found.add(_FLAGS[each.kind])
        if each.kind == kinds.DECL_TAG:
            tagged = _TAGGED.get(btf.kind(btf.size_or_type(each.id)))
            if tagged is not None:
                found.add(tagged)
    return found


def sanitise(
    btf: Btf, lacks: Collection[str] = (), layout: Layout | None = None, hidden: Collection[str] = ()
) -> bytes:
    """The BTF as a kernel takes it, in this machine's byte order. Ids and the offsets of strings stay what they are.

    Parameters:
        btf: an object's.
        lacks: the features that the kernel lacks, of `needs`.
        layout: for each section of variables its size and the offsets of its variables by name: compilers leave them
            to the loader.
        hidden: names of global functions that are not to be seen from outside: they become static.

    What only loaders read (``.maps``, ``.ksyms``, what is extern) becomes placeholders on every kernel. Raises
    `ebpf.errors.BtfError` for a malformed BTF.
    """
    return _Writer(btf, frozenset(lacks), layout or {}, frozenset(hidden)).run()


class _Writer:
    def __init__(self, btf: Btf, lacks: frozenset[str], layout: Layout, hidden: frozenset[str]) -> None:
        self._btf = btf
        self._lacks = lacks
        self._layout = layout
        self._hidden = hidden
        self._builder = BtfBuilder(strings=btf.strings)
        self._dropped: set[int] = set()

    def run(self) -> bytes:
        for each in self._btf.types():
            if isinstance(each, Datasec) and each.name in _LOADERS:
                self._dropped.add(each.id)
                self._dropped.update(variable.type_id for variable in each.variables if each.name == _KSYMS)
            if isinstance(each, Func) and each.linkage == _EXTERN:
                self._dropped.add(each.id)
        for each in self._btf.types():
            self._write(each)
        return self._builder.build()

    def _write(self, each: Type) -> None:
        add = self._builder.add
        kind = each.kind
        lacks = _KINDS.get(kind) in self._lacks
        flag = each.flag and _FLAGS.get(kind) not in self._lacks
        if each.id in self._dropped:
            self._placeholder()
        elif kind == kinds.DECL_TAG:
            self._decl_tag(each, lacks or (each.flag and not flag))
        elif isinstance(each, Var):
            if lacks:
                self._placeholder()
            else:
                add(each.name, kind, each.type_id, min(each.linkage, _GLOBAL))
        elif isinstance(each, Datasec):
            self._datasec(each, lacks)
        elif isinstance(each, Func):
            if lacks:
                add(each.name, kinds.TYPEDEF, each.type_id)
            else:
                static = "btf_func_global" in self._lacks or each.name in self._hidden
                add(each.name, kind, each.type_id, vlen=_STATIC if static else each.linkage)
        elif isinstance(each, FuncProto) and lacks:
            self._placeholder()
        elif isinstance(each, Enum64) and lacks:
            add(each.name, kinds.STRUCT, each.size)
        elif kind == kinds.FLOAT and lacks:
            add("", kinds.STRUCT, each.size)
        elif kind == kinds.TYPE_TAG and (lacks or (each.flag and not flag)):
            add("", kinds.CONST, self._btf.size_or_type(each.id))
        elif isinstance(each, Composite) and each.flag and not flag:
            add(each.name, kind, each.size)  # members of bits cannot be said without the flag
        else:
            self._copy(each, flag)

    def _copy(self, each: Type, flag: bool) -> None:
        """The record as it is: the strings are the same, at the same offsets."""
        vlen = self._btf.word_of(each.id, 1) & kinds.VLEN_MASK
        third = self._btf.size_or_type(each.id)
        self._builder.record(self._btf.word_of(each.id, 0), each.kind, third, *each.words, vlen=vlen, flag=flag)

    def _placeholder(self) -> None:
        """Something that every kernel with BTF takes and nobody refers to."""
        self._builder.add("placeholder", kinds.INT, 1, 8)

    def _decl_tag(self, each: Type, lacks: bool) -> None:
        target = self._btf.size_or_type(each.id)
        tagged = _TAGGED.get(self._btf.kind(target)) if target else None
        lost = target in self._dropped or tagged in self._lacks
        if lacks or lost:
            self._placeholder()
        else:
            self._copy(each, each.flag)

    def _datasec(self, each: Datasec, lacks: bool) -> None:
        size, offsets = self._layout.get(each.name, (each.size, {}))
        rows = []
        for variable in each.variables:
            name = variable.type.name
            rows.append((offsets.get(name, variable.offset), variable))
        rows.sort(key=lambda row: row[0])
        size = max((size, *(offset + variable.size for offset, variable in rows)))
        if not size or not rows:
            self._placeholder()
        elif lacks:
            # A struct with the variables as members; a name may not hold a dot there.
            name = each.name.replace(".", "_").replace("?", "_")
            words = [
                word
                for offset, variable in rows
                for word in (self._builder.name(variable.type.name), self._target(variable.type), 8 * offset)
            ]
            self._builder.add(name, kinds.STRUCT, size, *words, vlen=len(rows))
        else:
            self._builder.datasec(each.name, size, ((row.type_id, offset, row.size) for offset, row in rows))

    @staticmethod
    def _target(declared: Type) -> int:
        return declared.type_id if isinstance(declared, Var) else declared.id
