"""Programs from instructions, by path or by id (beta).

::

    from ebpf import v2
    from ebpf.asm import R0, exit_, mov

    with v2.Program("xdp", [mov(R0, 2), exit_()]) as program:      # XDP_PASS
        program.test_run(bytes(64)).retval                          # 2
"""

from __future__ import annotations

from ebpf.core.program import ProgramCore
from ebpf.stability import beta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Union

    from ebpf.asm import Instruction
    from ebpf.core.links import LinkCore

    Code = Union[bytes, str, Iterable[Union[Instruction, str]]]

__all__ = ["Program"]


@beta
class Program(ProgramCore):
    """A program of this process. It is closed by `close()`, at the end of a ``with`` block, or when it is collected.

    Parameters:
        program_type: ``"xdp"``, ``"BPF_PROG_TYPE_XDP"`` or the number.
        insns: instructions and labels of `ebpf.asm`; or text, ``"r0 = 2; exit"``; or ``struct bpf_insn`` as bytes.
        name: for people and bpftool; the kernel keeps 15 letters, digits and underscores of it.
        license: helpers marked GPL-only need "GPL" or "Dual BSD/GPL".
        attach_type: what it expects to be attached as, ``"BPF_CGROUP_INET_INGRESS"`` or the number.
        target: what a tracing or LSM program is for: a kernel function, hook, iterator or tracepoint by name.
        extends: the program whose function `target` an extension replaces, or a tracing program watches.
        flags: ``BPF_F_…`` of ``BPF_PROG_LOAD``.
        fd_array: descriptors of maps and BTF that instructions refer to by index.
        ifindex: the network device it is bound to.
        btf_fd, func_info, func_info_rec_size, line_info, line_info_rec_size: its BTF, types and source lines.
        token_fd: a BPF token.
        log_level: ask for the verifier's log even of a success, in ``.log``.
        describe: says where an instruction comes from, for messages.
        adapt: leave out what an older kernel does not know (name, BTF) and say so in ``.adaptations``.

    Raises `ebpf.errors.ProgramLoadError` with the verifier's log when the kernel refuses it, of these
    `ebpf.errors.UnsupportedProgramError` where the kernel lacks something and `ebpf.errors.ProgramDeniedError` where
    this process may not; `ebpf.errors.ArgumentError` when `target` is not there. Needs Linux 3.19, and what the
    program's type and instructions need.
    """

    __slots__ = ()

    def __init__(
        self,
        program_type: str | int,
        insns: Code,
        *,
        name: str = "",
        license: str = "GPL",
        attach_type: str | int | None = None,
        target: str = "",
        extends: ProgramCore | None = None,
        flags: int = 0,
        fd_array: Sequence[int] = (),
        ifindex: int = 0,
        btf_fd: int = 0,
        func_info: bytes = b"",
        func_info_rec_size: int = 0,
        line_info: bytes = b"",
        line_info_rec_size: int = 0,
        token_fd: int = 0,
        log_level: int = 0,
        describe: Callable[[int], str] | None = None,
        adapt: bool = True,
    ) -> None:
        from ebpf.core.targets import BtfTarget, btf_target, function_of, needs_btf

        number = _number("program_type", program_type, "BPF_PROG_TYPE_")
        attach = None if attach_type is None else _number("attach_type", attach_type, "BPF_")
        aim = BtfTarget(0)
        if extends is not None:
            aim = BtfTarget(function_of(extends, target))
        elif target and needs_btf(number, attach or 0):
            aim = btf_target(attach or 0, target)
        try:
            super().__init__(
                number,
                _code(insns),
                license=license,
                name=name,
                expected_attach_type=attach,
                flags=flags,
                attach_btf_id=aim.btf_id,
                attach_btf_obj_fd=aim.module_fd,
                attach_prog_fd=extends.fd if extends is not None else 0,
                prog_btf_fd=btf_fd,
                func_info=func_info,
                func_info_rec_size=func_info_rec_size,
                line_info=line_info,
                line_info_rec_size=line_info_rec_size,
                fd_array=fd_array,
                ifindex=ifindex,
                token_fd=token_fd,
                log_level=log_level,
                describe=describe,
                adapt=adapt,
            )
        finally:
            aim.close()

    @property
    def id(self) -> int:
        """The number by which the kernel knows it. Needs Linux 4.13."""
        return self.info().id

    @property
    def tag(self) -> str:
        """A digest of its instructions, 16 hexadecimal digits. Needs Linux 4.13."""
        return self.info().tag

    def attach(self, section: str, **options: Any) -> LinkCore:
        """Attach it as the name of a section says: ``"kprobe/do_unlinkat"``, ``"xdp"``. See `ebpf.v2.attach`.

        Parameters:
            section: as in SEC() of an object file.
            options: what that does not say: ``interface``, ``path``, ``pid`` ….
        """
        from ebpf.core.links import attach

        return attach(self, section, **options)

    def translated(self) -> list[Instruction]:
        """Its instructions as the verifier left them; empty for a process that may not see them."""
        from ebpf.core.program_info import translated

        return translated(self.fd)

    def __repr__(self) -> str:
        from ebpf.core import rules

        state = "closed" if self.closed else f"fd {self.fd}"
        name = f" {self.name!r}" if self.name else ""
        return f"<Program {rules.program_type_name(self.program_type)}{name}, {state}>"


def _code(insns: Code) -> bytes:
    if isinstance(insns, (bytes, bytearray, memoryview)):
        return bytes(insns)
    from ebpf.asm import assemble, parse

    return assemble(parse(insns) if isinstance(insns, str) else insns)


def _number(kind: str, name: str | int, prefix: str) -> int:
    if isinstance(name, int):
        return name
    from ebpf import uapi
    from ebpf.errors import UnknownFeatureError

    spelt = name if name.startswith("BPF_") else prefix + name.upper()
    number = getattr(uapi, spelt, None)
    if isinstance(number, int):
        return number
    import featuredb

    raise UnknownFeatureError(name, [each for each in featuredb.closest(spelt) if featuredb.kind_of(each) == kind])
