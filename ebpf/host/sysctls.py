"""The sysctls that decide what bpf(2) allows."""

from __future__ import annotations

from ebpf.host.files import MISSING, READ, Files, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAMES", "Sysctls"]

NAMES = (
    "kernel.unprivileged_bpf_disabled",
    "kernel.bpf_stats_enabled",
    "kernel.kptr_restrict",
    "kernel.perf_event_paranoid",
    "kernel.unprivileged_userns_clone",
    "net.core.bpf_jit_enable",
    "net.core.bpf_jit_harden",
    "net.core.bpf_jit_kallsyms",
    "net.core.bpf_jit_limit",
    "user.max_user_namespaces",
)


class Sysctls:
    """Sysctls by dotted name. Values are read when asked for: an administrator may change them at any time."""

    __slots__ = ("_files",)

    def __init__(self, files: Files) -> None:
        self._files = files

    def get(self, name: str) -> int | str | None:
        """A sysctl's value, as a number where it is one; ``None`` when it is missing or unreadable."""
        value = self._look(name)[1]
        try:
            return int(value)
        except ValueError:
            return value or None

    def status(self, name: str) -> str:
        """``"read"``, ``"unreadable"`` (the JIT's are for root only) or ``"missing"``."""
        return self._look(name)[0]

    def unreadable(self, name: str) -> bool:
        """Whether the sysctl exists but may not be read by this process."""
        return self.status(name) not in (READ, MISSING)

    def missing(self, name: str) -> bool:
        """Whether this kernel, or this network namespace, has no such sysctl."""
        return self.status(name) == MISSING

    def __getitem__(self, name: str) -> int | str | None:
        return self.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def as_dict(self) -> dict[str, int | str | None]:
        """Every sysctl of `NAMES` that this kernel has; ``None`` for one that may not be read."""
        return {name: self.get(name) for name in NAMES if not self.missing(name)}

    def _look(self, name: str) -> tuple[str, str]:
        try:
            data = self._files.read("/proc/sys/" + name.replace(".", "/"), 4096)
        except OSError as error:
            return status_of(error), ""
        return READ, data.decode("utf-8", "replace").strip()
