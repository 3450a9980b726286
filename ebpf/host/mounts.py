"""Where the file systems that eBPF uses are mounted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["Mount", "Mounts", "parse"]


class Mount:
    """One mount: ``type``, ``path``, ``root`` (the part of the file system that is mounted), ``options``."""

    __slots__ = ("options", "path", "root", "type")

    def __init__(self, kind: str, path: str, root: str, options: tuple[str, ...]) -> None:
        self.type = kind
        self.path = path
        self.root = root
        self.options = options

    def __repr__(self) -> str:
        return f"Mount({self.type!r}, {self.path!r})"


class Mounts:
    """The mounts that this process sees: the first path of each type, ``None`` where there is none."""

    __slots__ = ("_mounts",)

    def __init__(self, mounts: tuple[Mount, ...]) -> None:
        self._mounts = mounts

    @classmethod
    def read(cls, files: Files) -> Mounts:
        """From /proc/self/mountinfo."""
        return cls(parse(files.text("/proc/self/mountinfo") or ""))

    def all(self, kind: str) -> tuple[Mount, ...]:
        """Every mount of a file system type, in the kernel's order."""
        return tuple(mount for mount in self._mounts if mount.type == kind)

    def first(self, kind: str) -> str | None:
        """The first path where a file system of the type is mounted."""
        mounts = self.all(kind)
        return mounts[0].path if mounts else None

    @property
    def bpffs(self) -> str | None:
        """Where objects can be pinned."""
        return self.first("bpf")

    @property
    def tracefs(self) -> str | None:
        """Tracepoints and kprobe events. Before Linux 4.1, and by automount still, ``tracing`` below debugfs."""
        return self.first("tracefs")

    @property
    def debugfs(self) -> str | None:
        """Kernel debugging files."""
        return self.first("debugfs")

    @property
    def cgroup2(self) -> str | None:
        """The unified control group hierarchy."""
        return self.first("cgroup2")

    @property
    def securityfs(self) -> str | None:
        """Security modules' files; among them the lockdown level."""
        return self.first("securityfs")


def parse(text: str) -> tuple[Mount, ...]:
    """The rows of a mountinfo file (proc_pid_mountinfo(5)); rows that make no sense are left out."""
    mounts = []
    for line in text.split("\n"):
        # Optional fields of any number end with a lone hyphen.
        left, dash, right = line.partition(" - ")
        words = left.split(" ")
        tail = right.split(" ")
        if dash and len(words) >= 6 and tail[0]:
            mounts.append(Mount(tail[0], _unescape(words[4]), _unescape(words[3]), tuple(words[5].split(","))))
    return tuple(mounts)


def _unescape(text: str) -> str:
    """Space, tab, newline and backslash are written as a backslash and three octal digits."""
    if "\\" not in text:
        return text
    parts = text.split("\\")
    plain = parts[0]
    for part in parts[1:]:
        digits = part[:3]
        if len(digits) == 3 and all("0" <= digit <= "7" for digit in digits):
            plain += chr(int(digits, 8)) + part[3:]
        else:
            plain += "\\" + part
    return plain
