"""The machine as plain values, for JSON."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ebpf.host.machine import Host

__all__ = ["as_dict"]


def as_dict(host: Host) -> dict[str, Any]:
    """Everything that `Host` knows, as dictionaries, lists, texts, numbers, true, false and null.

    ``release``, ``version``, ``distribution`` and ``architecture`` are always there; an empty text or null is unknown.
    """
    details = host.distribution_details
    capabilities = host.capabilities
    user = host.user_namespace
    seccomp = host.seccomp
    memlock = host.memlock
    mounts = host.mounts
    jit = host.jit
    return {
        "release": host.release,
        "build": host.build,
        "version": host.version,
        "version_source": host.version_source,
        "distribution": details.id,
        "distribution_release": details.release,
        "distribution_source": details.source,
        "distribution_of_kernel": details.of_kernel,
        "architecture": host.architecture,
        "boot_id": host.boot_id,
        "kconfig": {"status": host.kconfig.status, "path": host.kconfig.path, "reason": host.kconfig.reason},
        "capabilities": {
            "effective": sorted(capabilities.effective),
            "permitted": sorted(capabilities.permitted),
            "bounding": sorted(capabilities.bounding),
            "last": capabilities.last,
        },
        "user_namespace": {"initial": user.initial, "uid_map": [list(row) for row in user.uid_map]},
        "namespaces": host.namespaces,
        "seccomp": {"mode": seccomp.mode, "filters": seccomp.filters},
        "sysctls": host.sysctls.as_dict(),
        "lockdown": host.lockdown,
        "lockdown_source": host.lockdown_source,
        "lsm": host.lsm,
        "memlock": {
            "soft": memlock.soft,
            "hard": memlock.hard,
            "known": memlock.known,
            "needed": memlock.needed(),
        },
        "mounts": {name: getattr(mounts, name) for name in ("bpffs", "tracefs", "debugfs", "cgroup2", "securityfs")},
        "jit": {name: getattr(jit, name) for name in ("enabled", "always_on", "built", "harden", "kallsyms", "limit")},
        "btf": {"status": host.btf_status, "path": host.btf},
    }
