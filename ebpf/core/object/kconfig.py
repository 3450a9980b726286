"""The value of the map ``.kconfig``: options of the kernel's configuration, and facts that loaders know."""

from __future__ import annotations

import os

from ebpf.elf.externs import KCONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ebpf.core.object.obstacle import Obstacle
    from ebpf.elf import Extern

__all__ = ["value_of"]

_TRISTATE = {"n": 0, "y": 1, "m": 2}  # enum libbpf_tristate, bpf_helpers.h
# How system calls' functions begin on architectures with CONFIG_ARCH_HAS_SYSCALL_WRAPPER (arch/*/include/asm).
_WRAPPERS = {
    "x86_64": "__x64_sys_",
    "aarch64": "__arm64_sys_",
    "s390x": "__s390x_sys_",
    "riscv64": "__riscv_sys_",
    "ppc64le": "sys_",
}


def value_of(externs: Iterable[Extern], size: int, given: Mapping[str, object], obstacles: list[Obstacle]) -> bytes:
    """The bytes of the map.

    Parameters:
        externs: the object's.
        size: of the map's value.
        given: values by option, from the caller, instead of the kernel's.
        obstacles: grows by what cannot be found out and is not weak.
    """
    from ebpf.core.object.obstacle import Obstacle

    content = bytearray(size)
    for extern in externs:
        if extern.kind != KCONFIG:
            continue
        found = given.get(extern.name)
        if found is None:
            found = _fact(extern.name) if extern.name.startswith("LINUX_") else _option(extern.name)
        problem = ""
        if found is None:
            problem = "" if extern.weak else _missing(extern.name)
        else:
            encoded = _encode(extern, found)
            if encoded is None:
                problem = f"its value {found!r} does not fit {extern.size} bytes of {extern.value_kind}"
            else:
                content[extern.offset : extern.offset + len(encoded)] = encoded
        if problem:
            obstacles.append(Obstacle("extern", extern.name, problem, section=".kconfig"))
    return bytes(content)


def _fact(name: str) -> int | None:
    """What libbpf calls a virtual option (src/libbpf.c, bpf_object__resolve_externs())."""
    from ebpf.kernel import running

    if name == "LINUX_KERNEL_VERSION":
        from ebpf.probe.programs import version_code

        return version_code()
    if name == "LINUX_HAS_BPF_COOKIE":
        return int(bool(running().check("bpf_get_attach_cookie", "BPF_PROG_TYPE_KPROBE")))
    if name == "LINUX_HAS_SYSCALL_WRAPPER":
        from ebpf.core.object.ksyms import addresses

        function = _WRAPPERS.get(os.uname().machine, "sys_") + "bpf"
        return int(function != "sys_bpf" and function in addresses({function}))
    return None


def _option(name: str) -> str | None:
    """An option's value as the configuration writes it; ``None`` when it is not set, or no configuration is there."""
    from ebpf import host

    found = host.read().kconfig.get(name)
    return None if found == "n" else found


def _missing(name: str) -> str:
    from ebpf import host

    config = host.read().kconfig
    if name.startswith("LINUX_"):
        return "no loader knows an extern of this name; declare it __weak to do without"
    if config.status != "read":
        return f"this kernel's configuration is not known ({config.reason}); give kconfig=, or declare it __weak"
    return f"this kernel was built without it ({config.path}); declare it __weak to read 0"


def _encode(extern: Extern, found: object) -> bytes | None:
    import sys

    kind, size = extern.value_kind, extern.size
    if kind == "string":
        text = str(found).encode()[: size - 1]
        return text + b"\0"
    if isinstance(found, str) and found in _TRISTATE:
        number = _TRISTATE[found]
        if kind == "char":
            return found.encode()
        if kind == "bool":
            return b"\x01" if found == "y" else b"\x00" if found == "n" else None
        if kind != "tristate":
            return None
    else:
        try:
            number = int(found, 0) if isinstance(found, str) else int(found)  # type: ignore[call-overload]  # below
        except (TypeError, ValueError):
            return None
    try:
        return int(number).to_bytes(size, sys.byteorder, signed=extern.signed and number < 0)
    except OverflowError:
        return None
