"""The running kernel's BTF for the trials, read once for each process: vmlinux and the modules that are loaded."""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ebpf.btf import Btf

__all__ = ["find", "ids", "in_modules", "look_up", "module_fd", "vmlinux"]

_DIRECTORY = "/sys/kernel/btf"
_vmlinux: list[Btf | None] = []
_known: set[str] = set()
_modules: dict[str, tuple[str, int] | None] = {}


def vmlinux() -> Btf | None:
    """The BTF of the kernel's own image; `None` when there is none that can be read."""
    if not _vmlinux:
        from ebpf import host
        from ebpf.btf import Btf, BtfError

        path = host.read().btf
        try:
            _vmlinux.append(Btf.open(path) if path else None)
        except (OSError, BtfError):
            _vmlinux.append(None)
    return _vmlinux[0]


def look_up(names: Collection[str]) -> None:
    """Look names up at once: one walk over all types costs little more than one name."""
    from ebpf.btf import BtfError

    btf = vmlinux()
    missing = [name for name in names if name not in _known]
    if btf is None or not missing:
        return
    try:
        btf.look_up(missing)
    except BtfError:
        _vmlinux[0] = None
        return
    _known.update(missing)


def find(name: str, *wanted: int) -> int | None:
    """The id of a type of vmlinux by name and kind (`ebpf.btf.kinds`); `None` when it is not found."""
    from ebpf.btf import BtfError

    btf = vmlinux()
    if btf is None:
        return None
    try:
        return btf.find(name, *wanted)
    except BtfError:
        _vmlinux[0] = None
        return None


def ids(names: Collection[str]) -> dict[str, int]:
    """The ids of functions of vmlinux by name; those that are not there are left out."""
    from ebpf.btf import kinds

    look_up(names)
    return {name: number for name in names if (number := find(name, kinds.FUNC)) is not None}


def in_modules(names: Collection[str]) -> dict[str, tuple[str, int]]:
    """The functions that loaded modules have: module and id by name."""
    missing = {name.encode() for name in names if name not in _modules}
    if missing:
        for name in names:
            _modules.setdefault(name, None)
        try:
            files = [entry for entry in sorted(os.listdir(_DIRECTORY)) if entry != "vmlinux"]
        except OSError:
            files = []
        for module in files:
            _search(module, missing)
    return {name: found for name in names if (found := _modules[name]) is not None}


def _search(module: str, names: set[bytes]) -> None:
    """Look for functions in one module's BTF; it is decoded only when its strings hold one of the names."""
    from ebpf.btf import Btf, BtfError

    try:
        with open(f"{_DIRECTORY}/{module}", "rb") as file:
            data = file.read()
        held = names.intersection(data.split(b"\0"))
        if held:
            found = Btf(data, vmlinux()).functions([name.decode() for name in held])
            _modules.update((name, (module, number)) for name, number in found.items())
    except (OSError, BtfError):
        return


def module_fd(module: str) -> int:
    """A descriptor of a loaded module's BTF, or -errno. Needs CAP_SYS_ADMIN, as every object's by id does."""
    import ctypes
    import errno

    from ebpf import syscall, uapi

    name = ctypes.create_string_buffer(64)
    number = 0
    while True:
        attr = bytearray(struct.pack("=III", number, 0, 0))
        result = syscall.attempt(uapi.BPF_BTF_GET_NEXT_ID, attr)
        if result < 0:
            return result
        number = struct.unpack_from("=I", attr, 4)[0]
        fd = syscall.attempt(uapi.BPF_BTF_GET_FD_BY_ID, struct.pack("=I", number))
        if fd == -errno.ENOENT:  # gone meanwhile
            continue
        if fd < 0:
            return fd
        # struct bpf_btf_info: btf, btf_size, id, name, name_len, kernel_btf
        info = ctypes.create_string_buffer(struct.pack("=QIIQII", 0, 0, 0, ctypes.addressof(name), 64, 0), 32)
        described = syscall.attempt(
            uapi.BPF_OBJ_GET_INFO_BY_FD, bytearray(struct.pack("=IIQ", fd, 32, ctypes.addressof(info)))
        )
        if described == 0 and name.value.decode() == module and struct.unpack_from("=I", info, 28)[0]:
            return fd
        syscall.close(fd)
