"""What programs ask before they use something: types, build options, releases, weak symbols."""

from __future__ import annotations

from ebpf import uapi
from ebpf.verdict import ABSENT, COMPILED_OUT, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.check.core import CoreAccess
    from ebpf.check.target import Target
    from ebpf.elf import Extern

__all__ = ["EXISTS", "Exists", "Guard", "Option", "Symbol", "guard_of"]

EXISTS = (
    uapi.BPF_CORE_FIELD_EXISTS,
    uapi.BPF_CORE_TYPE_EXISTS,
    uapi.BPF_CORE_ENUMVAL_EXISTS,
    uapi.BPF_CORE_TYPE_MATCHES,
)
"""The kinds of CO-RE relocations that say yes or no."""

_VERSION = "LINUX_KERNEL_VERSION"
_FAR_FUTURE = 0xFFFFFF  # a release newer than any


class Guard:
    """Something that is true on one kernel and not on another.

    Attributes:
        key: two guards with one key are one.
        text: what is asked, as C.
        old, new: its value where nothing of the kind is there yet, and where everything is.
    """

    old = 0
    new = 1

    def __init__(self, key: tuple[str, ...], text: str) -> None:
        self.key = key
        self.text = text

    def ask(self, target: Target) -> int | None:
        """Its value on a kernel; ``None`` when that is not known."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<Guard {self.text}>"


class Exists(Guard):
    """``bpf_core_type_exists()`` and its kin."""

    def __init__(self, access: CoreAccess) -> None:
        super().__init__(("core", access.spelling, str(access.kind)), access.question)
        self.access = access

    def ask(self, target: Target) -> int | None:
        known = target.has_type(self.access)
        if known is not None:
            return int(known)
        feature = self.access.feature
        return None if feature is None else _as_number(target.feature(feature))


class Option(Guard):
    """A build option, or ``LINUX_KERNEL_VERSION``, out of ``.kconfig``."""

    def __init__(self, extern: Extern) -> None:
        super().__init__(("kconfig", extern.name), extern.name)
        self._kind = extern.value_kind
        if extern.name == _VERSION:
            self.new = _FAR_FUTURE
        elif self._kind == "char":
            self.new = ord("y")

    def ask(self, target: Target) -> int | None:
        if self.text == _VERSION:
            return target.version_code
        if not self.text.startswith("CONFIG_"):
            return None  # LINUX_HAS_SYSCALL_WRAPPER and the like: the loader finds out
        value = target.option(self.text)
        if value is None:
            return None
        if self._kind == "char":
            return ord(value[:1] or "\0")
        return {"n": 0, "y": 1, "m": 2}.get(value) if self._kind in ("bool", "tristate") else None


class Symbol(Guard):
    """The address of a weak symbol: not 0 where the kernel has it."""

    def __init__(self, extern: Extern) -> None:
        super().__init__(("symbol", extern.name), f"bpf_ksym_exists({extern.essential_name})")
        self.extern = extern

    def ask(self, target: Target) -> int | None:
        known = target.has_symbol(self.extern)
        return None if known is None else int(known)


def guard_of(extern: Extern) -> Guard:
    """The guard that reading a kconfig extern, or the address of a weak symbol, is."""
    return Option(extern) if extern.kind == "kconfig" else Symbol(extern)


def _as_number(status: str) -> int | None:
    if status == SUPPORTED:
        return 1
    # An enumerator is in the kernel's types whether or not the thing was built in.
    return {ABSENT: 0, COMPILED_OUT: 1, "denied": 1}.get(status)
