"""The machine as one object; every part is read when it is asked for."""

from __future__ import annotations

import os

from ebpf.host.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.host.capabilities import Capabilities
    from ebpf.host.distribution import Distribution, OsRelease
    from ebpf.host.jit import Jit
    from ebpf.host.kconfig import KConfig
    from ebpf.host.memlock import Memlock
    from ebpf.host.mounts import Mounts
    from ebpf.host.namespaces import UserNamespace
    from ebpf.host.seccomp import Seccomp
    from ebpf.host.sysctls import Sysctls

__all__ = ["Host"]


class Host:
    """What can be read about a machine without bpf(2).

    What holds until the next boot is read once: release, version, distribution, configuration, BTF. What may change
    under a running process is read every time: capabilities, namespaces, seccomp, sysctls, lockdown, limits, mounts.
    No attribute raises; what is not known is ``None``.

    Parameters:
        root: the directory tree to read, ``"/"`` for the live system.
    """

    def __init__(self, root: str = "/") -> None:
        self.files = Files(root)
        self._once: dict[str, Any] = {}

    # -- what holds until the next boot

    @property
    def release(self) -> str:
        """uname's release, ``"5.4.0-150-generic"``; empty when unknown."""
        return self._uname[0]

    @property
    def build(self) -> str:
        """uname's version, ``"#167~18.04.1-Ubuntu SMP Wed May 24 00:51:42 UTC 2023"``; empty when unknown."""
        return self._uname[1]

    @property
    def architecture(self) -> str:
        """uname's machine, ``"x86_64"``; empty when unknown."""
        return self._uname[2]

    @property
    def version(self) -> str | None:
        """The mainline release behind this kernel, ``"5.4.233"``; ``None`` when nothing says."""
        return self._mainline[0]

    @property
    def version_source(self) -> str:
        """Where `version` comes from, in words."""
        return self._mainline[1]

    @property
    def distribution(self) -> str:
        """The distribution's id as os-release spells it, ``"ubuntu"``; empty when unknown."""
        return self.distribution_details.id

    @property
    def distribution_release(self) -> str:
        """The distribution's release, ``"20.04"``; empty when unknown."""
        return self.distribution_details.release

    @property
    def distribution_details(self) -> Distribution:
        """The distribution with its source, and whether the kernel itself says so."""
        details: Distribution | None = self._once.get("distribution")
        if details is None:
            from ebpf.host import distribution

            details = distribution.resolve(self.release, self.build, self.os_release)
            self._once["distribution"] = details
        return details

    @property
    def os_release(self) -> OsRelease:
        """What os-release(5) says: in a container, the container's."""
        found: OsRelease | None = self._once.get("os_release")
        if found is None:
            from ebpf.host.distribution import OsRelease

            found = self._once["os_release"] = OsRelease.read(self.files)
        return found

    @property
    def kconfig(self) -> KConfig:
        """The configuration that the kernel was built with."""
        found: KConfig | None = self._once.get("kconfig")
        if found is None:
            from ebpf.host.kconfig import KConfig

            found = self._once["kconfig"] = KConfig.find(self.files, self.release)
        return found

    @property
    def btf(self) -> str | None:
        """The path of the kernel's type information, readable or not (`btf_status`); ``None`` when there is none."""
        return self._btf[0]

    @property
    def btf_status(self) -> str:
        """``"readable"``, ``"unreadable"`` or ``"missing"``."""
        return self._btf[1]

    @property
    def lsm(self) -> list[str] | None:
        """The active security modules; ``None`` when securityfs does not show them."""
        if "lsm" not in self._once:
            from ebpf.host import lsm

            self._once["lsm"] = lsm.read(self.files)
        found: list[str] | None = self._once["lsm"]
        return found

    @property
    def boot_id(self) -> str | None:
        """What identifies this boot of this machine: conclusions about the kernel hold as long as it does."""
        if "boot_id" not in self._once:
            self._once["boot_id"] = self.files.text("/proc/sys/kernel/random/boot_id")
        found: str | None = self._once["boot_id"]
        return found

    # -- what may change at any time

    @property
    def capabilities(self) -> Capabilities:
        """The calling thread's capabilities."""
        from ebpf.host import status
        from ebpf.host.capabilities import Capabilities

        return Capabilities.read(self.files, status.read(self.files), self.user_namespace.initial)

    @property
    def user_namespace(self) -> UserNamespace:
        """The calling thread's user namespace."""
        from ebpf.host import namespaces

        return namespaces.read_user(self.files)

    @property
    def namespaces(self) -> dict[str, int]:
        """The inode of each of the calling thread's namespaces that can be seen, by kind (``"user"``, ``"net"`` …)."""
        from ebpf.host import namespaces

        return namespaces.read(self.files)

    @property
    def seccomp(self) -> Seccomp:
        """The calling thread's seccomp state."""
        from ebpf.host import status
        from ebpf.host.seccomp import Seccomp

        return Seccomp.read(status.read(self.files))

    @property
    def sysctls(self) -> Sysctls:
        """The sysctls that decide what bpf(2) allows."""
        from ebpf.host.sysctls import Sysctls

        return Sysctls(self.files)

    @property
    def lockdown(self) -> str | None:
        """``"none"``, ``"integrity"`` or ``"confidentiality"``; ``None`` when unknown or not built in."""
        return self._lockdown[0]

    @property
    def lockdown_source(self) -> str:
        """Where `lockdown` comes from, or why it is not known."""
        return self._lockdown[1]

    @property
    def memlock(self) -> Memlock:
        """The calling process's RLIMIT_MEMLOCK, and whether this kernel counts BPF objects against it."""
        from ebpf.host.memlock import Memlock

        previous: Memlock | None = self._once.get("memlock")
        found = self._once["memlock"] = Memlock.read(self.files, previous)
        return found

    @property
    def mounts(self) -> Mounts:
        """The mounts that this process sees."""
        from ebpf.host.mounts import Mounts

        return Mounts.read(self.files)

    @property
    def jit(self) -> Jit:
        """The state of the BPF JIT."""
        from ebpf.host.jit import Jit

        return Jit(self.sysctls, self.kconfig.get)

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it. It tries `Memlock.needed`, which costs a fork(2) the first time."""
        from ebpf.host.report import as_dict

        return as_dict(self)

    def __repr__(self) -> str:
        return f"Host({self.release or 'unknown'})"

    # -- what the properties share

    @property
    def _uname(self) -> tuple[str, str, str]:
        found: tuple[str, str, str] | None = self._once.get("uname")
        if found is None:
            if self.files.live:
                uname = os.uname()
                found = (uname.release, uname.version, uname.machine)
            else:
                names = ("osrelease", "version", "arch")  # arch: since Linux 6.1
                release, version, machine = (self.files.text("/proc/sys/kernel/" + name) or "" for name in names)
                found = (release, version, machine)
            self._once["uname"] = found
        return found

    @property
    def _mainline(self) -> tuple[str | None, str]:
        found: tuple[str | None, str] | None = self._once.get("mainline")
        if found is None:
            from ebpf.host import release, vdso

            signature = self.files.text("/proc/version_signature")
            code = vdso.version_code() if self.files.live and not signature else None
            found = self._once["mainline"] = release.mainline(self.release, self.build, signature, code)
        return found

    @property
    def _btf(self) -> tuple[str | None, str]:
        found: tuple[str | None, str] | None = self._once.get("btf")
        if found is None:
            from ebpf.host import btf

            found = self._once["btf"] = btf.find(self.files, self.release)
        return found

    @property
    def _lockdown(self) -> tuple[str | None, str]:
        from ebpf.host import lockdown

        return lockdown.read(self.files, lambda option: self.kconfig.get(option))
