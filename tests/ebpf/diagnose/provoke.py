"""Failing map commands, made for real: what the rows of the table of errors are provoked with."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Iterator

import pytest

from ebpf import features, syscall, uapi, v2
from ebpf.diagnose.failure import MapFailure
from ebpf.probe import calls, context
from ebpf.probe.maps import TABLE
from ebpf.verdict import ABSENT, COMPILED_OUT

Provocation = Callable[[], contextlib.AbstractContextManager[MapFailure]]
"""Makes the kernel refuse a call; the ``with`` block keeps open what the call named."""

U32 = struct.Struct("=I").pack
FIRST, SECOND = U32(0), U32(1)


class Did(Exception):  # not an error of the library: the kernel did what it was to refuse
    """The kernel accepted the call."""


def refused(command: int, result: int, **known: object) -> MapFailure:
    """What is known of a call that the kernel must have refused."""
    if result >= 0:
        if command in (uapi.BPF_MAP_CREATE, uapi.BPF_OBJ_GET, uapi.BPF_MAP_GET_FD_BY_ID):
            os.close(result)
        raise Did(f"command {command} succeeded with {known}")
    return MapFailure(command, -result, **known)  # type: ignore[arg-type]  # the keywords of MapFailure


def create(
    kind: str, key: int, value: int, entries: int, flags: int = 0, *, name: str = "", **fields: int
) -> MapFailure:
    """A refused ``BPF_MAP_CREATE``."""
    number: int = getattr(uapi, "BPF_MAP_TYPE_" + kind) if not kind.isdigit() else int(kind)
    need("BPF_MAP_TYPE_" + kind if not kind.isdigit() else "BPF_MAP_TYPE_HASH")
    more: dict[str, int | bytes] = dict(fields)
    if name:
        more["map_name"] = name.encode()
    result = calls.create_map(number, key, value, entries, flags, **more)
    known = {field: fields[field] for field in fields if field not in ("map_ifindex", "btf_vmlinux_value_type_id")}
    return refused(
        uapi.BPF_MAP_CREATE,
        result,
        map_type=number,
        key_size=key,
        value_size=value,
        max_entries=entries,
        map_flags=flags,
        name=name,
        **known,
    )


def need(feature: str) -> None:
    """Skip when the running kernel lacks the feature."""
    verdict = features.check(feature)
    if verdict.status in (ABSENT, COMPILED_OUT):
        pytest.skip(verdict.explain())


@contextlib.contextmanager
def a_map(kind: str, flags: int = 0, entries: int | None = None, **fields: int) -> Iterator[int]:
    """The descriptor of the smallest map of a type."""
    need("BPF_MAP_TYPE_" + kind)
    if kind == "STRUCT_OPS":
        with v2.StructOps("tcp_congestion_ops") as ops:
            yield ops.fileno()
        return
    trial = TABLE["BPF_MAP_TYPE_" + kind]
    with contextlib.ExitStack() as stack:
        if "inner_map_fd" in trial.fields:
            inner = calls.create_map(uapi.BPF_MAP_TYPE_ARRAY, 4, 4, 1)
            stack.callback(os.close, inner)
            fields["inner_map_fd"] = inner
        if trial.btf:
            btf = calls.load_btf(context.INT_BTF)
            stack.callback(os.close, btf)
            fields.update(btf_fd=btf, btf_key_type_id=1, btf_value_type_id=1)
        fields = {**trial.fields, **fields}
        count = trial.entries if entries is None else entries
        fd = calls.create_map(trial.number, trial.key, trial.value, count, trial.flags | flags, **fields)
        assert fd >= 0, (kind, fd)
        stack.callback(os.close, fd)
        yield fd


def element(
    command: str, fd: int, key: bytes = b"", value: bytes = b"", flags: int = 0, *, pointer: int | None = None
) -> MapFailure:
    """A refused operation on an element."""
    number = getattr(uapi, "BPF_MAP_" + command)
    return refused(
        number, call(number, fd, key, value, flags, pointer=pointer), fd=fd, key=key, value=value, flags=flags
    )


def call(number: int, fd: int, key: bytes, value: bytes = b"", flags: int = 0, *, pointer: int | None = None) -> int:
    """One element command; `pointer` stands in for the address of the value."""
    held = ctypes.create_string_buffer(key, max(len(key), 1))
    room = ctypes.create_string_buffer(value, max(len(value), 1 << 16))
    address = ctypes.addressof(held) if key else 0
    target = ctypes.addressof(room) if pointer is None else pointer
    attr = struct.pack("=IxxxxQQQ", fd, address, target, flags)
    if number == uapi.BPF_MAP_DELETE_ELEM:
        attr = attr[:16]
    return syscall.attempt(number, attr)


def put(fd: int, key: bytes, value: bytes) -> None:
    """Write an element that is accepted."""
    assert call(uapi.BPF_MAP_UPDATE_ELEM, fd, key, value) == 0


def batch(command: str, fd: int, count: int, flags: int = 0, token: bytes = b"", key: bytes = FIRST) -> MapFailure:
    """A refused batch command."""
    number = getattr(uapi, "BPF_MAP_" + command)
    keys, values, after = (ctypes.create_string_buffer(1 << 16) for _ in range(3))
    keys.raw = (key * count).ljust(1 << 16, b"\0")
    before = ctypes.create_string_buffer(token, max(len(token), 1))
    attr = struct.pack(
        "=QQQQIIQQ",
        ctypes.addressof(before) if token else 0,
        ctypes.addressof(after),
        ctypes.addressof(keys),
        ctypes.addressof(values),
        count,
        fd,
        flags,
        0,
    )
    return refused(number, syscall.attempt(number, bytearray(attr)), fd=fd, flags=flags, count=count)


def freeze(fd: int) -> int:
    """BPF_MAP_FREEZE: 0 or -errno."""
    return syscall.attempt(uapi.BPF_MAP_FREEZE, struct.pack("=I", fd))


def pin(fd: int, path: str) -> MapFailure:
    """A refused pin."""
    held = ctypes.create_string_buffer(os.fsencode(path))
    attr = struct.pack("=QII", ctypes.addressof(held), fd, 0)
    return refused(uapi.BPF_OBJ_PIN, syscall.attempt(uapi.BPF_OBJ_PIN, attr), fd=fd, path=path)


def get(path: str, flags: int = 0) -> MapFailure:
    """A refused opening of a pin."""
    held = ctypes.create_string_buffer(os.fsencode(path))
    attr = struct.pack("=QII", ctypes.addressof(held), 0, flags)
    return refused(uapi.BPF_OBJ_GET, syscall.attempt(uapi.BPF_OBJ_GET, attr), path=path, flags=flags)


def by_id(map_id: int, flags: int = 0) -> MapFailure:
    """A refused opening by id."""
    result = syscall.attempt(uapi.BPF_MAP_GET_FD_BY_ID, struct.pack("=III", map_id, 0, flags))
    return refused(uapi.BPF_MAP_GET_FD_BY_ID, result, map_id=map_id, flags=flags)


def next_id(map_id: int) -> MapFailure:
    """A refused listing."""
    result = syscall.attempt(uapi.BPF_MAP_GET_NEXT_ID, bytearray(struct.pack("=III", map_id, 0, 0)))
    return refused(uapi.BPF_MAP_GET_NEXT_ID, result, map_id=map_id)


def info(fd: int, length: int = 80, fill: int = 0) -> MapFailure:
    """A refused BPF_OBJ_GET_INFO_BY_FD."""
    held = ctypes.create_string_buffer(bytes([fill]) * length, length)
    attr = bytearray(struct.pack("=IIQ", fd, length, ctypes.addressof(held)))
    return refused(uapi.BPF_OBJ_GET_INFO_BY_FD, syscall.attempt(uapi.BPF_OBJ_GET_INFO_BY_FD, attr), fd=fd)
