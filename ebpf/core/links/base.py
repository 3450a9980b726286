"""What every attachment is: a bpf_link, or on an older kernel something that is undone when it is closed."""

from __future__ import annotations

import errno
import os
import struct

from ebpf import syscall, uapi
from ebpf.core import objects
from ebpf.core.adaptation import adapt as note
from ebpf.core.fd import Descriptor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from ebpf.core.links.info import LinkInfo
    from ebpf.core.program import ProgramCore
    from ebpf.errors import EbpfError

__all__ = ["Attempt", "LinkCore", "create"]

_CREATE = struct.Struct("=IIII")  # prog_fd, target_fd or target_ifindex, attach_type, flags


class LinkCore(Descriptor):
    """A program's attachment.

    It ends when it is closed: by `close()`, at the end of a ``with`` block, when it is garbage collected, or when the
    process ends, unless it is pinned. Keep it as long as the program is to run.

    Attributes:
        kind: what it is: ``"kprobe"``, ``"xdp"``, ``"cgroup"``.
        target: what the program is attached to, in words.
        program: the program it was made with; ``None`` for a link that was opened.
    """

    __slots__ = ("_after", "_keep", "_owner", "_undo", "kind", "program", "target")

    noun = "link"

    def __init__(
        self,
        kind: str,
        target: str,
        program: ProgramCore | None = None,
        fd: int = -1,
        *,
        undo: Callable[[], None] | None = None,
        keep: Sequence[int] = (),
        adapt: bool = True,
    ) -> None:
        super().__init__(fd, adapt=adapt)
        self.kind = kind
        self.target = target
        self.program = program
        self._undo = undo
        self._keep = list(keep)
        self._after: list[Callable[[], None]] = []
        self._owner = os.getpid()  # a child after fork(2) closes its descriptors, and leaves the rest to its parent

    @classmethod
    def from_fd(cls, fd: int) -> Self:
        """A link by its descriptor, which it owns from then on. What it is, is asked of the kernel."""
        link = cls("", "", None, fd)
        try:
            info = link.info()
        except BaseException:
            link.close()
            raise
        link.kind, link.target = info.kind, info.target
        return link

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The link that is pinned at `path`: one ``BPF_OBJ_GET``. Needs Linux 5.7."""
        return cls.from_fd(objects.by_path(path, cls.noun))

    @classmethod
    def by_id(cls, number: int) -> Self:
        """The link with this id: one ``BPF_LINK_GET_FD_BY_ID``. Needs Linux 5.8 and CAP_SYS_ADMIN."""
        return cls.from_fd(objects.by_id(objects.LINK, number))

    @property
    def fd(self) -> int:
        """The descriptor of the bpf_link. Raises `UnsupportedFeatureError` for an attachment without one."""
        if self._fd < 0 and self._undo is not None:
            raise self._no_link("has no descriptor")
        return super().fd

    @property
    def closed(self) -> bool:
        """Whether it was closed or detached."""
        return self._fd < 0 and self._undo is None

    def close(self) -> None:
        """End the attachment: at once, unless it is a bpf_link that is pinned or open elsewhere. Twice is fine."""
        undo, self._undo = self._undo, None
        kept, self._keep = self._keep, []
        after, self._after = self._after, []
        try:
            if undo is not None and os.getpid() == self._owner:
                undo()
        finally:
            super().close()
            for fd in kept:
                os.close(fd)
            if os.getpid() == self._owner:
                for last in after:
                    last()

    def after_closing(self, action: Callable[[], None]) -> None:
        """Do this once everything is closed."""
        self._after.append(action)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0 or getattr(self, "_undo", None) is not None:
            self.close()

    def detach(self) -> None:
        """End the attachment now, whoever else holds it: one ``BPF_LINK_DETACH`` where the kernel can, else `close()`.

        Needs Linux 5.9 for cgroup, XDP and network namespace links that are pinned or open elsewhere.
        """
        if self._fd >= 0:
            result = syscall.attempt(uapi.BPF_LINK_DETACH, struct.pack("=I", self._fd))
            # Kinds that cannot be detached answer EOPNOTSUPP, kernels before 5.9 EINVAL.
            if result < 0 and -result not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOLINK):
                raise self.failed(uapi.BPF_LINK_DETACH, "detaching", -result)
        self.close()

    def update(self, program: ProgramCore, old: ProgramCore | None = None) -> None:
        """Put another program in its place, without a moment with neither: one ``BPF_LINK_UPDATE``. Needs Linux 5.7.

        Parameters:
            program: the new one, of the same type.
            old: fail unless this is the program that is attached.

        Raises `AttachError` for kinds of links that cannot be updated.
        """
        flags = uapi.BPF_F_REPLACE if old is not None else 0
        attr = struct.pack("=IIII", self.fd, program.fd, flags, old.fd if old is not None else 0)
        result = syscall.attempt(uapi.BPF_LINK_UPDATE, attr)
        if result < 0:
            raise self.failed(uapi.BPF_LINK_UPDATE, f"updating the {self.kind} link on {self.target}", -result)
        self.program = program

    def info(self) -> LinkInfo:
        """What the kernel says of it: one ``BPF_OBJ_GET_INFO_BY_FD``. Needs Linux 5.8."""
        from ebpf.core.links.info import link_info

        return link_info(self.fd)

    @property
    def id(self) -> int:
        """The number by which the kernel knows it. Needs Linux 5.8."""
        return self.info().id

    def pin(self, path: str | os.PathLike[str]) -> None:
        """Give it a path in a BPF file system: the attachment then outlives this process. Needs Linux 5.7."""
        objects.pin(self.fd, path, self.noun)

    def failed(self, command: int, doing: str, error: int) -> EbpfError:
        """The exception for a command on this link that failed."""
        from ebpf.diagnose.links import link_command

        return link_command(command, doing, error, self.kind)

    def _no_link(self, what: str) -> EbpfError:
        from ebpf.diagnose.links import no_link

        return no_link(self, what)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"fd {self._fd}" if self._fd >= 0 else "attached without a bpf_link"
        return f"<Link {self.kind} on {self.target}, {state}>"


class Attempt:
    """An attachment that is being made: what for, what the kernel was asked, and how to say that it failed.

    Parameters:
        kind: the kind of link.
        target: what the program is to be attached to, in words.
        program: the program.
        features: of the database, which the attachment needs: asked about when it fails.
        adapt: whether another way may be taken on an older kernel.
    """

    __slots__ = ("adapt", "features", "kind", "program", "target")

    def __init__(
        self, kind: str, target: str, program: ProgramCore, features: Sequence[str] = (), *, adapt: bool = True
    ) -> None:
        self.kind = kind
        self.target = target
        self.program = program
        self.features = tuple(features)
        self.adapt = adapt

    def link(
        self,
        fd: int = -1,
        *adaptations: str,
        undo: Callable[[], None] | None = None,
        keep: Sequence[int] = (),
    ) -> LinkCore:
        """The link, once it is made. With `adaptations` refused, it is undone and the refusal raised."""
        link = LinkCore(self.kind, self.target, self.program, fd, undo=undo, keep=keep, adapt=self.adapt)
        try:
            for name in adaptations:
                note(link, name)
        except BaseException:
            link.close()
            raise
        return link

    def lacks(self, link_type: str) -> bool:
        """Whether this kernel is without such links, or may be: asked after a call has failed."""
        from ebpf.kernel import running

        return not (running().check("BPF_LINK_CREATE") and running().check(link_type))

    def compiled_out(self) -> bool:
        """Whether something that the attachment needs was left out when this kernel was built."""
        from ebpf.kernel import running

        return any(running().check(name).status == "compiled_out" for name in self.features)

    def failed(self, command: str, error: int, hint: str = "") -> EbpfError:
        """The exception for it; `hint` is what is known of the reason."""
        from ebpf.diagnose.links import attach

        return attach(self, command, error, hint)


def create(program: ProgramCore, target: int, attach_type: int, flags: int = 0, rest: bytes = b"") -> int:
    """One ``BPF_LINK_CREATE``: a descriptor or -errno. `rest` begins at offset 16 of the attribute."""
    attr = _CREATE.pack(program.fd, target & 0xFFFFFFFF, attach_type, flags) + rest
    result: int = syscall.attempt(uapi.BPF_LINK_CREATE, attr)
    return result
