"""Trials of what vmlinux BTF names: iterator targets and struct_ops types.

A program for the iterator is loaded, an empty map for the struct_ops made; neither is attached. What the kernel's own
BTF does not name may still be in a module: then there is no trial.
"""

from __future__ import annotations

import errno

from ebpf import syscall, uapi
from ebpf.probe import calls, context, kernel_btf
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome

__all__ = ["iterator", "struct_ops"]

_STRUCT = 4  # BTF_KIND_STRUCT
_FUNCTION = "bpf_iter_"


def _iterators() -> list[str]:
    """The functions of every iterator there is: searching for all of them costs little more than for one."""
    import featuredb

    return [_FUNCTION + name[len("iter_") :] for name in featuredb.names("iterator")]


def iterator(target: str) -> Outcome | None:
    """Load an empty program for the iterator, the kernel's function ``bpf_iter_TARGET``."""
    function = _FUNCTION + target
    number = kernel_btf.ids([*_iterators(), function]).get(function)
    if number is None:
        return None
    result = calls.load_program(
        uapi.BPF_PROG_TYPE_TRACING,
        calls.RETURN_0,
        expected_attach_type=uapi.BPF_TRACE_ITER,
        attach_btf_id=number,
    )
    return judge(result, f"BPF_PROG_LOAD of a program for {function}", context.can_trace)


def struct_ops(name: str) -> Outcome | None:
    """Make a map of the type, whose value is the kernel's ``struct bpf_struct_ops_NAME``. ENOTSUPP: not one of them."""
    btf = kernel_btf.vmlinux()
    if btf is None:
        return None
    structure = f"bpf_struct_ops_{name}"
    number = btf.find(structure, _STRUCT)
    if number is None:
        return None
    btf_fd = calls.load_btf(context.INT_BTF)  # the map insists on some BTF of its own
    if btf_fd < 0:
        return judge(btf_fd, "BPF_BTF_LOAD of one integer type", context.can_load_btf)
    size = btf.size_or_type(number)
    try:
        result = calls.create_map(
            uapi.BPF_MAP_TYPE_STRUCT_OPS, 4, size, 1, 0, btf_fd=btf_fd, btf_vmlinux_value_type_id=number
        )
    finally:
        syscall.close(btf_fd)
    call = f"BPF_MAP_CREATE of BPF_MAP_TYPE_STRUCT_OPS with struct {structure}"
    outcome = judge(result, call, context.can_create_map, absent=(calls.ENOTSUPP, errno.EINVAL))
    return context.unless_denied(outcome, context.can_trace())
