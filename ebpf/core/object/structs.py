"""struct_ops of an object: a structure of functions, laid out as the kernel's own."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.btf import kinds
from ebpf.btf.types import Struct
from ebpf.core.map import MapCore
from ebpf.core.targets import BtfTarget
from ebpf.errors import ArgumentError, UnsupportedFeatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ebpf.btf import Btf
    from ebpf.btf.types import Composite, Member
    from ebpf.core.object.types import KernelTypes
    from ebpf.elf import MapSpec

__all__ = ["StructOps"]

_WRAPPER = "bpf_struct_ops_"  # kernel/bpf/bpf_struct_ops.c, VALUE_PREFIX: the reference count, then the structure


class StructOps:
    """One structure of functions.

    Parameters:
        spec: what the object says (`ebpf.elf.MapSpec` of kind ``"struct_ops"``).
        local: the object's BTF.
        types: the kernel's.

    Raises `ArgumentError` when the kernel has no such structure, or lacks a member that is set.
    """

    def __init__(self, spec: MapSpec, local: Btf, types: KernelTypes) -> None:
        self.spec = spec
        ours = local.type(spec.value_type_id)
        assert isinstance(ours, Struct)
        self._ours = ours
        self.theirs, self.wrapper = _find(spec, ours, types)
        self.programs: dict[str, int] = {}
        """The number of the member that each program is for."""
        self._offsets: dict[str, int] = {}
        for value in spec.initial_values:
            self._assign(value.index, value.target)

    def _assign(self, offset: int, program: str) -> None:
        member = next((each for each in self._ours.members if each.offset == 8 * offset), None)
        name = member.name if member is not None else ""
        for number, each in enumerate(self.theirs.members):
            if name and each.name == name:
                self.programs[program] = number
                self._offsets[program] = each.offset // 8
                return
        raise ArgumentError(f"the kernel's struct {self.theirs.name} has no function {name!r}, for program {program!r}")

    def aim(self) -> BtfTarget:
        """What its programs are loaded for."""
        return BtfTarget(self.theirs.id)

    def make(self, name: str, btf_fd: int, adapt: bool) -> MapCore:
        """The map that holds it, still without its value.

        The kernel wants to see the object's BTF, although the value is a type of its own (kernel/bpf/syscall.c,
        map_create()).
        """
        return MapCore(
            uapi.BPF_MAP_TYPE_STRUCT_OPS,
            4,
            self.wrapper.size,
            1,
            self.spec.flags,
            name=name,
            btf_fd=btf_fd,
            btf_vmlinux_value_type_id=self.wrapper.id,
            adapt=adapt,
        )

    def value(self, descriptors: Mapping[str, int]) -> bytes:
        """The map's value: the object's data in the kernel's layout, descriptors in place of functions.

        Raises `ArgumentError` when a member is set that the kernel does not have, or has in another size.
        """
        content = bytearray(self.wrapper.size)
        start = _data(self.wrapper).offset // 8
        given = bytes(self.spec.data or b"")
        functions = {value.index for value in self.spec.initial_values}
        theirs = {each.name: each for each in self.theirs.members}
        for member in self._ours.members:
            at = member.offset // 8
            size = member.type.size
            if at in functions or member.bits or not any(given[at : at + size]):
                continue
            target = theirs.get(member.name)
            if target is None or target.type.size != size or target.bits:
                raise ArgumentError(
                    f"member {member.name!r} of {self.spec.name!r} is set, and the kernel's struct {self.theirs.name}"
                    f" has {'no such member' if target is None else 'one of another size'}"
                )
            place = start + target.offset // 8
            content[place : place + size] = given[at : at + size]
        for program, offset in self._offsets.items():
            struct.pack_into("=Q", content, start + offset, descriptors[program])
        return bytes(content)


def _data(wrapper: Composite) -> Member:
    return next(each for each in wrapper.members if each.name == "data")


def _find(spec: MapSpec, ours: Struct, types: KernelTypes) -> tuple[Struct, Struct]:
    """The kernel's structure, and what its maps hold around it."""
    from ebpf.btf.core import essential

    vmlinux = types.vmlinux
    if vmlinux is None:
        raise UnsupportedFeatureError(f"{spec.name!r} is laid out as the kernel's BTF says, and there is none")
    name = essential(ours.name)
    wrapper = vmlinux.find_type(_WRAPPER + name, kinds.STRUCT)
    if isinstance(wrapper, Struct):
        inner = next((each for each in wrapper.members if each.name == "data"), None)
        theirs = inner.type.resolve() if inner is not None else None
        if isinstance(theirs, Struct):
            return theirs, wrapper
    raise ArgumentError(f"this kernel takes no programs for struct {name} ({_WRAPPER}{name} is not in its BTF)")
