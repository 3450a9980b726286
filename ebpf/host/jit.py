"""The state of the BPF JIT."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ebpf.host.sysctls import Sysctls

__all__ = ["Jit"]


class Jit:
    """The JIT's settings (Documentation/admin-guide/sysctl/net.rst); ``None`` where one cannot be read.

    Attributes:
        enabled: 0 off, 1 on, 2 on and dumping to the kernel log.
        always_on: whether the kernel was built without the interpreter (CONFIG_BPF_JIT_ALWAYS_ON).
        harden: 0 off, 1 for unprivileged programs, 2 for all.
        kallsyms: whether programs show in /proc/kallsyms.
        limit: bytes that unprivileged programs may take.
        built: whether the kernel has a JIT at all (CONFIG_BPF_JIT).
    """

    __slots__ = ("always_on", "built", "enabled", "harden", "kallsyms", "limit")

    def __init__(self, sysctls: Sysctls, option: Callable[[str], str | None]) -> None:
        self.always_on = _yes(option("CONFIG_BPF_JIT_ALWAYS_ON"))
        self.built = _yes(option("CONFIG_BPF_JIT"))
        self.enabled = _number(sysctls, "net.core.bpf_jit_enable")
        if self.enabled is None:
            # The sysctl is not to be read by everyone everywhere, and not there in other network namespaces.
            if self.always_on:
                self.enabled = 1
            elif self.built is False:
                self.enabled = 0
        self.harden = _number(sysctls, "net.core.bpf_jit_harden")
        self.kallsyms = _number(sysctls, "net.core.bpf_jit_kallsyms")
        self.limit = _number(sysctls, "net.core.bpf_jit_limit")


def _number(sysctls: Sysctls, name: str) -> int | None:
    value = sysctls.get(name)
    return value if isinstance(value, int) else None


def _yes(value: str | None) -> bool | None:
    return value == "y" if value is not None else None
