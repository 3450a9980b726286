"""Why ``BPF_MAP_CREATE`` fails beyond the demands of the type: BTF, inner maps, limits, memory.

Source: map_create() and map_check_btf() of kernel/bpf/syscall.c, bpf_map_meta_alloc() of kernel/bpf/map_in_map.c, and
the map_alloc functions of kernel/bpf/.
"""

from __future__ import annotations

from ebpf.diagnose import groups
from ebpf.diagnose.failure import MapFailure, create_row, fdinfo, is_open
from ebpf.errors import OutOfMemoryError, SyscallError

__all__ = ["ROWS"]


def _inner_type(f: MapFailure) -> str:
    from ebpf.core import rules

    return rules.map_type_name(int(fdinfo(f.inner_map_fd).get("map_type", "0")))


ROWS = (
    # BTF and inner maps.
    create_row(
        "storage_without_btf",
        "EINVAL",
        "a local storage whose key and value are not described by BTF",
        "a storage needs BTF for its key (an int of 32 bits) and its value: give btf_fd, btf_key_type_id and"
        " btf_value_type_id",
        lambda f: not (f.btf_key_type_id and f.btf_value_type_id),
        groups.LOCAL_STORAGES,
    ),
    create_row(
        "nested_maps",
        "EINVAL",
        "the inner map holds maps itself",
        "inner_map_fd {f.inner_map_fd} is a map of maps itself, and maps nest once only: give a map of another type",
        lambda f: _inner_type(f)[13:] in groups.MAPS_OF_MAPS,
        groups.MAPS_OF_MAPS,
    ),
    create_row(
        "inner_not_a_map",
        "EINVAL",
        "inner_map_fd is open, but not a map",
        "inner_map_fd {f.inner_map_fd} is no map: give the descriptor of a map like those to be stored",
        lambda f: is_open(f.inner_map_fd) and _inner_type(f) == "BPF_MAP_TYPE_UNSPEC",
        groups.MAPS_OF_MAPS,
    ),
    create_row(
        "btf_not_btf",
        "EINVAL",
        "btf_fd is open, but not BTF",
        "btf_fd {f.btf_fd} is no BTF: give the descriptor that BPF_BTF_LOAD made",
        lambda f: f.btf_value_type_id and is_open(f.btf_fd) and "btf_id" not in fdinfo(f.btf_fd),
    ),
    create_row(
        "btf_sizes",
        "EINVAL",
        "key or value are not of the size that BTF says, or not of the kind that the type demands",
        "key_size {f.key_size} and value_size {f.value_size} must be the sizes of the BTF types {f.btf_key_type_id} and"
        " {f.btf_value_type_id}; types without keys want key type 0, storages an int of 32 bits",
        lambda f: f.btf_value_type_id,
    ),
    create_row(
        "inner_unsuitable",
        "ENOTSUPP",
        "the inner map is of a type that cannot be an inner map",
        "inner_map_fd {f.inner_map_fd} is of a type that cannot be stored in a map",
        types=groups.MAPS_OF_MAPS,
    ),
    create_row(
        "lru_grows",
        "ENOTSUPP",
        "BPF_F_NO_PREALLOC for an LRU type",
        "flags hold BPF_F_NO_PREALLOC (0x1), but the elements of an LRU type are always made in advance: leave it out",
        lambda f: f.flag("BPF_F_NO_PREALLOC"),
        ("LRU_HASH", "LRU_PERCPU_HASH"),
    ),
    create_row(
        "struct_ops_type",
        "ENOTSUPP",
        "the kernel has no such struct_ops, or no BTF",
        "btf_vmlinux_value_type_id is not the type of a structure that this kernel takes from programs",
        types=("STRUCT_OPS",),
    ),
    create_row(
        "inner_closed",
        "EBADF",
        "inner_map_fd is not open",
        "inner_map_fd is {f.inner_map_fd}, which is not open: give the descriptor of a map like those to be stored",
        lambda f: not is_open(f.inner_map_fd),
        groups.MAPS_OF_MAPS,
        SyscallError,
    ),
    create_row(
        "btf_closed",
        "EBADF",
        "btf_fd is not open",
        "btf_fd is {f.btf_fd}, which is not open: load the BTF first and keep it open until the map is created",
        lambda f: f.btf_value_type_id and not is_open(f.btf_fd),
        raises=SyscallError,
    ),
    create_row(
        "special_fields",
        "EOPNOTSUPP",
        "the value has a field (bpf_spin_lock, bpf_timer, kptr …) that the type cannot hold",
        "the BTF of the value has a bpf_spin_lock, bpf_timer or the like, which this type cannot hold",
        lambda f: f.btf_value_type_id,
    ),
    create_row(
        "special_fields_older",
        "ENOTSUPP",
        "the same (older kernels)",
        "the BTF of the value has a bpf_spin_lock, bpf_timer or the like, which this type cannot hold",
        lambda f: f.btf_value_type_id,
    ),
    create_row(
        "special_fields_read_only",
        "EACCES",
        "the value has a special field, but programs may not write or not read the map; or the BTF is the kernel's own",
        "the BTF of the value has a bpf_spin_lock or the like, which programs must be able to write: leave out"
        " BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG; and btf_fd must not be vmlinux's",
        lambda f: f.btf_value_type_id,
    ),
    create_row(
        "storage_lsm",
        "EOPNOTSUPP",
        "inode storage, and the BPF LSM is not enabled",
        "inode storage needs bpf among the security modules of the kernel's command line (lsm=…,bpf)",
        types=("INODE_STORAGE",),
        raises=SyscallError,
    ),
    # Sizes that fit the fields, but not the machine.
    create_row(
        "arena_size",
        "E2BIG",
        "an arena of more than 4 GiB",
        "max_entries is {f.max_entries} pages, an arena has 4 GiB at most",
        types=("ARENA",),
    ),
    create_row(
        "percpu_value",
        "E2BIG",
        "a per-CPU value of more than 32 KiB",
        "value_size is {f.value_size}, a value of every CPU's own has 32768 bytes at most (PCPU_MIN_UNIT_SIZE)",
        lambda f: f.value_size > 32768,
        groups.PERCPU,
    ),
    create_row(
        "storage_value",
        "E2BIG",
        "the value of a storage is larger than the kernel allocates at once",
        "value_size is {f.value_size}, a storage's value must stay under 64 KiB",
        types=(*groups.LOCAL_STORAGES, *groups.CGROUP_STORAGES),
    ),
    create_row(
        "more_cpus",
        "E2BIG",
        "max_entries of a CPU map is more than the CPUs the kernel was built for",
        "max_entries is {f.max_entries}, more than the CPUs that this kernel was built for (CONFIG_NR_CPUS)",
        types=("CPUMAP",),
    ),
    create_row(
        "ring_limit",
        "E2BIG",
        "a ring buffer of more than 64 GiB",
        "max_entries is {f.max_entries}, a ring buffer has 64 GiB at most",
        types=groups.RINGS,
    ),
    create_row(
        "key_limit",
        "E2BIG",
        "a key of more than 512 bytes, where keys must fit a program's stack",
        "key_size is {f.key_size}, a key has 512 bytes at most",
        lambda f: f.key_size > 512,
        (*groups.HASHES, "SOCKHASH"),
    ),
    create_row(
        "element_limit",
        "E2BIG",
        "an element larger than the kernel allocates at once",
        "value_size is {f.value_size}, key and value together must stay under 4 MiB",
        lambda f: f.key_size + f.value_size >= 4 * 2**20 - 128,
        (*groups.HASHES, *groups.QUEUES, "LPM_TRIE"),
    ),
    create_row(
        "value_limit",
        "E2BIG",
        "a value of 2 GiB or more",
        "value_size is {f.value_size}, a value has 2147483647 bytes at most",
        lambda f: f.value_size > 2**31 - 1,
        groups.ARRAYS,
    ),
    create_row(
        "map_limit",
        "E2BIG",
        "key_size, value_size and max_entries together are more than one map can address",
        "key_size {f.key_size}, value_size {f.value_size} and max_entries {f.max_entries} together are more than this"
        " kernel can address in one map: use fewer max_entries",
        lambda f: (f.key_size + f.value_size) * f.max_entries >= 2**31,
    ),
    create_row(
        "attribute_too_new",
        "E2BIG",
        "an attribute that came after this kernel",
        "this kernel does not know an attribute that was given (a name, map_extra, a BTF id …): leave it out",
    ),
    create_row(
        "arena_crosses",
        "ERANGE",
        "an arena's addresses cross a multiple of 4 GiB",
        "map_extra {f.map_extra:#x} and max_entries {f.max_entries} pages cross a multiple of 4 GiB: choose another"
        " address, or 0 for any",
        types=("ARENA",),
    ),
    # What this process or machine has no more of.
    create_row(
        "no_memory",
        "ENOMEM",
        "the kernel has no memory for the map",
        "the kernel has no memory for {f.max_entries} entries of {f.key_size} + {f.value_size} bytes (at least {f.size}"
        "). Use fewer max_entries, or BPF_F_NO_PREALLOC for a hash map.",
        raises=OutOfMemoryError,
    ),
    create_row(
        "no_ids",
        "ENOSPC",
        "the machine has as many maps as there are numbers for them",
        "the kernel has no number left for another map: close maps",
        raises=SyscallError,
    ),
)
