"""Can eBPF be used here, and if not, why: one finding for each condition, each with its fix."""

from __future__ import annotations

from ebpf.verdict import DENIED, SUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ebpf.host import Host
    from ebpf.kernel.live import RunningKernel

__all__ = ["GOOD", "NOTE", "PROBLEM", "Finding", "examine"]

GOOD = "good"
"""As it should be."""
NOTE = "note"
"""Some things will not work, or could work better."""
PROBLEM = "problem"
"""eBPF, or a large part of it, cannot be used."""


class Finding:
    """One condition:

    ``name``, ``status`` (`GOOD`, `NOTE` or `PROBLEM`), ``text``, and ``fix`` (empty when nothing is to do).
    """

    __slots__ = ("fix", "name", "status", "text")

    def __init__(self, name: str, status: str, text: str, fix: str = "") -> None:
        self.name = name
        self.status = status
        self.text = text
        self.fix = fix

    def __repr__(self) -> str:
        return f"<Finding {self.name}: {self.status}: {self.text}>"


def examine() -> list[Finding]:
    """Look at everything that decides whether this process can use eBPF on this machine."""
    from ebpf.kernel import running

    kernel = running()
    host = kernel.host
    return [
        _kernel(kernel),
        *_syscall(kernel),
        _capabilities(host),
        *_policies(host),
        _memlock(host),
        *_mounts(host),
        *_jit(host),
        _btf(host),
        *_kconfig(host),
    ]


def _kernel(kernel: RunningKernel) -> Finding:
    host = kernel.host
    if host.version is None:
        return Finding(
            "kernel",
            NOTE,
            f"{host.release}: which mainline release this is cannot be told ({host.version_source})",
            "answers rest on trials, BTF and kconfig alone",
        )
    where = f" on {host.distribution}" if host.distribution else ""
    return Finding("kernel", GOOD, f"{host.release}{where}, mainline {host.version} (from {host.version_source})")


# What a tool needs before anything else, in the order in which it is met.
_BASICS = (
    ("maps", "BPF_MAP_TYPE_HASH"),
    ("programs", "BPF_PROG_TYPE_SOCKET_FILTER"),
    ("tracing programs", "BPF_PROG_TYPE_KPROBE"),
    ("network programs", "BPF_PROG_TYPE_XDP"),
)


def _syscall(kernel: RunningKernel) -> Iterator[Finding]:
    for name, feature in _BASICS:
        verdict = kernel.check(feature)
        if verdict.status == SUPPORTED:
            yield Finding(name, GOOD, f"{feature} works")
        else:
            fix = (
                "run as root or with the capabilities named" if verdict.status == DENIED else "use a kernel that has it"
            )
            yield Finding(name, PROBLEM, verdict.explain(), fix)


def _capabilities(host: Host) -> Finding:
    import featuredb

    useful = sorted({name for record in featuredb.features("program_type") for name in record.capabilities})
    missing = [name for name in useful if not host.capabilities.has(name)]
    if not missing:
        return Finding("capabilities", GOOD, f"{', '.join(useful)} are effective")
    return Finding(
        "capabilities",
        PROBLEM if len(missing) == len(useful) else NOTE,
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
        f"run as root, or: setcap {','.join(missing).lower()}+ep PROGRAM, or AmbientCapabilities= in a systemd unit",
    )


def _policies(host: Host) -> Iterator[Finding]:
    value = host.sysctls.get("kernel.unprivileged_bpf_disabled")
    if value in (0, 1, 2):
        said = {
            0: "processes without capabilities may use socket filters",
            1: "only privileged processes may use bpf(2), until the next boot",
            2: "only privileged processes may use bpf(2)",
        }[value]
        status = GOOD if value or host.capabilities.has("CAP_BPF") else NOTE
        yield Finding("unprivileged bpf", status, f"kernel.unprivileged_bpf_disabled is {value}: {said}")
    if host.user_namespace.initial is False:
        yield Finding(
            "user namespace",
            PROBLEM,
            "this process is in a user namespace: its capabilities do not reach bpf(2)",
            "run outside of it, or delegate a bpffs with a BPF token into it (bpf_token)",
        )
    else:
        yield Finding("user namespace", GOOD, "this process is in the initial user namespace")
    if host.seccomp.mode:
        yield Finding(
            "seccomp",
            NOTE,
            "a seccomp filter is active and may refuse bpf(2) with EPERM or ENOSYS",
            "allow bpf and perf_event_open in the container's seccomp profile",
        )
    else:
        yield Finding("seccomp", GOOD, "no seccomp filter")
    if host.lockdown in (None, "none"):
        yield Finding("lockdown", GOOD, "the kernel is not locked down" if host.lockdown else "no lockdown known of")
    else:
        yield Finding(
            "lockdown",
            NOTE,
            f"the kernel is locked down ({host.lockdown}): some helpers and program types may be refused",
            "boot without lockdown=, or without Secure Boot's automatic lockdown",
        )


def _memlock(host: Host) -> Finding:
    if host.memlock.soft is None:
        return Finding("memlock", GOOD, "RLIMIT_MEMLOCK is unlimited")
    limit = f"RLIMIT_MEMLOCK is {host.memlock.soft >> 10} KiB"
    needed = host.memlock.needed()
    if needed is False:
        return Finding("memlock", GOOD, f"{limit}, but maps are counted against the memory cgroup instead")
    if needed is None:
        return Finding("memlock", NOTE, f"{limit}; whether maps count against it could not be tried", "")
    return Finding("memlock", NOTE, f"{limit}, and maps and programs count against it", "ulimit -l unlimited")


def _mounts(host: Host) -> Iterator[Finding]:
    for name, path, use, fix in (
        ("bpffs", host.mounts.bpffs, "pinning", "mount -t bpf bpf /sys/fs/bpf"),
        (
            "tracefs",
            host.mounts.tracefs,
            "tracepoints and kprobes by name",
            "mount -t tracefs tracefs /sys/kernel/tracing",
        ),
        ("cgroup2", host.mounts.cgroup2, "programs attached to control groups", "mount -t cgroup2 none /sys/fs/cgroup"),
    ):
        if path:
            yield Finding(name, GOOD, f"mounted at {path}")
        else:
            yield Finding(name, NOTE, f"not mounted: no {use}", fix)


def _jit(host: Host) -> Iterator[Finding]:
    jit = host.jit
    if jit.enabled is None:
        yield Finding("JIT", NOTE, "net.core.bpf_jit_enable cannot be read here", "read it as root")
    elif jit.enabled:
        yield Finding("JIT", GOOD, "programs are compiled to machine code")
    else:
        yield Finding(
            "JIT",
            NOTE,
            "programs are interpreted: slow, and some features are refused",
            "sysctl net.core.bpf_jit_enable=1",
        )


def _btf(host: Host) -> Finding:
    if host.btf_status == "readable":
        return Finding("BTF", GOOD, f"the kernel's types are in {host.btf}")
    if host.btf_status == "unreadable":
        return Finding("BTF", NOTE, f"{host.btf} cannot be read by this user", "chmod a+r, or run as root")
    return Finding(
        "BTF",
        NOTE,
        "no BTF of this kernel: CO-RE objects, fentry and kfuncs do not work",
        "a kernel with CONFIG_DEBUG_INFO_BTF, or a BTF file made for this one",
    )


def _kconfig(host: Host) -> Iterator[Finding]:
    kconfig = host.kconfig
    if kconfig.status == "read":
        yield Finding("kconfig", GOOD, f"read from {kconfig.path}")
    else:
        yield Finding(
            "kconfig",
            NOTE,
            f"the kernel's configuration is {kconfig.status}:"
            " what was compiled out cannot always be told from what is absent",
            "modprobe configs, or install the file as /boot/config-$(uname -r)",
        )
