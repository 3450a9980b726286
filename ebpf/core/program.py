"""A program over its file descriptor: loaded from instructions, or opened by path or id."""

from __future__ import annotations

import errno

from ebpf import uapi
from ebpf.core import objects
from ebpf.core.fd import Descriptor
from ebpf.core.program_load import INSTRUCTION, Load
from ebpf.errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from typing_extensions import Self

    from ebpf.core.program_info import ProgramInfo
    from ebpf.core.program_load import Describe
    from ebpf.core.test_run import TestRun
    from ebpf.errors import EbpfError

__all__ = ["ProgramCore"]


class ProgramCore(Descriptor):
    """A program of this process.

    Loading one is one ``BPF_PROG_LOAD``; nothing is probed in front. Where the kernel refuses it, it is loaded again
    with the verifier's log, and what `ebpf.diagnose` makes of both is raised: `ProgramLoadError`.

    Parameters:
        program_type: a ``BPF_PROG_TYPE_…`` number.
        insns: its instructions, ``struct bpf_insn`` after ``struct bpf_insn``, in this machine's byte order.
        license: what the program says of itself; helpers marked GPL-only need "GPL", "Dual BSD/GPL" or the like.
        name: for people; the kernel keeps 15 letters, digits and underscores of it.
        expected_attach_type: a ``BPF_…`` attach type number, for the types that are verified for one.
        optional_attach_type: load it without that where the kernel does not know the field.
        flags: ``BPF_F_…`` of ``BPF_PROG_LOAD``.
        attach_btf_id, attach_btf_obj_fd, attach_prog_fd: what a tracing, LSM, extension or struct_ops program is for.
        prog_btf_fd, func_info, func_info_rec_size, line_info, line_info_rec_size: its types and source lines.
        fd_array: descriptors that instructions refer to by index.
        kern_version: LINUX_VERSION_CODE; kernels before 5.0 want it of kprobe programs, which get it by themselves.
        ifindex: the network device that the program is bound to.
        token_fd: a BPF token.
        log_level: ask for the verifier's log even of a success (1, 2); it is in ``.log`` then.
        describe: says where an instruction comes from, for messages.
        adapt: leave out what an older kernel does not know (the name, BTF), and say so in ``.adaptations``.

    Raises `ProgramLoadError`; `UnsupportedProgramError` where the kernel lacks something, `ProgramDeniedError` where
    this process may not.
    """

    __slots__ = (
        "attach_btf_id",
        "expected_attach_type",
        "flags",
        "license",
        "log",
        "name",
        "program_type",
    )

    noun = "program"

    def __init__(
        self,
        program_type: int,
        insns: bytes,
        *,
        license: str = "GPL",
        name: str = "",
        expected_attach_type: int | None = None,
        optional_attach_type: bool = False,
        flags: int = 0,
        attach_btf_id: int = 0,
        attach_btf_obj_fd: int = 0,
        attach_prog_fd: int = 0,
        prog_btf_fd: int = 0,
        func_info: bytes = b"",
        func_info_rec_size: int = 0,
        line_info: bytes = b"",
        line_info_rec_size: int = 0,
        fd_array: Sequence[int] = (),
        kern_version: int = 0,
        ifindex: int = 0,
        token_fd: int = 0,
        log_level: int = 0,
        describe: Describe | None = None,
        adapt: bool = True,
    ) -> None:
        super().__init__(adapt=adapt)
        self._describe(program_type, name, license, expected_attach_type or 0, flags, attach_btf_id)
        if not insns or len(insns) % INSTRUCTION:
            raise ArgumentError(
                f"a program has 1 instruction of {INSTRUCTION} bytes or more; {len(insns)} bytes are no such program"
            )
        load = Load(
            program_type,
            insns,
            license,
            name,
            {
                "kern_version": kern_version,
                "prog_flags": flags | (uapi.BPF_F_TOKEN_FD if token_fd else 0),
                "prog_ifindex": ifindex,
                "expected_attach_type": expected_attach_type or 0,
                "prog_btf_fd": prog_btf_fd,
                "func_info_rec_size": func_info_rec_size,
                "line_info_rec_size": line_info_rec_size,
                "attach_btf_id": attach_btf_id,
                # One field under two names: attach_prog_fd, and since 5.11 attach_btf_obj_fd.
                "attach_btf_obj_fd": attach_prog_fd or attach_btf_obj_fd,
                "prog_token_fd": token_fd,
            },
            func_info=func_info,
            line_info=line_info,
            fd_array=fd_array,
            describe=describe,
            optional_attach_type=optional_attach_type,
        )
        if log_level:
            fd, self.log = load.logged(level=log_level)
        else:
            fd = load.attempt()
        if fd < 0:
            from ebpf.core.program_retry import retried

            fd = retried(self, load, -fd)
        self._fd = fd

    def _describe(
        self, program_type: int, name: str, license: str, attach_type: int, flags: int, attach_btf_id: int
    ) -> None:
        self.program_type = program_type
        self.name = name
        self.license = license
        self.expected_attach_type = attach_type
        self.flags = flags
        self.attach_btf_id = attach_btf_id
        self.log = ""

    @classmethod
    def from_fd(cls, fd: int) -> Self:
        """A program by its descriptor, which it owns from then on. What it is, is asked of the kernel."""
        core = cls.__new__(cls)
        Descriptor.__init__(core, fd)
        core._describe(0, "", "", 0, 0, 0)
        try:
            info = core.info()
        except BaseException:
            core.close()
            raise
        core._describe(info.type, info.name, "GPL" if info.gpl_compatible else "", 0, 0, info.attach_btf_id)
        return core

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The program that is pinned at `path`: one ``BPF_OBJ_GET``. Needs Linux 4.13."""
        return cls.from_fd(objects.by_path(path, cls.noun))

    @classmethod
    def by_id(cls, number: int) -> Self:
        """The program with this id: one ``BPF_PROG_GET_FD_BY_ID``. Needs Linux 4.13 and CAP_SYS_ADMIN."""
        return cls.from_fd(objects.by_id(objects.PROGRAM, number))

    def pin(self, path: str | os.PathLike[str]) -> None:
        """Give it a path in a BPF file system: it then outlives this process. Needs Linux 4.4."""
        objects.pin(self.fd, path, self.noun)

    def info(self) -> ProgramInfo:
        """What the kernel says of it: one ``BPF_OBJ_GET_INFO_BY_FD``. Needs Linux 4.13."""
        from ebpf.core.program_info import program_info

        return program_info(self.fd)

    def test_run(
        self,
        data: bytes | None = None,
        ctx: bytes | None = None,
        *,
        repeat: int = 1,
        flags: int = 0,
        cpu: int = 0,
        batch_size: int = 0,
        data_size_out: int | None = None,
    ) -> TestRun:
        """Run it on a packet or context of the caller's: see `ebpf.core.test_run.test_run`."""
        from ebpf.core.test_run import test_run

        return test_run(self, data, ctx, repeat, flags, cpu, batch_size, data_size_out)

    def failed(self, command: int, doing: str, error: int) -> EbpfError:
        """The exception for a command on this program that failed."""
        from ebpf.diagnose.handles import object_command

        if error == errno.EBADF:
            doing += " (its file descriptor was closed behind its back)"
        return object_command(command, doing, error)
