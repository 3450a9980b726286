from __future__ import annotations

import copy
import gc
import os
import pickle

import pytest

from ebpf.core.fd import Descriptor
from ebpf.errors import ClosedError, UnpicklableError


def null() -> Descriptor:
    return Descriptor(os.open(os.devnull, os.O_RDONLY))


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_it_closes_once_and_says_so() -> None:
    one = null()
    fd = one.fd
    assert one.fileno() == fd
    assert not one.closed
    assert is_open(fd)
    one.close()
    assert one.closed
    assert not is_open(fd)
    other = os.open(os.devnull, os.O_RDONLY)  # gets the same number: a second close() must leave it alone
    one.close()
    assert is_open(other)
    os.close(other)
    with pytest.raises(ClosedError, match="the object is closed"):
        one.fd  # noqa: B018


def test_it_closes_at_the_end_of_a_with_block_and_with_the_garbage() -> None:
    one = null()
    fd = one.fd
    with pytest.raises(RuntimeError), one:
        raise RuntimeError
    assert not is_open(fd)
    two = null()
    fd = two.fd
    del two
    gc.collect()
    assert not is_open(fd)


def test_one_that_never_came_about_closes_nothing() -> None:
    assert Descriptor().closed
    Descriptor.__new__(Descriptor).__del__()


@pytest.mark.parametrize("use", [pickle.dumps, copy.copy, copy.deepcopy])
def test_pickling_and_copying_are_refused_with_a_reason(use: object) -> None:
    with null() as one, pytest.raises(UnpicklableError, match=r"owns a file descriptor.*Pin the object"):
        use(one)  # type: ignore[operator]  # a function of one argument, each of them
