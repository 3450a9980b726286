"""What an object file expects from outside: kernel functions, kernel variables and the kernel's configuration."""

from __future__ import annotations

from ebpf.btf import kinds
from ebpf.btf.core.access import essential
from ebpf.btf.types import Array, Datasec, Enum, Func, FuncProto, Int, Var
from ebpf.elf import file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.btf import Btf
    from ebpf.btf.types import Type
    from ebpf.elf.file import Elf

__all__ = ["KCONFIG", "KSYM_FUNC", "KSYM_VAR", "Extern", "collect"]

KSYM_FUNC = "ksym_func"
"""A function of the kernel's (kfunc), by its BTF."""
KSYM_VAR = "ksym_var"
"""A variable of the kernel's, or the address of anything in it (``extern const void name __ksym``)."""
KCONFIG = "kconfig"
"""An option of the kernel's configuration, or a fact that loaders know (``LINUX_KERNEL_VERSION``)."""

_EXTERN = 2
_KCONFIG_SIZES = (1, 2, 4, 8)
_LONGEST = 4096  # bytes of an option that is a string


class Extern:
    """Something that the object declares and the loader provides.

    Attributes:
        name: its name.
        kind: ``"ksym_func"``, ``"ksym_var"``, ``"kconfig"``.
        weak: whether the object can do without.
        type_id: of its `Func` or `Var` in the object's BTF.
        value_kind: for kconfig: ``"bool"``, ``"char"``, ``"tristate"``, ``"int"``, ``"string"``.
        signed: for kconfig: whether an ``"int"`` is.
        size: for kconfig: in bytes.
        offset: for kconfig: where it is in the value of the map ``.kconfig``.
        typed: for ksym_var: whether its type is known, so that programs read it without a helper.
    """

    __slots__ = ("kind", "name", "offset", "signed", "size", "type_id", "typed", "value_kind", "weak")

    def __init__(self, name: str, kind: str, weak: bool, type_id: int) -> None:
        self.name = name
        self.kind = kind
        self.weak = weak
        self.type_id = type_id
        self.value_kind = ""
        self.signed = False
        self.size = 0
        self.offset = 0
        self.typed = False

    @property
    def essential_name(self) -> str:
        """The kernel's name: what follows ``___`` tells declarations of one thing apart."""
        return essential(self.name)

    def __repr__(self) -> str:
        return f"<Extern {self.name!r}, {'weak ' if self.weak else ''}{self.kind}>"


def collect(elf: Elf, btf: Btf | None) -> dict[str, Extern]:
    """The externs of an object by name; what it does not declare in its BTF is left out. Raises `ObjectFileError`."""
    wanted = {
        symbol.name: symbol
        for symbol in elf.symbols
        if not symbol.section and symbol.name and symbol.binding in (file.GLOBAL, file.WEAK)
    }
    found: dict[str, Extern] = {}
    if btf is None or not wanted:
        return found
    for section, kind in ((".kconfig", KCONFIG), (".ksyms", "")):
        record = btf.find_type(section, kinds.DATASEC)
        if not isinstance(record, Datasec):
            continue
        for each in record.variables:
            declared = each.type
            symbol = wanted.get(declared.name)
            if symbol is None:
                continue
            what = kind or (KSYM_FUNC if isinstance(declared, Func) else KSYM_VAR)
            if not isinstance(declared, (Func, Var)) or declared.linkage != _EXTERN:
                raise elf.error(f"{declared.name!r} is no extern", ".BTF", btf.types_offset)
            extern = Extern(declared.name, what, symbol.binding == file.WEAK, declared.id)
            if what == KCONFIG:
                _describe(elf, extern, declared.type)
            elif what == KSYM_VAR:
                extern.typed = declared.type.resolve().kind != 0
            elif not isinstance(declared.type, FuncProto):
                raise elf.error(f"extern function {extern.name!r} has no prototype", ".BTF", btf.types_offset)
            found[extern.name] = extern
    _place([each for each in found.values() if each.kind == KCONFIG])
    return found


def _describe(elf: Elf, extern: Extern, declared: Type) -> None:
    """What kind of value an option is given as (libbpf, src/libbpf.c, find_kcfg_type())."""
    found = declared.resolve()
    if isinstance(found, Array) and 0 < found.length <= _LONGEST:
        element = found.type.resolve()
        if isinstance(element, Int) and element.size == 1 and not element.boolean:
            extern.value_kind, extern.size = "string", found.length
    elif isinstance(found, Int) and found.size in _KCONFIG_SIZES:
        extern.value_kind, extern.size, extern.signed = "int", found.size, found.signed
        if found.size == 1:
            extern.value_kind = "bool" if found.boolean else "char"
    elif isinstance(found, Enum) and found.name == "libbpf_tristate":
        extern.value_kind, extern.size = "tristate", found.size
    if not extern.value_kind:
        raise elf.error(
            f"kconfig extern {extern.name!r} is {found!r}: only bool, char, integers, strings and enum libbpf_tristate"
            " can hold an option",
            ".BTF",
        )


def _place(options: list[Extern]) -> None:
    """Give each option its place in the map's value: the most aligned first, so that there are no holes."""
    at = 0
    for option in sorted(options, key=lambda each: (each.value_kind == "string", -each.size, each.name)):
        option.offset = at
        at += option.size
