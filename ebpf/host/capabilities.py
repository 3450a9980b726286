"""The calling thread's capabilities, read as the kernel's own checks read them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.host.files import Files

__all__ = ["NAMES", "Capabilities", "names_of"]

# include/uapi/linux/capability.h: the position is the capability's number.
NAMES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)

# include/linux/capability.h: bpf_capable(), perfmon_capable(); kernel/bpf/syscall.c: bpf_net_capable().
_ADMIN_STANDS_IN_FOR = frozenset(("CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"))
_ADMIN = "CAP_SYS_ADMIN"
_VERSION_3 = 0x20080522  # include/uapi/linux/capability.h, _LINUX_CAPABILITY_VERSION_3
_PR_CAPBSET_READ = 23  # include/uapi/linux/prctl.h


def names_of(mask: int) -> frozenset[str]:
    """The names of the bits in a mask; one that this table does not know is called by its number, ``CAP_41``."""
    names = set()
    number = 0
    while mask >> number:
        if mask >> number & 1:
            names.add(NAMES[number] if number < len(NAMES) else f"CAP_{number}")
        number += 1
    return frozenset(names)


class Capabilities:
    """A thread's capabilities.

    Attributes:
        effective, permitted, bounding: the sets, by name.
        last: the number of the last capability the running kernel knows, ``None`` when it does not say.
        initial: whether they hold in the initial user namespace; ``None`` when unknown.
    """

    __slots__ = ("bounding", "effective", "initial", "last", "permitted")

    def __init__(
        self, effective: int, permitted: int, bounding: int, last: int | None = None, initial: bool | None = True
    ) -> None:
        # Kernels before 3.17 show every bit as set for root, known or not: Linux kernel commit 7d8b6c63751c
        # ("CAPABILITIES: remove undefined caps from all processes").
        known = (1 << last + 1) - 1 if last is not None else -1
        self.effective = names_of(effective & known & _ALL_BITS)
        self.permitted = names_of(permitted & known & _ALL_BITS)
        self.bounding = names_of(bounding & known & _ALL_BITS)
        self.last = last
        self.initial = initial

    @classmethod
    def read(cls, files: Files, fields: dict[str, str], initial: bool | None) -> Capabilities:
        """From the fields of a thread's status; from capget(2) on a live system whose /proc does not show them."""
        last = files.text("/proc/sys/kernel/cap_last_cap")
        masks = [_mask(fields.get(name)) for name in ("CapEff", "CapPrm", "CapBnd")]
        effective, permitted, bounding = masks
        if effective is None and files.live:
            effective, permitted, bounding = _capget()
        return cls(
            effective or 0, permitted or 0, bounding or 0, int(last) if last and last.isdigit() else None, initial
        )

    def knows(self, name: str) -> bool:
        """Whether the running kernel has the capability: CAP_BPF and CAP_PERFMON came with Linux 5.8."""
        return self.last is None or name not in NAMES or NAMES.index(name) <= self.last

    def has(self, name: str) -> bool:
        """Whether the kernel's bpf(2) takes this thread to have the capability.

        CAP_SYS_ADMIN stands in for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. A capability held in another user namespace
        than the initial one does not count: capable() asks for the initial one (kernel/capability.c).

        Parameters:
            name: ``"CAP_BPF"`` and so on.
        """
        return self.initial is not False and self.has_in_namespace(name)

    def has_in_namespace(self, name: str) -> bool:
        """As `has`, but in the thread's own user namespace, which is what counts for a BPF token's."""
        return name in self.effective or (name in _ADMIN_STANDS_IN_FOR and _ADMIN in self.effective)

    def __repr__(self) -> str:
        return f"Capabilities({', '.join(sorted(self.effective)) or 'none effective'})"


_ALL_BITS = (1 << 64) - 1


def _mask(field: str | None) -> int | None:
    try:
        return int(field, 16) if field else None
    except ValueError:
        return None


def _capget() -> tuple[int | None, int | None, int | None]:
    """The calling thread's sets by system call: effective, permitted, bounding."""
    import ctypes

    try:
        libc = ctypes.CDLL(None)
        header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)()
        if libc.capget(header, data) != 0:
            return None, None, None
        bounding = sum(1 << number for number in range(64) if libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1)
    except (AttributeError, OSError):
        return None, None, None
    return data[0] | data[3] << 32, data[1] | data[4] << 32, bounding
