"""Trials of kfuncs: a call by BTF id from a program of each type."""

from __future__ import annotations

import featuredb
from ebpf.probe import context, kernel_btf, wordings
from ebpf.probe.helpers import Calls, any_of
from ebpf.probe.outcome import Outcome
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from featuredb import Feature

__all__ = ["EVERY_PROGRAM", "callers", "calls_of", "id_of", "one", "trial"]


EVERY_PROGRAM = "BPF_PROG_TYPE_UNSPEC"
"""In the database: open to every program type."""
_ANY = ("BPF_PROG_TYPE_SYSCALL", "BPF_PROG_TYPE_SCHED_CLS", "BPF_PROG_TYPE_TRACING")
_PSEUDO_KFUNC_CALL = 2  # src_reg of a call, include/uapi/linux/bpf.h


def calls_of(program_type: str) -> Calls:
    """The calls of kfuncs that a program type may make."""
    return Calls(program_type, _PSEUDO_KFUNC_CALL)


def callers(record: Feature) -> tuple[str, ...]:
    """The program types to try a kfunc from; for one that is open to all, a few that can nearly always be loaded."""
    return _ANY if EVERY_PROGRAM in record.program_types else tuple(record.program_types)


def id_of(record: Feature) -> int | Outcome:
    """The BTF id of a kfunc in vmlinux, or the outcome when it has none."""
    if kernel_btf.vmlinux() is None:
        return Outcome(UNKNOWN, f"without this kernel's BTF {record.name} has no id to call it by")
    number = kernel_btf.ids([record.name]).get(record.name)
    if number is None:
        # A kfunc of a module has its id in the module's BTF, which is there only while the module is loaded.
        return Outcome(ABSENT, f"the kernel's BTF has no function {record.name}")
    return number


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether programs of a type, or of any type, may call a kfunc; `None` for a name that is no kfunc."""
    record = featuredb.get(name)
    if record.kind != "kfunc":
        return None
    if record.extra.get("category") == "fmod_ret_target":
        return _target(record)
    number = id_of(record)
    if isinstance(number, Outcome):
        return number
    types = callers(record) if program_type is None else (program_type,)
    return any_of(record, (one(record, calls_of(each), number) for each in types))


def _target(record: Feature) -> Outcome:
    """A function to attach to, not to call: there when the kernel's BTF has it."""
    number = id_of(record)
    if isinstance(number, Outcome):
        return number
    return Outcome(SUPPORTED, f"the kernel's BTF has the function {record.name}")


def one(record: Feature, table: Calls, number: int) -> Outcome:
    """The outcome for one program type."""
    stopped = table.first()
    if stopped is not None:
        return stopped
    open_, error, log = table.status(number, deep=True)
    said = wordings.gist(log)
    what = f"{record.name} in a program of {table.program_type}"
    if open_:
        return Outcome(SUPPORTED, f"the verifier accepted a call of {what}" + (f" ({said})" if said else ""))
    if open_ is None:
        return Outcome(UNKNOWN, f"the verifier refused {what} in words unknown here ({said or error})", error)
    if not context.capable():
        return Outcome(DENIED, f"the verifier refused {what} ({said}), and CAP_BPF is missing", error)
    return Outcome(ABSENT, f"the verifier refused {what} ({said})", error)
