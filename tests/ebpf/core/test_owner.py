"""Who owns a map's descriptor: over ctypes and in C, both under the same tests."""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ebpf import syscall, uapi
from ebpf.core.owner import Owner
from tests import twin

pytestmark = pytest.mark.root

HASH, ARRAY = uapi.BPF_MAP_TYPE_HASH, uapi.BPF_MAP_TYPE_ARRAY
LOOKUP, UPDATE = uapi.BPF_MAP_LOOKUP_ELEM, uapi.BPF_MAP_UPDATE_ELEM

Own = Callable[[int, int, int], Any]


@pytest.fixture(params=["ctypes", "c"])
def own(request: pytest.FixtureRequest) -> Own:
    if request.param == "ctypes":
        return Owner
    made: Own = twin.extension().Map
    return made


def create(map_type: int = HASH, key: int = 4, value: int = 8, entries: int = 16) -> int:
    return syscall.bpf(uapi.BPF_MAP_CREATE, struct.pack("=5I", map_type, key, value, entries, 0))


def is_open(fd: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{fd}")


def key(number: int) -> bytes:
    return struct.pack("=I", number)


def value(number: int) -> bytes:
    return struct.pack("=Q", number)


def slow_get(thing: Any, error: int) -> Any:
    return ("slow", thing, error)


class Refused(Exception):
    pass


def slow_set(thing: Any, content: Any, flags: int, error: int) -> None:
    raise Refused(thing, content, flags, error)


def test_one_element(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    assert one.read(LOOKUP, key(1), 0) == -errno.ENOENT
    assert one.write(UPDATE, key(1), value(7), uapi.BPF_NOEXIST) == 0
    assert one.write(UPDATE, key(1), value(7), uapi.BPF_NOEXIST) == -errno.EEXIST
    assert one.write(UPDATE, key(1), value(2**64 - 1), uapi.BPF_ANY) == 0
    assert one.read(LOOKUP, key(1), 0) == value(2**64 - 1)
    assert one.read(LOOKUP, bytearray(key(1)), 0) == value(2**64 - 1)
    assert one.read(LOOKUP, key(1), 1 << 40) == -errno.EINVAL
    assert one.read(LOOKUP, key(1), 0) == value(2**64 - 1), "flags do not stay"
    assert one.delete(key(1)) == 0
    assert one.delete(memoryview(key(1))) == -errno.ENOENT
    one.close()


def test_large_values(own: Own) -> None:
    """More than is kept for the next call, and than a stack holds."""
    size = 1 << 20
    one = own(create(ARRAY, 4, size, 1), 4, size)
    content = os.urandom(size)
    assert one.write(UPDATE, key(0), content, 0) == 0
    assert one.read(LOOKUP, key(0), 0) == content
    one.close()


def test_maps_without_keys(own: Own) -> None:
    fd = syscall.attempt(uapi.BPF_MAP_CREATE, struct.pack("=5I", uapi.BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0))
    if fd < 0:
        pytest.skip("this kernel has no queues")
    one = own(fd, 0, 8)
    assert one.write(UPDATE, b"", value(3), 0) == 0
    assert one.read(LOOKUP, b"", 0) == value(3)
    assert one.read(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, b"", 0) == value(3)
    assert one.read(LOOKUP, b"", 0) == -errno.ENOENT
    one.close()


@pytest.mark.parametrize(
    ("code", "low", "high"),
    [(code, 0, 2**bits - 1) for code, bits in (("B", 8), ("H", 16), ("I", 32), ("Q", 64))]
    + [(code, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for code, bits in (("b", 8), ("h", 16), ("i", 32), ("q", 64))],
)
def test_single_numbers(own: Own, code: str, low: int, high: int) -> None:
    size = struct.calcsize("=" + code)
    one = own(create(HASH, size, size), size, size)
    typed = one.typed(code, code, slow_get, slow_set)
    for number in (0, 1, 100, low, high):
        typed.set(number, high - number if low == 0 else number)
        assert typed.get(number) == (high - number if low == 0 else number)
        assert one.read(LOOKUP, struct.pack("=" + code, number), 0) == struct.pack("=" + code, typed.get(number))
    for wrong in (low - 1, high + 1, 2**70, -(2**70), "x", None, 1.5):
        assert typed.get(wrong) == ("slow", wrong, 0)
        with pytest.raises(Refused) as caught:
            typed.set(0, wrong, 2)
        assert caught.value.args == (0, wrong, 2, 0)
        with pytest.raises(Refused):
            typed.set(wrong, 0)
    assert typed.get(True) == typed.get(1)
    assert typed.get(50) == ("slow", 50, errno.ENOENT)
    with pytest.raises(Refused) as caught:
        typed.set(1, 1, uapi.BPF_NOEXIST)
    assert caught.value.args == (1, 1, uapi.BPF_NOEXIST, errno.EEXIST)
    typed.set(1, 2)
    assert typed.get(1) == 2
    one.close()


def test_closed(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    typed = one.typed("I", "Q", slow_get, slow_set)
    typed.set(1, 2)
    assert one.read(LOOKUP, key(1), 0) == value(2)
    one.close()
    assert not is_open(fd)
    other = os.open(os.devnull, os.O_RDONLY)
    assert other == fd, "the same number"
    one.close()
    assert is_open(other)
    assert one.read(LOOKUP, key(1), 0) == one.write(UPDATE, key(1), value(1), 0) == one.delete(key(1)) == -errno.EBADF
    assert one.attempt(uapi.BPF_MAP_FREEZE, key(other)) == -errno.EBADF
    assert typed.get(1) == ("slow", 1, errno.EBADF)
    with pytest.raises(Refused):
        typed.set(1, 1)
    del one, typed
    assert is_open(other)
    os.close(other)


def test_forgotten(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    typed = one.typed("I", "Q", slow_get, slow_set)
    del one
    typed.set(1, 2)
    assert typed.get(1) == 2
    del typed
    assert not is_open(fd)


def test_handed_over(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    one.write(UPDATE, key(1), value(1), 0)
    one.hand_over()
    assert one.read(LOOKUP, key(1), 0) == -errno.EBADF
    del one
    assert is_open(fd)
    os.close(fd)


def test_an_exception_does_not_keep_it_open(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    typed = one.typed("I", "Q", slow_get, slow_set)
    for arguments in ((1, 1, uapi.BPF_EXIST), ("x", 1), (1, "x")):
        with pytest.raises(Refused) as caught:
            typed.set(*arguments)
    one.close()
    assert not is_open(fd)
    assert caught.value.__traceback__ is not None


def test_closing_waits_for_the_calls_of_other_threads(own: Own) -> None:
    """Threads call while one closes, over and over: no call meets the file that gets the number next, a map with
    another value under the same key."""
    for _ in range(20):
        fd = create()
        one = own(fd, 4, 8)
        typed = one.typed("I", "Q", slow_get, slow_set)
        typed.set(1, 1)
        seen: set[Any] = set()
        begun = threading.Barrier(5)

        def work(one: Any = one, typed: Any = typed, seen: set[Any] = seen, begun: threading.Barrier = begun) -> None:
            begun.wait()
            for _ in range(200):
                seen.add(typed.get(1))
                found = one.read(LOOKUP, key(1), 0)
                seen.add(found if isinstance(found, int) else struct.unpack("=Q", found)[0])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait()
        one.close()
        others = [create() for _ in range(3)]
        for other in others:
            syscall.bpf(UPDATE, _element(other, 1, 99))
        for thread in threads:
            thread.join()
        assert seen <= {1, ("slow", 1, errno.EBADF), -errno.EBADF}
        for other in others:
            os.close(other)
        if fd not in others:
            assert not is_open(fd)


_held: list[Any] = []


def _element(fd: int, number: int, content: int) -> bytes:
    import ctypes

    _held[:] = (ctypes.create_string_buffer(key(number), 4), ctypes.create_string_buffer(value(content), 8))
    return struct.pack("=IxxxxQQQ", fd, *map(ctypes.addressof, _held), 0)


def test_threads_lose_nothing(own: Own) -> None:
    one = own(create(HASH, 4, 8, 1000), 4, 8)
    typed = one.typed("I", "Q", slow_get, slow_set)

    def work(first: int) -> None:
        for number in range(first, 400, 4):
            typed.set(number, number * 2**32)
            assert typed.get(number) == number * 2**32
            assert one.write(UPDATE, key(500 + number), value(number), 0) == 0
            assert one.read(LOOKUP, key(500 + number), 0) == value(number)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [typed.get(number) for number in range(400)] == [number * 2**32 for number in range(400)]
    one.close()


def test_a_child_has_its_own(own: Own) -> None:
    fd = create()
    one = own(fd, 4, 8)
    typed = one.typed("I", "Q", slow_get, slow_set)
    typed.set(1, 5)
    pid = os.fork()
    if not pid:
        try:
            right = typed.get(1) == 5
            typed.set(2, 6)
            one.close()
            os._exit(0 if right and not is_open(fd) and typed.get(1) == ("slow", 1, errno.EBADF) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert typed.get(2) == 6
    one.close()
    assert not is_open(fd)


def test_wrong_sizes_never_reach_the_kernel() -> None:
    one = twin.extension().Map(create(), 4, 8)
    wrong: tuple[Callable[[], Any], ...] = (
        lambda: one.read(LOOKUP, b"x", 0),
        lambda: one.write(UPDATE, key(1), b"x", 0),
        lambda: one.write(UPDATE, b"xxxxx", value(1), 0),
        lambda: one.delete(b""),
    )
    for call in wrong:
        with pytest.raises(ValueError, match="bytes were given"):
            call()
    one.close()
