"""Why a map refuses the file descriptor, socket, device or CPU that a key or a value names.

Source: the map_fd_get_ptr and map_update_elem functions of kernel/bpf/arraymap.c, map_in_map.c, devmap.c, cpumap.c,
reuseport_array.c, bpf_local_storage.c and its users, net/core/sock_map.c and net/xdp/xskmap.c.
"""

from __future__ import annotations

from ebpf import uapi
from ebpf.diagnose import groups
from ebpf.diagnose.failure import MapFailure, element_row, fdinfo, is_open
from ebpf.errors import ArgumentError, KeyMissingError, SyscallError

__all__ = ["ROWS"]

_UPDATES = ("BPF_MAP_UPDATE_ELEM", "BPF_MAP_UPDATE_BATCH")
_DELETES = ("BPF_MAP_DELETE_ELEM", "BPF_MAP_DELETE_BATCH")
_KEYED = ("BPF_MAP_LOOKUP_ELEM", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM")
_FD_VALUES = (*groups.FD_ARRAYS, "HASH_OF_MAPS", *groups.SOCKETS)


def _value_closed(f: MapFailure) -> bool:
    return not is_open(f.given_fd)


def _program(f: MapFailure) -> bool:
    return "prog_type" in fdinfo(f.given_fd)


def _map(f: MapFailure) -> bool:
    return "map_type" in fdinfo(f.given_fd)


def _device(f: MapFailure) -> bool:
    import socket

    try:
        socket.if_indextoname(f.given_fd)
    except (OSError, OverflowError):
        return False
    return True


ROWS = (
    # Descriptors as values.
    element_row(
        "not_a_perf_event",
        "EBADF",
        _UPDATES,
        ("PERF_EVENT_ARRAY",),
        "the value is a file descriptor, but not a perf event's",
        "the value names file descriptor {f.given_fd}, which is no perf event: give what perf_event_open() returned",
        ArgumentError,
        lambda f: is_open(f.given_fd),
    ),
    element_row(
        "not_a_cgroup",
        "EBADF",
        _UPDATES,
        ("CGROUP_ARRAY",),
        "the value is a file descriptor, but not of a cgroup's directory",
        "the value names file descriptor {f.given_fd}, which is no cgroup: open a directory of the cgroup2 file system",
        ArgumentError,
        lambda f: is_open(f.given_fd),
    ),
    element_row(
        "value_closed",
        "EBADF",
        _UPDATES,
        _FD_VALUES,
        "the value is not an open file descriptor",
        "the value names file descriptor {f.given_fd}, which is not open",
        SyscallError,
        _value_closed,
    ),
    element_row(
        "not_a_program",
        "EINVAL",
        _UPDATES,
        ("PROG_ARRAY",),
        "the value is a file descriptor, but not a program's",
        "the value names file descriptor {f.given_fd}, which is no program: give the descriptor of a loaded program",
        when=lambda f: not f.flags and not _program(f),
    ),
    element_row(
        "program_differs",
        "EINVAL",
        _UPDATES,
        ("PROG_ARRAY",),
        "the program's type, attach type or JIT differs from those already in the array or using it",
        "program {f.given_fd} does not fit this array: all its programs, and those that use it, are of one type",
        when=lambda f: not f.flags,
    ),
    element_row(
        "program_extended",
        "EBUSY",
        _UPDATES,
        ("PROG_ARRAY",),
        "the program is being extended by another",
        "program {f.given_fd} is extended by another program (freplace), and cannot be called from an array then",
        SyscallError,
    ),
    element_row(
        "inner_not_map",
        "EINVAL",
        _UPDATES,
        groups.MAPS_OF_MAPS,
        "the value is a file descriptor, but not a map's",
        "the value names file descriptor {f.given_fd}, which is no map: give the descriptor of a map",
        when=lambda f: not f.flags and not _map(f),
    ),
    element_row(
        "inner_differs",
        "EINVAL",
        _UPDATES,
        groups.MAPS_OF_MAPS,
        "the inner map differs from the one the outer map was made for",
        "map {f.given_fd} differs from the inner map this one was created with: type, key_size, value_size and flags"
        " must be the same (max_entries too, for arrays without BPF_F_INNER_MAP)",
        when=lambda f: f.flags <= uapi.BPF_EXIST,
    ),
    element_row(
        "perf_event_kind",
        "EOPNOTSUPP",
        _UPDATES,
        ("PERF_EVENT_ARRAY",),
        "the perf event is inherited by children, or cannot be read from programs",
        "perf event {f.given_fd} cannot be used by programs: open it for one CPU, without attr.inherit",
    ),
    # Sockets.
    element_row(
        "not_a_socket",
        "ENOTSOCK",
        (*_UPDATES, *_KEYED),
        (*groups.SOCKETS, "SK_STORAGE"),
        "the value (sk storage: the key) is a file descriptor, but not a socket's",
        "the file descriptor is no socket: give the descriptor of one",
        SyscallError,
    ),
    element_row(
        "not_xdp_socket",
        "EOPNOTSUPP",
        _UPDATES,
        ("XSKMAP",),
        "the socket is not of AF_XDP",
        "socket {f.given_fd} is not of the family AF_XDP, and no other goes into this map",
    ),
    element_row(
        "socket_state",
        "EOPNOTSUPP",
        _UPDATES,
        ("SOCKMAP", "SOCKHASH"),
        "the socket is of a protocol or in a state that the map cannot hold",
        "socket {f.given_fd} cannot be stored: TCP must be connected or listening, UDP bound, Unix streams connected",
    ),
    element_row(
        "reuseport_kind",
        "ENOTSUPP",
        _UPDATES,
        ("REUSEPORT_SOCKARRAY",),
        "the socket is neither TCP nor UDP over IP",
        "socket {f.given_fd} is neither TCP nor UDP over IPv4 or IPv6",
    ),
    element_row(
        "reuseport_unbound",
        "EINVAL",
        _UPDATES,
        ("REUSEPORT_SOCKARRAY",),
        "the socket has no SO_REUSEPORT, or is not bound (UDP) or listening (TCP)",
        "socket {f.given_fd} is not ready: set SO_REUSEPORT before binding it, then bind (UDP) or listen (TCP)",
        when=lambda f: f.flags <= uapi.BPF_EXIST,
    ),
    element_row(
        "socket_in_use",
        "EBUSY",
        _UPDATES,
        groups.SOCKETS,
        "the socket is in another map of this kind, or used by kTLS or another layer",
        "socket {f.given_fd} is in use by another map or layer (kTLS, …): take it out there first",
        SyscallError,
    ),
    # Devices and CPUs.
    element_row(
        "no_device",
        "EINVAL",
        _UPDATES,
        ("DEVMAP", "DEVMAP_HASH"),
        "the value's ifindex names no network device of this network namespace",
        "the value names network device {f.given_fd}, which this network namespace does not have",
        when=lambda f: f.flags <= uapi.BPF_EXIST and not _device(f),
    ),
    element_row(
        "device_program",
        "EINVAL",
        _UPDATES,
        ("DEVMAP", "DEVMAP_HASH"),
        "the value's program is not open, or not an XDP program for devices",
        "program {f.program_fd} in the value must be of type XDP with expected_attach_type BPF_XDP_DEVMAP, or"
        " 0 for none, and a device other than 0",
        when=lambda f: f.flags <= uapi.BPF_EXIST,
    ),
    element_row(
        "cpu_program",
        "EBADF",
        _UPDATES,
        ("CPUMAP",),
        "the value's program is not open",
        "the value names program {f.program_fd}, which is not open: give an XDP program with expected_attach_type"
        " BPF_XDP_CPUMAP",
        when=lambda f: f.program_fd > 0,
    ),
    element_row(
        "cpu_program_kind",
        "EINVAL",
        _UPDATES,
        ("CPUMAP",),
        "the value's program is not an XDP program for CPUs",
        "the value names program {f.program_fd}: give a program of type XDP with expected_attach_type BPF_XDP_CPUMAP",
        when=lambda f: f.program_fd > 0 and f.flags <= uapi.BPF_EXIST,
    ),
    element_row(
        "cpu_program_older",
        "ENOMEM",
        _UPDATES,
        ("CPUMAP",),
        "the same two (older kernels say ENOMEM)",
        "the value names program {f.program_fd}: give a program of type XDP with expected_attach_type BPF_XDP_CPUMAP",
        when=lambda f: f.program_fd > 0,
    ),
    element_row(
        "no_cpu",
        "ENODEV",
        _UPDATES,
        ("CPUMAP",),
        "the key is a CPU that this machine cannot have",
        "key is {f.shown!r}, and the machine has no such CPU (/sys/devices/system/cpu/possible)",
        ArgumentError,
    ),
    element_row(
        "queue_size",
        "EOVERFLOW",
        _UPDATES,
        ("CPUMAP",),
        "the queue of a CPU is longer than 16384",
        "the value's qsize is more than 16384 packets, which is the longest",
    ),
    # Descriptors as keys.
    element_row(
        "key_closed",
        "EBADF",
        _KEYED,
        groups.LOCAL_STORAGES,
        "the key is not an open descriptor of the storage's owner",
        "key is file descriptor {f.key_fd}, which is not open or not of the right kind: a socket for sk storage, a"
        " pidfd for task storage, a file for inode storage, a cgroup's directory for cgrp storage",
        SyscallError,
        lambda f: not f.closed,
    ),
    element_row(
        "task_gone",
        "ENOENT",
        _KEYED,
        ("TASK_STORAGE",),
        "the task of the pidfd has ended",
        "the task of pidfd {f.key_fd} has ended",
        KeyMissingError,
        lambda f: fdinfo(f.key_fd).get("Pid") == "-1",
    ),
    element_row(
        "task_gone_early",
        "ESRCH",
        _KEYED,
        ("TASK_STORAGE",),
        "the task of the pidfd has ended",
        "the task of pidfd {f.key_fd} has ended",
        KeyMissingError,
    ),
    # Structures of functions.
    element_row(
        "struct_ops_registered",
        "EBUSY",
        ("BPF_MAP_UPDATE_ELEM",),
        ("STRUCT_OPS",),
        "the structure is registered already",
        "the structure is registered already: delete key 0 first, or make another map",
        SyscallError,
    ),
    element_row(
        "struct_ops_leaving",
        "EINPROGRESS",
        _DELETES,
        ("STRUCT_OPS",),
        "the structure is being unregistered",
        "the structure is being unregistered already",
        SyscallError,
    ),
    element_row(
        "struct_ops_link",
        "EOPNOTSUPP",
        _DELETES,
        ("STRUCT_OPS",),
        "the structure is attached by a link",
        "the structure was created with BPF_F_LINK: it goes with its link, close or detach that",
    ),
    element_row(
        "struct_ops_value",
        "EINVAL",
        ("BPF_MAP_UPDATE_ELEM",),
        ("STRUCT_OPS",),
        "flags, non-zero padding, or programs that do not fit the structure's functions",
        "the value does not fit: flags must be 0, padding zero, and every function a struct_ops program made for that"
        " member",
    ),
)
