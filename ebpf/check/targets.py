"""Kernels to hold objects against, by whatever they are given: names, recordings, types, configurations."""

from __future__ import annotations

import os
from weakref import WeakKeyDictionary

from ebpf.check.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ebpf.btf import Btf
    from ebpf.host.kconfig import KConfig
    from ebpf.kernel.base import Kernel

__all__ = ["common", "everything", "from_btf", "host", "mainline", "named", "recorded", "target_of", "with_config"]

_HARDWARE = "-hwe-"  # Ubuntu's later kernels for a release: the same as a newer release has

_BTF_DIRECTORY = "/sys/kernel/btf"
_VMLINUX = "vmlinux"

_named: dict[str, Target] = {}
_mainline: list[Target] = []
_targets: WeakKeyDictionary[Kernel, Target] = WeakKeyDictionary()


def target_of(kernel: str | Kernel | Target) -> Target:
    """The target that a name, a kernel or a target stands for."""
    if isinstance(kernel, Target):
        return kernel
    if isinstance(kernel, str):
        return named(kernel)
    target = _targets.get(kernel)
    if target is None:
        target = _targets[kernel] = _running(kernel) if _runs(kernel) else Target(kernel)
    return target


def named(name: str) -> Target:
    """A kernel by name (``"5.4"``, ``"rhel8.6"``), ``"host"`` for the running one, or the file of a recording.

    Raises `ebpf.errors.UnknownKernelError`, `ebpf.errors.ProfileError`, `OSError`.
    """
    from ebpf import kernel

    if name == "host":
        return host()
    target = _named.get(name)
    if target is None:
        if os.sep in name or name.endswith(".json"):
            return Target(kernel.recorded(name), hosts=(name,))
        target = _named[name] = Target(kernel.release(name))
    return target


def host() -> Target:
    """The running kernel: answered by trial, with its own types and configuration."""
    from ebpf import kernel

    return target_of(kernel.running())


def _runs(kernel: Kernel) -> bool:
    from ebpf.kernel.live import RunningKernel

    return isinstance(kernel, RunningKernel)


def _running(kernel: Kernel) -> Target:
    from ebpf.probe import kernel_btf

    btf = kernel_btf.vmlinux()
    return Target(kernel, btf, modules=() if btf is None else _modules(_BTF_DIRECTORY, btf))


def mainline() -> Sequence[Target]:
    """Every mainline release on record, oldest first."""
    if not _mainline:
        import featuredb

        _mainline.extend(named(release.version) for release in featuredb.releases())
    return _mainline


def common() -> list[Target]:
    """The long-term releases and the newest one, and the distributions' kernels that were supported at that time."""
    import featuredb

    releases = featuredb.releases()
    newest = releases[-1]
    names = [release.version for release in releases if release.lts or release is newest]
    # A date beats the words that may stand for one, too: they begin with a letter.
    names += [
        platform.name
        for platform in featuredb.platforms()
        if platform.base is not None
        and platform.eol[:1].isdigit()
        and platform.eol > newest.date
        and _HARDWARE not in platform.name
    ]
    return [named(name) for name in names]


def everything() -> list[Target]:
    """Every kernel that the database knows enough of."""
    import featuredb

    names = [platform.name for platform in featuredb.platforms() if platform.base is not None]
    return [*mainline(), *(named(name) for name in names)]


def recorded(paths: Iterable[str]) -> list[Target]:
    """The kernels recorded in files, and in the ``.json`` files of directories: hosts that answer the same are one.

    Raises `ebpf.errors.ProfileError` for a file that is no recording and a directory without any, `OSError`.
    """
    from ebpf import kernel
    from ebpf.errors import ProfileError

    files: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            files.append(path)
            continue
        inside = sorted(entry.path for entry in os.scandir(path) if entry.name.endswith(".json"))
        if not inside:
            raise ProfileError(f"{path}: no .json file in this directory; record a kernel with: ebpf features --json")
        files += inside
    distinct: dict[tuple[str, int], Target] = {}
    for path in files:
        one = kernel.recorded(path)
        known = distinct.setdefault(one.fingerprint, Target(one))
        known.hosts = (*known.hosts, path)
    return list(distinct.values())


def from_btf(path: str, base: Target | None = None) -> list[Target]:
    """The kernels whose vmlinux BTF is in a file, or in the files of a directory.

    Parameters:
        path: raw BTF, as ``/sys/kernel/btf/vmlinux`` is. A directory with a file ``vmlinux`` is one kernel with its
            modules, as ``/sys/kernel/btf`` is; any other one holds a kernel in each file.
        base: the kernel that the BTF is of; ``None``: it is told by the BTF itself.

    Raises `ebpf.errors.ProfileError` when there is none, `OSError`.
    """
    if os.path.exists(os.path.join(path, _VMLINUX)):
        return [_with_btf(os.path.join(path, _VMLINUX), base, path)]
    if os.path.isdir(path):
        files = sorted(entry.path for entry in os.scandir(path) if entry.is_file())
    else:
        files = [path]
    if not files:
        from ebpf.errors import ProfileError

        raise ProfileError(f"{path}: an empty directory: give the vmlinux BTF of a kernel")
    return [_with_btf(file, base) for file in files]


def _with_btf(path: str, base: Target | None, directory: str = "") -> Target:
    from ebpf.btf import Btf, BtfError
    from ebpf.check.from_btf import BtfKernel
    from ebpf.errors import ProfileError

    try:
        btf = Btf.open(path)
        modules = _modules(directory, btf) if directory else []
        name = base.name if base is not None else os.path.basename(path)
        kernel = BtfKernel(btf, name, base.kernel if base is not None else None, modules)
    except BtfError as error:
        raise ProfileError(f"{path}: {error}") from None
    return Target(kernel, btf, base.config if base is not None else None, modules=modules)


def _modules(directory: str, vmlinux: Btf) -> list[Btf]:
    """The BTF of the modules beside that of vmlinux; what cannot be read is left out."""
    from ebpf.btf import Btf, BtfError

    found = []
    for entry in sorted(os.scandir(directory), key=lambda each: each.name):
        if entry.name != _VMLINUX:
            try:
                found.append(Btf.open(entry.path, vmlinux))
            except (OSError, BtfError):
                continue
    return found


def with_config(path: str, target: Target | None = None) -> Target:
    """A kernel with the configuration in a file.

    Parameters:
        path: a ``.config``, ``/boot/config-…`` or ``config.gz``.
        target: the kernel that was built with it; ``None``: the release that the file's first lines name.

    Raises `ebpf.errors.ProfileError` when it is no configuration, or does not say of which release.
    """
    from ebpf.errors import ProfileError
    from ebpf.host.kconfig import KConfig

    config = KConfig.from_file(path)
    if config.status != "read":
        raise ProfileError(config.reason)
    if target is None:
        release = _release_in(config)
        if not release:
            raise ProfileError(f"{path}: does not say of which release it is: name it with --kernel")
        target = named(release)
    return Target(target.kernel, target.btf, config, target.hosts)


def _release_in(config: KConfig) -> str:
    """The release in ``# Linux/x86 6.1.90 Kernel Configuration``."""
    import re

    found = re.search(rb"\n# Linux/\S+ (\d\S*) Kernel Configuration", config._text)
    return found.group(1).decode() if found else ""
