"""A map over its file descriptor: created, or taken over, then one bpf(2) call for each operation, on bytes."""

from __future__ import annotations

from ebpf.core.elements import Elements
from ebpf.core.owner import own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from ebpf.core.map_info import MapInfo

__all__ = ["MapCore"]

# include/uapi/linux/bpf.h, enum bpf_map_type: user space reads and writes one value for each possible CPU
# (kernel/bpf/syscall.c, bpf_map_value_size()).
_PER_CPU = frozenset((5, 6, 10, 21))


class MapCore(Elements):
    """A map of this process, by its file descriptor.

    Creating one is one ``BPF_MAP_CREATE``; nothing is probed in front. When the kernel refuses it, what older kernels
    lack is left out (see `ebpf.core.adaptation`); a call that fails all the same raises what `ebpf.diagnose` makes of
    it.

    Parameters:
        map_type: a ``BPF_MAP_TYPE_…`` number.
        key_size, value_size: in bytes.
        max_entries: how many elements it may hold.
        flags: ``BPF_F_…`` of ``BPF_MAP_CREATE``.
        name: up to 15 letters, digits, ``_`` and ``.``.
        inner_map_fd: for maps of maps, a map like those that will be put in.
        numa_node: where its memory shall be; sets ``BPF_F_NUMA_NODE``.
        ifindex: the device to which the map is offloaded.
        btf_fd, btf_key_type_id, btf_value_type_id: BTF of key and value.
        btf_vmlinux_value_type_id, value_type_btf_obj_fd: of struct_ops: the value's type in vmlinux, or in a module.
        map_extra: what some types take besides: hash functions of a bloom filter, address of an arena.
        token_fd: a BPF token; sets ``BPF_F_TOKEN_FD``.
        exclusive_program: SHA-256 of the only program that may use the map (Linux 6.18).
        adapt: whether to do without what the kernel lacks.
    """

    __slots__ = ("name",)

    def __init__(
        self,
        map_type: int,
        key_size: int,
        value_size: int,
        max_entries: int,
        flags: int = 0,
        *,
        name: str = "",
        inner_map_fd: int = 0,
        numa_node: int | None = None,
        ifindex: int = 0,
        btf_fd: int = 0,
        btf_key_type_id: int = 0,
        btf_value_type_id: int = 0,
        btf_vmlinux_value_type_id: int = 0,
        value_type_btf_obj_fd: int = 0,
        map_extra: int = 0,
        token_fd: int = 0,
        exclusive_program: bytes = b"",
        adapt: bool = True,
    ) -> None:
        super().__init__(adapt=adapt)
        self._describe(map_type, key_size, value_size, max_entries, flags, name)
        from ebpf.core.map_create import create

        self._fd = create(
            self,
            inner_map_fd=inner_map_fd,
            numa_node=numa_node,
            ifindex=ifindex,
            btf_fd=btf_fd,
            btf_key_type_id=btf_key_type_id,
            btf_value_type_id=btf_value_type_id,
            btf_vmlinux_value_type_id=btf_vmlinux_value_type_id,
            value_type_btf_obj_fd=value_type_btf_obj_fd,
            map_extra=map_extra,
            token_fd=token_fd,
            exclusive_program=exclusive_program,
        )
        self._own()

    def _describe(self, map_type: int, key_size: int, value_size: int, max_entries: int, flags: int, name: str) -> None:
        self.map_type = map_type
        self.key_size = key_size
        self.value_size = value_size
        self.room = value_size
        self.max_entries = max_entries
        self.flags = flags
        self.name = name
        self.owner = None  # until key and value sizes are known
        self.show_key = bytes

    def _own(self) -> None:
        if self.map_type in _PER_CPU:
            from ebpf.core.percpu import room

            self.room = room(self.value_size)
        self.owner = own(self._fd, self.key_size, self.room)

    @classmethod
    def from_fd(cls, fd: int, *, adapt: bool = True) -> Self:
        """Take over a file descriptor of a map, from ``BPF_OBJ_GET``, ``BPF_MAP_GET_FD_BY_ID`` or another process.

        It is closed with the object, and also when this raises.
        """
        core = cls.__new__(cls)
        super(Elements, core).__init__(fd, adapt=adapt)
        try:
            from ebpf.core.map_info import map_info

            core._describe(0, 0, 0, 0, 0, "")
            info = map_info(core)
            core._describe(info.type, info.key_size, info.value_size, info.max_entries, info.flags, info.name)
            core._own()
        except BaseException:
            core.close()
            raise
        return core

    @property
    def info(self) -> MapInfo:
        """What the kernel says of the map, asked for each time: one ``BPF_OBJ_GET_INFO_BY_FD``."""
        from ebpf.core.map_info import map_info

        return map_info(self)

    def freeze(self) -> None:
        """Keep user space from writing to the map from now on: one ``BPF_MAP_FREEZE``. Needs Linux 5.2."""
        import struct

        from ebpf import syscall, uapi

        result = syscall.attempt(uapi.BPF_MAP_FREEZE, struct.pack("=I", self.fd))
        if result < 0:
            raise self.failed(uapi.BPF_MAP_FREEZE, None, 0, -result)

    def walk(self) -> Iterator[bytes]:
        """The keys, one ``BPF_MAP_GET_NEXT_KEY`` each; see `ebpf.core.walk`."""
        from ebpf.core.walk import walk

        return walk(self)
