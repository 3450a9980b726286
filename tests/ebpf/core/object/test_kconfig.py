"""Options of the kernel's configuration as programs see them."""

from __future__ import annotations

import sys

import pytest

from ebpf.core.object.kconfig import value_of
from ebpf.core.object.obstacle import Obstacle
from ebpf.elf import Extern


def option(kind: str, size: int, *, signed: bool = False, weak: bool = False) -> Extern:
    found = Extern("CONFIG_X", "kconfig", weak, 0)
    found.value_kind, found.size, found.signed = kind, size, signed
    return found


@pytest.mark.parametrize(
    ("extern", "given", "content"),
    [
        (option("bool", 1), "y", b"\1"),
        (option("bool", 1), "n", b"\0"),
        (option("tristate", 4), "m", (2).to_bytes(4, sys.byteorder)),
        (option("char", 1), "m", b"m"),
        (option("int", 4), "1000", (1000).to_bytes(4, sys.byteorder)),
        (option("int", 8), "0xff", (255).to_bytes(8, sys.byteorder)),
        (option("int", 2, signed=True), -2, (-2).to_bytes(2, sys.byteorder, signed=True)),
        (option("string", 8), "name", b"name\0\0\0\0"),
        (option("string", 4), "longer", b"lon\0"),
    ],
)
def test_values(extern: Extern, given: object, content: bytes) -> None:
    obstacles: list[Obstacle] = []
    assert value_of([extern], extern.size, {"CONFIG_X": given}, obstacles) == content
    assert not obstacles


@pytest.mark.parametrize(
    ("extern", "given"),
    [
        (option("bool", 1), "m"),
        (option("int", 1), 256),
        (option("int", 4), "text"),
        (option("int", 4), "y"),
        (option("int", 4), -1),
    ],
)
def test_values_that_do_not_fit(extern: Extern, given: object) -> None:
    obstacles: list[Obstacle] = []
    value_of([extern], extern.size, {"CONFIG_X": given}, obstacles)
    assert len(obstacles) == 1
    assert "does not fit" in str(obstacles[0])


def test_what_is_weak_is_zero() -> None:
    obstacles: list[Obstacle] = []
    assert value_of([option("int", 4, weak=True)], 4, {}, obstacles) == bytes(4)
    assert not obstacles
    value_of([option("int", 4)], 4, {}, obstacles)
    assert [each.name for each in obstacles] == ["CONFIG_X"]
