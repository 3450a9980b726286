"""Whether the kernel is locked down, and how far."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ebpf.host.files import Files

__all__ = ["LEVELS", "from_file", "read"]

LEVELS = ("none", "integrity", "confidentiality")
_FORCED = (
    ("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", "confidentiality"),
    ("CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY", "integrity"),
)


def from_file(text: str) -> str | None:
    """The level in brackets: ``"none [integrity] confidentiality"`` (security/lockdown/lockdown.c)."""
    inside = text.partition("[")[2].partition("]")[0]
    return inside if inside in LEVELS else None


def read(files: Files, option: Callable[[str], str | None]) -> tuple[str | None, str]:
    """The level, ``None`` when it is not known or there is no lockdown; and where that comes from, in words.

    Without securityfs only what certainly locks the kernel down is believed: the boot parameter, or a level that the
    kernel was built with. A distribution's kernel may lock itself down under Secure Boot without either.

    Parameters:
        files: where to read.
        option: gives the value of a kconfig option, as `KConfig.get` does.
    """
    text = files.text("/sys/kernel/security/lockdown")
    if text is not None:
        return from_file(text), "/sys/kernel/security/lockdown"
    if files.text("/sys/kernel/security/lsm") is not None:
        return None, "securityfs is mounted and shows no lockdown"
    if option("CONFIG_SECURITY_LOCKDOWN_LSM") == "y":
        for word in (files.text("/proc/cmdline") or "").split():
            if word in ("lockdown=integrity", "lockdown=confidentiality"):
                return word.partition("=")[2], "/proc/cmdline"
        for name, level in _FORCED:
            if option(name) == "y":
                return level, f"the kernel's configuration, {name}"
    return None, "securityfs is not mounted"
