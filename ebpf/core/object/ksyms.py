"""Externs of the kernel: functions (kfuncs) and variables by their BTF, anything by its address."""

from __future__ import annotations

import os

from ebpf.btf import kinds
from ebpf.elf.externs import KSYM_FUNC, KSYM_VAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ebpf.core.object.obstacle import Obstacle
    from ebpf.elf import Extern

__all__ = ["Symbols", "addresses"]

_KALLSYMS = "/proc/kallsyms"


class Symbol:
    """What an extern came to: an id in the kernel's BTF (of a module: with a descriptor), or an address."""

    __slots__ = ("address", "btf_id", "module")

    def __init__(self, btf_id: int = 0, module: str = "", address: int = 0) -> None:
        self.btf_id, self.module, self.address = btf_id, module, address


class Symbols:
    """The externs of an object that are in the kernel, looked up; and the modules' BTF that they are in."""

    def __init__(self) -> None:
        self.found: dict[str, Symbol] = {}
        self._fds: dict[str, int] = {}

    def look_up(self, externs: Iterable[Extern], obstacles: list[Obstacle]) -> None:
        """Find them; what is not there and not weak becomes an obstacle."""
        wanted = [each for each in externs if each.kind in (KSYM_FUNC, KSYM_VAR)]
        for extern in wanted:
            if extern.kind == KSYM_FUNC or extern.typed:
                self._by_type(extern)
        self._by_address([each for each in wanted if each.kind == KSYM_VAR and not each.typed])
        obstacles.extend(_missing(each) for each in wanted if each.name not in self.found and not each.weak)

    def _by_type(self, extern: Extern) -> None:
        from ebpf.probe import kernel_btf

        name = extern.essential_name
        kind = kinds.FUNC if extern.kind == KSYM_FUNC else kinds.VAR
        number = kernel_btf.find(name, kind)
        if number is not None:
            self.found[extern.name] = Symbol(number)
        elif extern.kind == KSYM_FUNC:
            module, number = kernel_btf.in_modules([name]).get(name, ("", 0))
            if module and self.module_fd(module) > 0:
                self.found[extern.name] = Symbol(number, module)

    def _by_address(self, externs: list[Extern]) -> None:
        known = addresses({each.essential_name for each in externs}) if externs else {}
        for extern in externs:
            address = known.get(extern.essential_name)
            if address:
                self.found[extern.name] = Symbol(address=address)

    def module_fd(self, module: str) -> int:
        """A descriptor of a module's BTF, open as long as this object is; -errno when it cannot be had."""
        from ebpf.probe import kernel_btf

        fd = self._fds.get(module)
        if fd is None:
            fd = kernel_btf.module_fd(module)
            if fd > 0:
                self._fds[module] = fd
        return fd

    def close(self) -> None:
        """Close the modules' BTF: loaded programs hold their own references."""
        while self._fds:
            os.close(self._fds.popitem()[1])


def addresses(names: Collection[str]) -> dict[str, int]:
    """The addresses of kernel symbols; 0 for a process that may not see them. The first of a name counts."""
    found: dict[str, int] = {}
    try:
        with open(_KALLSYMS, encoding="ascii", errors="replace") as file:
            for line in file:
                fields = line.split(None, 3)
                if len(fields) >= 3 and fields[2] in names:
                    found.setdefault(fields[2], int(fields[0], 16))
                    if len(found) == len(names):
                        break
    except (OSError, ValueError):
        return found
    return found


def _missing(extern: Extern) -> Obstacle:
    from ebpf.core.object.obstacle import Obstacle
    from ebpf.errors import UnknownFeatureError
    from ebpf.kernel import running
    from ebpf.probe import kernel_btf

    name = extern.essential_name
    if extern.kind == KSYM_FUNC or extern.typed:
        if kernel_btf.vmlinux() is None:
            verdict = running().check("vmlinux_btf")
            return Obstacle("extern", extern.name, verdict.explain(), section=".ksyms", verdict=verdict)
        try:
            verdict = running().check(name)
            if not verdict:
                return Obstacle("extern", extern.name, verdict.explain(), section=".ksyms", verdict=verdict)
        except UnknownFeatureError:
            pass
        what = "function" if extern.kind == KSYM_FUNC else "variable"
        reason = f"the BTF of this kernel and its modules has no {what} {name!r}; declare it __weak to do without"
        return Obstacle("extern", extern.name, reason, section=".ksyms")
    reason = f"/proc/kallsyms shows no {name!r} to this process (kernel.kptr_restrict); declare it __weak to do without"
    return Obstacle("extern", extern.name, reason, section=".ksyms")
