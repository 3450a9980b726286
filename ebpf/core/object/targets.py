"""What a program of an object is loaded for: a function, hook or iterator of the kernel's, or another program."""

from __future__ import annotations

from ebpf import uapi
from ebpf.core.targets import BtfTarget, btf_target, function_of, needs_btf
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.object.program import LoadableProgram

__all__ = ["aim_of"]


def aim_of(program: LoadableProgram) -> BtfTarget:
    """The target that a program is loaded for, to be closed afterwards.

    Raises `ArgumentError` when it is not there or not said, `UnsupportedFeatureError` when the kernel has no BTF.
    """
    if program.extends is not None:
        return BtfTarget(function_of(program.extends, program.target or program.name))
    if program.program_type == uapi.BPF_PROG_TYPE_EXT:
        raise ArgumentError("it is an extension: set .extends to the program whose function it replaces")
    if needs_btf(program.program_type, program.expected_attach_type):
        if not program.target:
            raise ArgumentError(
                f"its section {program.spec.section!r} does not say what it is for: set .target, or autoload = False"
            )
        return btf_target(program.expected_attach_type, program.target)
    return BtfTarget(0)
