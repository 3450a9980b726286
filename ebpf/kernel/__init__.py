"""Kernels that can be asked what they can do.

::

    ebpf.kernel.running().check("BPF_MAP_TYPE_LRU_HASH")      # this machine, by trial
    ebpf.kernel.release("rhel8.6").check("bpf_ringbuf_output", "BPF_PROG_TYPE_XDP")
    ebpf.kernel.recorded("host.json").check("bounded_loops")  # another machine, from its recording

Each is a `Kernel`: `check` answers with a `Verdict`, `report` answers for every feature, `profile` is the report as
JSON-able data, which `recorded` reads back.
"""

from __future__ import annotations

from ebpf.verdict import ABSENT, COMPILED_OUT, DENIED, STATUSES, SUPPORTED, UNKNOWN, Reason, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from ebpf.kernel.base import Kernel, Report
    from ebpf.kernel.live import RunningKernel
    from ebpf.kernel.named import ReleaseKernel
    from ebpf.kernel.recording import RecordedKernel

__all__ = [
    "ABSENT",
    "COMPILED_OUT",
    "DENIED",
    "STATUSES",
    "SUPPORTED",
    "UNKNOWN",
    "Kernel",
    "Reason",
    "Report",
    "Verdict",
    "recorded",
    "release",
    "running",
]


def running() -> RunningKernel:
    """The kernel this process runs on. It answers by trial, as far as this process may try."""
    from ebpf.kernel.live import current

    return current()


def release(name: str, architecture: str | None = None) -> ReleaseKernel:
    """A kernel by its name, answered from the database.

    Parameters:
        name: a mainline version (``"5.4"``, ``"5.4.210"``), a distribution (``"rhel8.6"``, ``"debian-12"``,
            ``"ubuntu-20.04"``, ``"amzn2023"``) or what ``uname -r`` prints (``"4.18.0-372.el8.x86_64"``).
        architecture: as ``uname -m`` prints it, for the features that came to architectures one by one; ``None``
        counts a
            feature as there when any architecture has it.

    Raises `ebpf.errors.UnknownKernelError` with the closest names.
    """
    from ebpf.kernel.named import ReleaseKernel

    return ReleaseKernel(name, architecture)


def recorded(path: str | os.PathLike[str]) -> RecordedKernel:
    """A kernel from the file that ``ebpf features --json`` wrote on its machine.

    Raises `ebpf.errors.ProfileError` when the file is not such a recording, `OSError` when it cannot be read.
    """
    from ebpf.kernel.recording import RecordedKernel

    return RecordedKernel(path)


def __getattr__(name: str) -> object:
    if name in ("Kernel", "Report"):
        from ebpf.kernel import base

        return getattr(base, name)
    raise AttributeError(f"module 'ebpf.kernel' has no attribute {name!r}")
