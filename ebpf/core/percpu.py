"""Values of per-CPU maps: one for each possible CPU, each padded to 8 bytes."""

from __future__ import annotations

from ebpf.errors import EbpfError

__all__ = ["possible_cpus", "room", "stride"]

_PATH = "/sys/devices/system/cpu/possible"
_cpus = 0  # the kernel settles it while it boots


def possible_cpus() -> int:
    """How many CPUs the kernel has room for: as many values a per-CPU map has behind each key.

    More than there are, where CPUs may be added. Raises `EbpfError` when sysfs does not say it.
    """
    global _cpus
    if not _cpus:
        from ebpf.host.files import Files

        text = Files().text(_PATH)
        try:
            # "0-3", "0,2-5": the values go up to the last number (kernel/bpf/syscall.c, for_each_possible_cpu()).
            _cpus = sum(_length(part) for part in (text or "").split(","))
        except ValueError:
            raise EbpfError(
                f"{_PATH} does not say how many CPUs are possible (it holds {text!r}), which a per-CPU map must know:"
                " mount sysfs at /sys"
            ) from None
    return _cpus


def _length(part: str) -> int:
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1


def stride(value_size: int) -> int:
    """The distance in bytes from one CPU's value to the next (kernel/bpf/syscall.c, bpf_map_value_size())."""
    return (value_size + 7) & ~7


def room(value_size: int) -> int:
    """How many bytes user space reads and writes for one key."""
    return stride(value_size) * possible_cpus()
