"""Maps of a kind of their own: stack traces, struct_ops, arenas, instruction arrays."""

from __future__ import annotations

import struct

from ebpf import uapi
from ebpf.core import special
from ebpf.core.codec import Codec, codec
from ebpf.errors import ArgumentError
from ebpf.stability import beta
from ebpf.v2.array import IndexedMap
from ebpf.v2.keyed import KeyedMap
from ebpf.v2.map import Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    import os

    from ebpf.core.codec import Kind
    from ebpf.core.map import MapCore

__all__ = ["Arena", "InsnArray", "StackTraceMap", "StructOps"]

_DEPTH = 127  # sysctl kernel.perf_event_max_stack


@beta
class StackTraceMap(KeyedMap):
    """Stack traces by their id, ``BPF_MAP_TYPE_STACK_TRACE``. Needs Linux 4.6.

    Programs write them (``bpf_get_stackid``); here they are read, as lists of addresses, and deleted.

    Parameters:
        max_entries: how many.
        depth: how many addresses each, at most kernel.perf_event_max_stack.
        build_ids: triples instead of addresses: 1 (build id and offset) or 2 (address), the build id, the offset or
            address (``BPF_F_STACK_BUILD_ID``, Linux 4.17).
        name, flags, numa_node, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_STACK_TRACE"

    def __init__(
        self,
        *,
        max_entries: int,
        depth: int = _DEPTH,
        build_ids: bool = False,
        name: str = "",
        flags: int = 0,
        numa_node: int | None = None,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        if build_ids:
            flags |= uapi.BPF_F_STACK_BUILD_ID
            value = special.build_ids(depth * special.BUILD_ID.size)
        else:
            value = special.addresses(depth * special.ADDRESS.size)
        self._create(
            codec("u32", "id"), value, max_entries, flags, name=name, numa_node=numa_node, pin=pin, adapt=adapt
        )

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        if value is not None:
            return codec("u32", "id"), codec(value, "value")
        make = special.build_ids if core.flags & uapi.BPF_F_STACK_BUILD_ID else special.addresses
        return codec("u32", "id"), make(core.value_size)


@beta
class StructOps(Map):
    """Operations of the kernel that programs implement, ``BPF_MAP_TYPE_STRUCT_OPS``. Needs Linux 5.6 and vmlinux BTF.

    The value is a structure of the kernel with the descriptors of programs in the place of its functions; a loader of
    object files fills it in. Here it is made, registered as a whole, looked at and unregistered.

    Parameters:
        ops: the structure's name in the kernel: ``"tcp_congestion_ops"``, ``"sched_ext_ops"`` …
        name, flags, pin, adapt: as for `KeyedMap`; ``flags=BPF_F_LINK`` for one that is registered with a link.

    Raises `ArgumentError` for a name that this kernel has no operations of.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_STRUCT_OPS"
    STATES = ("init", "inuse", "tobefree", "ready")  # enum bpf_struct_ops_state, include/linux/bpf.h

    def __init__(
        self,
        ops: str,
        *,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        from ebpf.core import map_btf

        number, size = _value_type(ops)
        value = codec(size, "value")
        # The kernel wants to see BTF of a program's object, any (kernel/bpf/syscall.c, map_create()).
        with map_btf.storage_btf(value) as btf:
            self._create(
                codec("u32", "key"),
                value,
                1,
                flags,
                name=name,
                btf_fd=btf.fd,
                btf_vmlinux_value_type_id=number,
                pin=pin,
                adapt=adapt,
            )

    @property
    def value(self) -> bytes:
        """The structure as it is: one ``BPF_MAP_LOOKUP_ELEM``."""
        return self.core.lookup(bytes(4))

    @property
    def state(self) -> str:
        """``init``, ``inuse``, ``tobefree`` or ``ready``: the second word of the value."""
        number = int(struct.unpack_from("=I", self.value, 4)[0])
        return self.STATES[number] if number < len(self.STATES) else str(number)

    def register(self, value: bytes) -> None:
        """Write the structure, which registers it with the kernel (or makes it ready for a link)."""
        self.core.update(bytes(4), self.value_type.encode(value))

    def unregister(self) -> None:
        """Take it out of use: one ``BPF_MAP_DELETE_ELEM``."""
        self.core.delete(bytes(4))


def _value_type(ops: str) -> tuple[int, int]:
    """The id in vmlinux BTF and the size of ``struct bpf_struct_ops_NAME``."""
    from ebpf.btf import Btf, BtfError
    from ebpf.btf.kinds import STRUCT

    try:
        btf = Btf.open("/sys/kernel/btf/vmlinux")
    except (OSError, BtfError) as error:
        raise ArgumentError(
            f"struct_ops are described by the kernel's BTF, which cannot be read: /sys/kernel/btf/vmlinux: {error}"
        ) from None
    number = btf.find(f"bpf_struct_ops_{ops}", STRUCT)
    if number is None:
        raise ArgumentError(f"this kernel has no struct_ops of {ops!r}: vmlinux BTF has no struct bpf_struct_ops_{ops}")
    return number, btf.size_or_type(number)


@beta
class Arena(Map):
    """Memory that programs and processes share, ``BPF_MAP_TYPE_ARENA``. Needs Linux 6.9 (x86-64, arm64).

    Parameters:
        pages: its size, up to 4 GiB.
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ("_mmap",)
    TYPE = "BPF_MAP_TYPE_ARENA"

    _mmap: mmap.mmap | None

    def __init__(
        self,
        *,
        pages: int,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        nothing = Codec("nothing", 0, bytes, bytes)
        self._create(nothing, nothing, pages, flags | uapi.BPF_F_MMAPABLE, name=name, pin=pin, adapt=adapt)

    def _attach(self, core: MapCore, key: Codec, value: Codec) -> None:
        super()._attach(core, key, value)
        self._mmap = None

    @property
    def memory(self) -> memoryview:
        """Its memory, mapped into this process. A page is there once it is touched.

        It is unmapped when the arena is closed and nobody uses a view of it any more.
        """
        import mmap

        from ebpf.core.memory import map_memory

        if self._mmap is None:
            self._mmap = map_memory(self.core, self.core.max_entries * mmap.PAGESIZE)
        return memoryview(self._mmap)

    def close(self) -> None:
        super().close()
        self._mmap = None  # unmapped with the last view of it

    def _types(self) -> str:
        return "pages"


@beta
class InsnArray(IndexedMap):
    """Addresses of one program's instructions, for indirect jumps, ``BPF_MAP_TYPE_INSN_ARRAY``. Needs Linux 6.19.

    ``m[i] = number`` names an instruction by its number in the program that will be loaded; then the map is frozen.
    After loading, ``m[i]`` is the triple of that number, the one in the translated program, and the offset in the
    compiled one.

    Parameters:
        max_entries: its length.
        name, flags, pin, adapt: as for `KeyedMap`.
    """

    __slots__ = ()
    TYPE = "BPF_MAP_TYPE_INSN_ARRAY"

    def __init__(
        self,
        *,
        max_entries: int,
        name: str = "",
        flags: int = 0,
        pin: str | os.PathLike[str] | None = None,
        adapt: bool = True,
    ) -> None:
        self._create(codec("u32", "index"), special.position(), max_entries, flags, name=name, pin=pin, adapt=adapt)

    @classmethod
    def _codecs(cls, core: MapCore, key: Kind | None, value: Kind | None) -> tuple[Codec, Codec]:
        return codec("u32", "index"), special.position() if value is None else codec(value, "value")
