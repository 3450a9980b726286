"""A failed map command as the table of errors sees it: what was asked for, and what can be found out afterwards."""

from __future__ import annotations

import os
import sys

from ebpf import uapi
from ebpf.diagnose.words import size_text
from ebpf.errors import ArgumentError
from ebpf.probe.calls import spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ebpf.errors import EbpfError
    from ebpf.verdict import Verdict

__all__ = ["MapFailure", "Row", "create_row", "fdinfo", "is_open"]


# What an element operation of each command is called in messages.
_VERBS = {
    "BPF_MAP_LOOKUP_ELEM": "be read by user space",
    "BPF_MAP_UPDATE_ELEM": "be written by user space",
    "BPF_MAP_DELETE_ELEM": "be deleted",
    "BPF_MAP_GET_NEXT_KEY": "be listed",
    "BPF_MAP_LOOKUP_AND_DELETE_ELEM": "be looked up and deleted in one",
    "BPF_MAP_LOOKUP_BATCH": "be read in batches",
    "BPF_MAP_LOOKUP_AND_DELETE_BATCH": "be taken out in batches",
    "BPF_MAP_UPDATE_BATCH": "be written in batches",
    "BPF_MAP_DELETE_BATCH": "be deleted in batches",
}


class Row:
    """One cause of one errno: the commands and map types it is for, and what is said of it.

    Parameters:
        name: the row's own, unique in the table.
        error: the errno, ``"EPERM"``.
        raises: the exception.
        condition: the cause in words, for docs/errors.md.
        message: what the user reads; a format string over the `MapFailure` ``f``.
        commands: the bpf() commands.
        types: the map types; empty for all.
        when: whether the cause is this one; ``None`` when command, type and errno say so.
        explain: makes the exception instead of `message`, or returns ``None`` when this is not the cause.
    """

    __slots__ = ("commands", "condition", "error", "explain", "message", "name", "raises", "types", "when")

    def __init__(
        self,
        name: str,
        error: str,
        raises: type[EbpfError],
        condition: str,
        message: str,
        *,
        commands: tuple[str, ...],
        types: tuple[str, ...] = (),
        when: Callable[[MapFailure], object] | None = None,
        explain: Callable[[MapFailure], EbpfError | None] | None = None,
    ) -> None:
        self.name = name
        self.error = error
        self.raises = raises
        self.condition = condition
        self.message = message
        self.commands = commands
        self.types = frozenset("BPF_MAP_TYPE_" + name for name in types)
        self.when = when
        self.explain = explain

    def fits(self, failure: MapFailure) -> bool:
        """Whether this may be the cause of `failure`."""
        return (
            self.error == failure.error
            and failure.command in self.commands
            and (not self.types or failure.type in self.types)
            and (self.when is None or bool(self.when(failure)))
        )


def create_row(
    name: str,
    error: str,
    condition: str,
    message: str,
    when: Callable[[MapFailure], object] | None = None,
    types: tuple[str, ...] = (),
    raises: type[EbpfError] = ArgumentError,
) -> Row:
    """A row for ``BPF_MAP_CREATE``."""
    return Row(name, error, raises, condition, message, commands=("BPF_MAP_CREATE",), types=types, when=when)


def element_row(
    name: str,
    error: str,
    commands: tuple[str, ...],
    types: tuple[str, ...],
    condition: str,
    message: str,
    raises: type[EbpfError] = ArgumentError,
    when: Callable[[MapFailure], object] | None = None,
) -> Row:
    """A row for other commands."""
    return Row(name, error, raises, condition, message, commands=commands, types=types, when=when)


class MapFailure:
    """A map command that failed. What the caller leaves out is read from the descriptor when a row asks for it.

    Parameters:
        command, errno: the number of the bpf() command, and of its error.
        fd: the map's descriptor; -1 for a command without one.
        map_type, key_size, value_size, max_entries, map_flags: of the map.
        shown: the key as the caller gave it, for messages.
        key, value: the bytes that the kernel was given.
        flags: of the operation.
        path, name, map_id, map_extra, count: further arguments of some commands.
    """

    def __init__(
        self,
        command: int,
        errno: int,
        *,
        fd: int = -1,
        map_type: int | None = None,
        key_size: int | None = None,
        value_size: int | None = None,
        max_entries: int | None = None,
        map_flags: int | None = None,
        shown: object = None,
        key: bytes | None = None,
        value: bytes | None = None,
        flags: int = 0,
        path: str = "",
        name: str = "",
        map_id: int | None = None,
        map_extra: int = 0,
        inner_map_fd: int = 0,
        btf_fd: int = 0,
        btf_key_type_id: int = 0,
        btf_value_type_id: int = 0,
        numa_node: int | None = None,
        count: int = 0,
    ) -> None:
        from ebpf.core import rules

        self.command = rules.command_name(command)
        self.errno = errno
        self.error = spell(errno)
        self.fd = fd
        self._map_type = map_type
        self._key_size = key_size
        self._value_size = value_size
        self._max_entries = max_entries
        self._map_flags = map_flags
        self.key = key
        self.value = value
        self.shown = key if shown is None else shown
        self.flags = flags
        self.path = path
        self.name = name
        self.map_id = map_id
        self.map_extra = map_extra
        self.inner_map_fd = inner_map_fd
        self.btf_fd = btf_fd
        self.btf_key_type_id = btf_key_type_id
        self.btf_value_type_id = btf_value_type_id
        self.numa_node = numa_node
        self.count = count
        self._info: dict[str, str] | None = None

    @property
    def info(self) -> dict[str, str]:
        """The lines of the descriptor's ``/proc/self/fdinfo``; empty when it is not open."""
        if self._info is None:
            self._info = fdinfo(self.fd)
        return self._info

    def _number(self, given: int | None, name: str) -> int:
        return given if given is not None else int(self.info.get(name, "0"), 0)

    @property
    def type(self) -> str:
        """``BPF_MAP_TYPE_HASH``."""
        from ebpf.core import rules

        return rules.map_type_name(self._number(self._map_type, "map_type"))

    @property
    def map(self) -> str:
        """The map in messages: its type, and its name if it has one."""
        return f"{self.type} {self.name!r}" if self.name else self.type

    @property
    def subject(self) -> str:
        """What failed, in messages."""
        place = self.path or (f"id {self.map_id}" if self.map_id is not None else "")
        if self.command == "BPF_MAP_CREATE":
            return f"{self.command} of {self.map}"
        if place and not self.is_map:
            return f"{self.command} of {place}"
        return f"{self.command} on {self.map}"

    @property
    def verb(self) -> str:
        """What the command does to elements: "be deleted"."""
        return _VERBS.get(self.command, "be used like this")

    @property
    def memlock(self) -> str:
        """The limit of locked memory."""
        from ebpf.kernel import running

        return size_text(running().host.memlock.soft or 0)

    @property
    def key_size(self) -> int:
        return self._number(self._key_size, "key_size")

    @property
    def value_size(self) -> int:
        return self._number(self._value_size, "value_size")

    @property
    def max_entries(self) -> int:
        return self._number(self._max_entries, "max_entries")

    @property
    def map_flags(self) -> int:
        return self._number(self._map_flags, "map_flags")

    @property
    def size(self) -> str:
        """The bytes of all elements."""
        return size_text((self.key_size + self.value_size) * self.max_entries)

    @property
    def last_index(self) -> int:
        return self.max_entries - 1

    @property
    def closed(self) -> bool:
        """Whether the descriptor is not open."""
        return not is_open(self.fd)

    @property
    def is_map(self) -> bool:
        return "map_type" in self.info

    @property
    def frozen(self) -> bool:
        # kernel/bpf/syscall.c, bpf_map_show_fdinfo()
        return self.info.get("frozen") == "1"

    @property
    def mode(self) -> int:
        """How the descriptor was opened: O_RDONLY, O_WRONLY or O_RDWR."""
        return int(self.info.get("flags", "2"), 8) & os.O_ACCMODE

    @property
    def index(self) -> int:
        """The key as an unsigned number of four bytes."""
        return int.from_bytes((self.key or b"")[:4], sys.byteorder)

    @property
    def prefix_bits(self) -> int:
        """How many bits a trie's key has after its prefix length."""
        return 8 * (self.key_size - 4)

    @property
    def cpu(self) -> int:
        """The CPU that the flags of an operation name in their upper half."""
        return self.flags >> 32

    @property
    def given_fd(self) -> int:
        """The descriptor that the value names."""
        return _signed((self.value or b"")[:4])

    @property
    def program_fd(self) -> int:
        """The program that the value of a device or CPU map names behind its first number."""
        return _signed((self.value or b"")[4:8])

    @property
    def key_fd(self) -> int:
        """The descriptor that the key names."""
        return _signed((self.key or b"")[:4])

    def flag(self, *names: str) -> bool:
        """Whether one of these flags of ``BPF_MAP_CREATE`` is among the map's."""
        return any(self.map_flags & getattr(uapi, name) for name in names)

    def check(self, name: str) -> Verdict:
        """The running kernel's verdict on a feature."""
        from ebpf.kernel import running

        return running().check(name)


def fdinfo(fd: int) -> dict[str, str]:
    """What the kernel says of a descriptor of this process; empty when there is no such descriptor."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
            pairs = [line.partition(":") for line in file]
    except (OSError, ValueError):
        return {}
    return {name.strip(): value.strip() for name, _, value in pairs}


def is_open(fd: int) -> bool:
    """Whether `fd` is an open descriptor of this process."""
    try:
        os.fstat(fd)
    except (OSError, OverflowError):
        return False
    return True


def _signed(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder, signed=True)
