"""/proc/thread-self/status as fields: what the kernel says about the calling thread (proc_pid_status(5))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["read"]


def read(files: Files) -> dict[str, str]:
    """The fields of the calling thread's status; empty when /proc does not show it.

    Capabilities and seccomp filters belong to threads; kernels before 3.17 have no /proc/thread-self.
    """
    text = files.text("/proc/thread-self/status")
    if text is None:
        text = files.text("/proc/self/status")
    fields: dict[str, str] = {}
    for line in (text or "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields[name] = value.strip()
    return fields
