"""Trials of kfuncs: a call by BTF id from a program of each type."""

from __future__ import annotations

import errno
import struct

import featuredb
from ebpf import syscall, uapi
from ebpf.probe import calls, context, helpers, kernel_btf, wordings
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.kconfig import KConfig
    from featuredb import Feature

__all__ = [
    "EVERYWHERE",
    "NO_HOOK",
    "NO_KFUNC",
    "Calls",
    "call",
    "callers",
    "function",
    "is_target",
    "of_target",
    "one",
    "trial",
]

EVERYWHERE = "BPF_PROG_TYPE_UNSPEC"
"""Stands in the database for every program type: sets registered with the common hook."""
NO_HOOK = "BPF_PROG_TYPE_FLOW_DISSECTOR"
"""A program type for which no set can be registered: its programs may call what every program may, and nothing else
(kernel/bpf/btf.c, bpf_prog_type_to_kfunc_hook() and btf_kfunc_is_allowed())."""

NO_KFUNC = ("kernel_clone", "vfs_read", "do_exit")
"""Functions that were never kfuncs: the control, which must be refused."""
_ANY = (NO_HOOK, "BPF_PROG_TYPE_SYSCALL", "BPF_PROG_TYPE_SCHED_CLS", "BPF_PROG_TYPE_TRACING")


class Calls(helpers.Calls):
    """Which kfuncs are open to a program type, through each of its shapes.

    Parameters:
        program_type: the type.
        module: a descriptor of the BTF of the module that has the kfuncs; -1 for vmlinux.
    """

    source = 2  # BPF_PSEUDO_KFUNC_CALL
    classify = staticmethod(wordings.classify_kfunc)

    def __init__(self, program_type: str, module: int = -1) -> None:
        self._fds = calls.buffer(struct.pack("=ii", module, module))  # the first place cannot be named
        more: dict[str, int | bytes] = {"fd_array": calls.address(self._fds)} if module >= 0 else {}
        super().__init__(program_type, more)

    def negative(self) -> int:
        found = kernel_btf.ids(NO_KFUNC)
        return next(iter(found.values()), 1)


class Function:
    """A kfunc as it is called: its BTF id, and the module whose BTF that is of (empty: vmlinux)."""

    __slots__ = ("id", "module")

    def __init__(self, number: int, module: str = "") -> None:
        self.id = number
        self.module = module


def function(record: Feature) -> Function | Outcome:
    """The function behind a kfunc, or the outcome when there is none to be called."""
    name = record.name
    if kernel_btf.vmlinux() is None:
        held = context.can_load()
        if held.status == DENIED:
            return held
        return Outcome(UNKNOWN, f"without this kernel's BTF {name} has no id to call it by")
    number = kernel_btf.ids([name]).get(name)
    if number is not None:
        return Function(number)
    elsewhere = kernel_btf.in_modules([name]).get(name)
    if elsewhere is not None:
        return Function(elsewhere[1], elsewhere[0])
    module = _modular(record)
    if module:
        held = context.can_load()
        if held.status == DENIED:
            return held
        return Outcome(UNKNOWN, f"neither the kernel's BTF nor that of a loaded module has {name}; {module}")
    return Outcome(ABSENT, f"the kernel's BTF has no function {name}")


def _modular(record: Feature) -> str:
    """Why a kfunc may be in a module that is not loaded, in words; empty when it cannot be."""
    kconfig = _kconfig()
    if kconfig.status == "read":
        for option in record.kconfig_exist.replace("(", " ").replace(")", " ").replace("!", " ").split():
            if option.startswith("CONFIG_") and kconfig.get(option) == "m":
                return f"it may be in a module that is not loaded: {option}=m"
        return ""
    # kernel/ and mm/ are never built as modules.
    if record.source.startswith(("kernel/", "mm/")) or kconfig.get("CONFIG_MODULES") == "n":
        return ""
    return f"it may be in a module that is not loaded, of {record.source}"


_read: list[KConfig] = []


def _kconfig() -> KConfig:
    """The running kernel's configuration, read once."""
    if not _read:
        from ebpf import host

        _read.append(host.read().kconfig)
    return _read[0]


def callers(record: Feature, program_type: str | None = None) -> tuple[str, ...]:
    """The program types to try a kfunc from: for one that is open to all, those that can nearly always be loaded."""
    if program_type not in (None, EVERYWHERE):
        return (str(program_type),)
    if EVERYWHERE in record.program_types:
        return _ANY
    return tuple(record.program_types)


def is_target(record: Feature) -> bool:
    """Whether it is not a function to call but one that fmod_ret programs may be attached to."""
    return record.extra.get("category") == "fmod_ret_target"


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether programs of a type, or of any type, may call a kfunc; `None` for a name that is no kfunc."""
    record = featuredb.get(name)
    if record.kind != "kfunc":
        return None
    found = function(record)
    if isinstance(found, Outcome):
        return found
    if is_target(record):
        return of_target(record, found)
    if record.extra.get("category") == "prologue":
        return Outcome(SUPPORTED, f"the kernel's BTF has {record.name}, which the verifier itself lets programs call")
    module = kernel_btf.module_fd(found.module) if found.module else -1
    if found.module and module < 0:
        refused = context.refusal(module, f"BPF_BTF_GET_FD_BY_ID of the module {found.module}")
        return refused or Outcome(UNKNOWN, f"the BTF of the module {found.module} could not be had", -module)
    try:
        tables = (Calls(each, module) for each in callers(record, program_type))
        return helpers.any_of(record, (one(record, table, found) for table in tables))
    finally:
        calls.closing(module)


def one(record: Feature, table: Calls, found: Function) -> Outcome:
    return table.first() or call(record, table, found)


def call(record: Feature, table: Calls, found: Function) -> Outcome:
    """The outcome of a call for one program type that can be loaded."""
    answer = table.status(found.id, deep=True, module=1 if found.module else 0)
    what = f"{record.name} in a program of {table.program_type}"
    if answer.open:
        return Outcome(SUPPORTED, f"the verifier lets a program of {table.program_type} call {record.name}")
    said = wordings.gist(answer.log)
    if answer.open is None:
        return Outcome(UNKNOWN, f"the verifier refused {what} ({said or calls.spell(answer.errno)})", answer.errno)
    if not context.capable():
        return Outcome(DENIED, f"the verifier refused {what} ({said}), and CAP_BPF is missing", answer.errno)
    if answer.refused is not None:
        text = f"the verifier refused {what} ({said}), and another way to attach such programs was refused"
        return Outcome(DENIED, text, answer.refused.errno)
    return Outcome(ABSENT, f"the verifier refused {what} ({said})", answer.errno)


def of_target(record: Feature, found: Function) -> Outcome:
    """A function to be attached to, not to be called: a fmod_ret program for it is loaded, and not attached."""
    what = f"BPF_PROG_LOAD of a BPF_MODIFY_RETURN program for {record.name}"
    if found.module:
        return Outcome(UNKNOWN, f"{record.name} is in the BTF of the module {found.module}; it was not tried")
    fields: dict[str, int | bytes] = {"attach_btf_id": found.id, "expected_attach_type": uapi.BPF_MODIFY_RETURN}
    result = calls.load_program(uapi.BPF_PROG_TYPE_TRACING, **fields)
    if result >= 0:
        syscall.close(result)
        return Outcome(SUPPORTED, f"{what} succeeded")
    refused = context.refusal(result, what)
    if refused is not None:
        return refused
    _, log = calls.load_logged(uapi.BPF_PROG_TYPE_TRACING, **fields)
    said = wordings.gist(log.encode())
    if result == -errno.EINVAL and "is not modifiable" in log:
        return Outcome(ABSENT, f"{what} was refused ({said})", -result)
    return Outcome(UNKNOWN, f"{what} was refused ({said or calls.spell(result)})", -result)
