"""Every exception of the library.

::

    EbpfError
    ├── FeatureError
    │   ├── UnknownFeatureError (LookupError)        no feature has this name
    │   ├── UnsupportedFeatureError (NotImplementedError)  absent from this kernel, or compiled out of it
    │   └── UndecidedFeatureError                    the evidence does not say
    ├── PermissionDeniedError (PermissionError)      the kernel has it, this process may not
    ├── UnknownKernelError (LookupError)             no kernel has this name
    ├── ProfileError (ValueError)                    a recorded profile that cannot be read
    ├── ObjectLoadError                              an object that cannot be loaded here; `obstacles` says all reasons
    ├── ObjectFileError (ValueError)                 an object file or BTF that is malformed; `section`, `offset`
    │   └── BtfError                                 type information that is malformed
    ├── ArgumentError (ValueError)                   an argument that no kernel accepts
    │   └── AssemblyError                            instructions that cannot be put together, or taken apart
    ├── UnpicklableError (TypeError)                 it owns a file descriptor
    ├── CorruptBufferError                           the memory of an event buffer contradicts itself
    └── SyscallError (OSError)                       bpf(2) failed; `errno` and `command` say how
        ├── KeyMissingError (KeyError)               ENOENT: the map has no such key
        │   └── IndexMissingError (IndexError)       the array is not that long
        ├── KeyExistsError (KeyError)                EEXIST: the map has the key already
        ├── MapFullError                             E2BIG: the map holds max_entries elements
        ├── OutOfMemoryError (MemoryError)           ENOMEM
        ├── ProgramLoadError                         the kernel refused a program; `log` is the verifier's
        │   ├── UnsupportedProgramError (UnsupportedFeatureError)  it needs what this kernel lacks
        │   └── ProgramDeniedError (PermissionDeniedError)  this process may not load it
        └── AttachError                              a program could not be attached; `target` says to what

A closed map or program raises `ClosedError` (`ValueError`, as files do).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ebpf.core.object.obstacle import Obstacle
    from ebpf.verdict import Verdict

__all__ = [
    "ArgumentError",
    "AssemblyError",
    "AttachError",
    "BtfError",
    "ClosedError",
    "CorruptBufferError",
    "EbpfError",
    "FeatureError",
    "IndexMissingError",
    "KeyExistsError",
    "KeyMissingError",
    "MapFullError",
    "ObjectFileError",
    "ObjectLoadError",
    "OutOfMemoryError",
    "PermissionDeniedError",
    "ProfileError",
    "ProgramDeniedError",
    "ProgramLoadError",
    "SyscallError",
    "UndecidedFeatureError",
    "UnknownFeatureError",
    "UnknownKernelError",
    "UnpicklableError",
    "UnsupportedFeatureError",
    "UnsupportedProgramError",
]


class EbpfError(Exception):
    """Base of every exception this library raises on purpose."""


class FeatureError(EbpfError):
    """Something about a kernel feature. ``verdict`` is the kernel's answer, or ``None`` when it was never asked."""

    verdict: Verdict | None = None

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class UnknownFeatureError(FeatureError, LookupError):
    """No feature has this name. ``name`` is what was asked for, ``suggestions`` the closest names that exist."""

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        message = f"no kernel feature is called {name!r}"
        if suggestions:
            message += f". Did you mean {' or '.join(suggestions)}?"
        super().__init__(message)
        self.name = name
        self.suggestions = tuple(suggestions)


class UnsupportedFeatureError(FeatureError, NotImplementedError):
    """This kernel lacks the feature. ``verdict`` holds the evidence and the alternatives."""


class UndecidedFeatureError(FeatureError):
    """The evidence does not say whether the feature is there. ``verdict`` holds what was found."""


class PermissionDeniedError(EbpfError, PermissionError):
    """The kernel has what was asked for but refuses it to this process; the message names the capability or policy."""

    def __init__(self, message: str, verdict: Verdict | None = None, errno: int | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.errno = errno


class UnknownKernelError(EbpfError, LookupError):
    """No kernel has this name. ``name`` is what was asked for, ``suggestions`` the closest names that exist."""

    def __init__(self, name: str, suggestions: Sequence[str] = (), hint: str = "") -> None:
        message = f"no kernel is called {name!r}"
        if suggestions:
            message += f". Did you mean {' or '.join(suggestions)}?"
        if hint:
            message += f" {hint}" if suggestions else f": {hint}"
        super().__init__(message)
        self.name = name
        self.suggestions = tuple(suggestions)


class ProfileError(EbpfError, ValueError):
    """A recorded profile that cannot be read; the message names the file and what is wrong with it."""


class ObjectFileError(EbpfError, ValueError):
    """An object file that is malformed, or uses something that cannot be loaded.

    Parameters:
        message: what is wrong with it.
        file: the file's name; empty when it came as bytes.
        section: the section's name; empty for the file's own headers.
        offset: the byte of the section (of the file, when there is no section) at which reading it failed.
    """

    def __init__(self, message: str, file: str = "", section: str = "", offset: int = 0) -> None:
        place = f"section {section}, byte {offset}" if section else f"byte {offset}"
        super().__init__(f"{file or 'object file'}: {message} ({place})")
        self.message = message
        self.file = file
        self.section = section
        self.offset = offset


class ObjectLoadError(EbpfError):
    """An object that this kernel does not load for this process.

    ``obstacles`` holds every reason at once (`ebpf.core.object.Obstacle`), not only the first.
    """

    def __init__(self, name: str, obstacles: Sequence[Obstacle]) -> None:
        count = len(obstacles)
        lines = [f"{name or 'the object'} cannot be loaded here: {count} obstacle{'s' if count != 1 else ''}"]
        lines += [f"  {obstacle}" for obstacle in obstacles]
        super().__init__("\n".join(lines))
        self.name = name
        self.obstacles = tuple(obstacles)


class BtfError(ObjectFileError):
    """Type information that is none, or malformed. ``offset`` is the byte at which reading it failed."""

    def __init__(self, message: str, offset: int) -> None:
        EbpfError.__init__(self, f"BTF: {message} (at byte {offset})")
        self.message = message
        self.file = ""
        self.section = ".BTF"
        self.offset = offset


class ArgumentError(EbpfError, ValueError):
    """An argument that no kernel accepts; the message names it, its value and what would be accepted."""


class AssemblyError(ArgumentError):
    """Instructions that cannot be assembled: a field out of its range, a label that is not there, bytes cut short."""


class ClosedError(EbpfError, ValueError):
    """The object was closed."""


class UnpicklableError(EbpfError, TypeError):
    """What owns a file descriptor can be neither pickled nor copied; the message says what to do instead."""


class CorruptBufferError(EbpfError):
    """The memory of an event buffer contradicts itself: something wrote over it. Nothing beyond it was read."""


class SyscallError(EbpfError, OSError):
    """bpf(2) failed for a reason that lies in the call, not in the kernel's abilities; ``command`` names it."""

    def __init__(self, errno: int, message: str, command: str = "") -> None:
        super().__init__(errno, message)
        self.command = command

    def __str__(self) -> str:
        return str(self.strerror)


class KeyMissingError(SyscallError, KeyError):
    """The map has no such key."""


class IndexMissingError(KeyMissingError, IndexError):
    """The index is beyond the end of the array."""


class KeyExistsError(SyscallError, KeyError):
    """The map has the key already."""


class MapFullError(SyscallError):
    """The map holds as many elements as it was created for."""


class OutOfMemoryError(SyscallError, MemoryError):
    """The kernel had no memory for the object."""


class ProgramLoadError(SyscallError):
    """The kernel refused a program.

    Attributes:
        log: the verifier's log, whole; empty when the verifier was not reached.
        instruction: the number of the instruction it stopped at, or ``None``.
        source: where that comes from, ``"sample.bpf.c:12: x = y + 1;"``; empty when not known.
        verdicts: what the program needs and this kernel does not offer, one `ebpf.kernel.Verdict` each.
    """

    def __init__(
        self,
        errno: int,
        message: str,
        log: str = "",
        instruction: int | None = None,
        source: str = "",
        verdicts: Sequence[Verdict] = (),
    ) -> None:
        OSError.__init__(self, errno, message)  # not super(): in the subclasses a FeatureError comes next
        self.command = "BPF_PROG_LOAD"
        self.log = log
        self.instruction = instruction
        self.source = source
        self.verdicts = tuple(verdicts)
        self.verdict = self.verdicts[0] if self.verdicts else None


class UnsupportedProgramError(ProgramLoadError, UnsupportedFeatureError):
    """The program needs what this kernel lacks: ``verdicts`` says what."""


class ProgramDeniedError(ProgramLoadError, PermissionDeniedError):
    """The kernel could load the program, but not for this process; the message names the capability or policy."""


class AttachError(SyscallError):
    """A program could not be attached. ``target`` is what it was to be attached to, in words."""

    def __init__(self, errno: int, message: str, command: str = "", target: str = "") -> None:
        super().__init__(errno, message, command)
        self.target = target
