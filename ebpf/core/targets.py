"""What a program is for, when that is named in BTF: a kernel function, a hook, an iterator, a tracepoint."""

from __future__ import annotations

import os

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.errors import ArgumentError, UnsupportedFeatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.program import ProgramCore

__all__ = ["BtfTarget", "btf_target", "function_of", "needs_btf"]

# Kinds of attachment whose target is named in the kernel's BTF: what stands before the name there, and its kind.
_PREFIXES: dict[int, tuple[str, int]] = {
    uapi.BPF_TRACE_RAW_TP: ("btf_trace_", kinds.TYPEDEF),
    uapi.BPF_TRACE_FENTRY: ("", kinds.FUNC),
    uapi.BPF_TRACE_FEXIT: ("", kinds.FUNC),
    uapi.BPF_MODIFY_RETURN: ("", kinds.FUNC),
    uapi.BPF_TRACE_FSESSION: ("", kinds.FUNC),
    uapi.BPF_TRACE_ITER: ("bpf_iter_", kinds.FUNC),
    uapi.BPF_LSM_MAC: ("bpf_lsm_", kinds.FUNC),
    uapi.BPF_LSM_CGROUP: ("bpf_lsm_", kinds.FUNC),
}


class BtfTarget:
    """A type of the kernel's BTF: its id, and a descriptor of its module's BTF (0 for vmlinux), to be closed."""

    __slots__ = ("btf_id", "module_fd")

    def __init__(self, btf_id: int, module_fd: int = 0) -> None:
        self.btf_id = btf_id
        self.module_fd = module_fd

    def close(self) -> None:
        """Close the module's BTF: a loaded program holds its own reference."""
        if self.module_fd > 0:
            os.close(self.module_fd)
            self.module_fd = 0


def needs_btf(program_type: int, attach_type: int) -> bool:
    """Whether such a program is loaded for a target that is named in BTF."""
    return attach_type in _PREFIXES and program_type in (uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_PROG_TYPE_LSM)


def btf_target(attach_type: int, name: str) -> BtfTarget:
    """Find the target of a tracing or LSM program, in vmlinux or in a loaded module.

    Parameters:
        attach_type: ``BPF_TRACE_FENTRY``, ``BPF_LSM_MAC`` ….
        name: the kernel function, hook (``file_open``), iterator (``task``) or tracepoint (``sched_switch``).

    Raises `ArgumentError` when the kernel has no such thing, `UnsupportedFeatureError` when its BTF cannot be read.
    """
    from ebpf.core import rules
    from ebpf.probe import kernel_btf

    prefix, kind = _PREFIXES[attach_type]
    if kernel_btf.vmlinux() is None:
        raise UnsupportedFeatureError(
            f"programs of {rules.attach_type_name(attach_type)} name their target in BTF, and there is no kernel BTF"
            " that can be read at /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)"
        )
    number = kernel_btf.find(prefix + name, kind)
    if number is not None:
        return BtfTarget(number)
    if kind == kinds.FUNC:
        module, number = kernel_btf.in_modules([prefix + name]).get(prefix + name, ("", 0))
        if module:
            fd = kernel_btf.module_fd(module)
            if fd >= 0:
                return BtfTarget(number, fd)
    raise ArgumentError(
        f"this kernel has no {_noun(attach_type)} {name!r} for a program of {rules.attach_type_name(attach_type)}:"
        f" {prefix + name!r} is not in its BTF. It may be inlined, renamed in this release, or in a module that is not"
        " loaded."
    )


def function_of(program: ProgramCore, name: str) -> int:
    """The id of a function in a program's own BTF: what an extension replaces, or a tracing program watches.

    Raises `ArgumentError` when the program carries no BTF, or has no such function.
    """
    from ebpf.core import objects

    number = program.info().btf_id
    if not number:
        raise ArgumentError(f"{program!r} was loaded without BTF: it has no functions that can be named")
    from ebpf.btf import Btf

    fd = objects.by_id(objects.BTF, number)
    try:
        found = Btf(objects.btf_data(fd)).find(name, kinds.FUNC)
    finally:
        os.close(fd)
    if found is None:
        raise ArgumentError(f"{program!r} has no function {name!r}")
    return found


def _noun(attach_type: int) -> str:
    if attach_type == uapi.BPF_TRACE_RAW_TP:
        return "tracepoint"
    if attach_type == uapi.BPF_TRACE_ITER:
        return "iterator"
    return "hook" if attach_type in (uapi.BPF_LSM_MAC, uapi.BPF_LSM_CGROUP) else "function"
