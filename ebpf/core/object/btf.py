"""The BTF of an object, loaded into the kernel as it takes it."""

from __future__ import annotations

import errno

from ebpf.btf import sanitise
from ebpf.core.btf import BtfCore, attempt, log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.object.loader import ObjectCore

__all__ = ["LoadedBtf", "load"]

_TOO_NEW = (errno.EINVAL, errno.ENOTSUP, errno.E2BIG)


class LoadedBtf:
    """The object's BTF in the kernel.

    Attributes:
        core: the descriptor, ``None`` when there is none.
        functions: whether it describes functions; a kernel that does not know them takes no func_info.
        problem: why there is none, in words.
    """

    __slots__ = ("core", "functions", "problem")

    def __init__(self, core: BtfCore | None, functions: bool = True, problem: str = "") -> None:
        self.core = core
        self.functions = functions
        self.problem = problem

    @property
    def fd(self) -> int:
        """The descriptor; 0 when there is none."""
        return self.core.fd if self.core is not None else 0

    def close(self) -> None:
        """Close it: maps and programs hold their own references."""
        if self.core is not None:
            self.core.close()


def load(owner: ObjectCore) -> LoadedBtf:
    """Load an object's BTF: one ``BPF_BTF_LOAD``; where the kernel refuses it, again without what it lacks.

    An object can do without its BTF mostly: why there is none is said where something needs it.
    """
    file = owner.file
    if file.btf is None:
        return LoadedBtf(None, problem="the object holds no BTF")
    # Functions that no other object is to see are verified where they are called, as static ones.
    hidden = {each.name for each in file.functions if each.hidden}
    fd = attempt(sanitise.sanitise(file.btf, (), file.layout, hidden))
    if fd >= 0:
        return LoadedBtf(BtfCore(fd))
    from ebpf.kernel import running

    verdict = running().check("btf_load")
    if not verdict:
        return LoadedBtf(None, problem=verdict.explain())
    lacks = {name for name in sanitise.needs(file.btf) if running().check(name).status == "absent"}
    data = sanitise.sanitise(file.btf, lacks, file.layout, hidden)
    if lacks and -fd in _TOO_NEW:
        from ebpf.core.adaptation import adapt

        adapt(owner, "sanitised_btf")
        fd = attempt(data)
        if fd >= 0:
            return LoadedBtf(BtfCore(fd), "btf_kind_func" not in lacks)
    lines = log_of(data).strip().splitlines()
    said = lines[-1] if lines else errno.errorcode.get(-fd, str(-fd))
    return LoadedBtf(None, problem=f"the kernel refuses the object's BTF: {said}")
