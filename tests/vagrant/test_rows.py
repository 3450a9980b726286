from __future__ import annotations

from pathlib import Path

import pytest

from vagrant import rows
from vagrant.errors import MatrixError, UnknownName

ELEVEN = ["5.10", "6.1", "6.12", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", "7.3"]


def test_the_eleven_are_there_oldest_first() -> None:
    assert list(rows.kernels()) == ELEVEN


def test_each_kernel_names_packages_of_its_own_series() -> None:
    for name, kernel in rows.kernels().items():
        assert all(f"-{name}." in package for package in kernel.packages)
        assert all(f"-{name}." in file and len(sha256) == 64 for file, sha256 in kernel.unindexed.items())


def test_the_tool_has_its_own_libc() -> None:
    assert "libc6" in rows.tool("virtiofsd").packages


def test_selection_keeps_the_order_asked_for_and_takes_each_once() -> None:
    chosen = rows.select("7.3, 5.10,newest", rows.kernels())
    assert [kernel.name for kernel in chosen] == ["7.3", "5.10"]


@pytest.mark.parametrize(
    ("names", "words"),
    [("6.13", "Did you mean 6.1"), ("510", "Did you mean 5.10"), ("debian", "known: 5.10"), (",", "names no kernel")],
)
def test_an_unknown_name_is_refused_with_the_closest(names: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        rows.select(names, rows.kernels())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[qemu]\n", "kernels.toml"),
        ('[[qemu]]\nsuites = ["a"]\n', "number 1 has no name"),
        ('[[qemu]]\nname = "6.1"\nsuites = ["a"]\n', "6.1: packages missing"),
        ('[[qemu]]\nname = "6.1"\nsuites = []\npackages = []\ncpus = 2\n', "6.1: unknown key cpus"),
        ('[[qemu]]\nname = "6.1"\nsuites = []\npackages = []\n' * 2, "two .* are called 6.1"),
    ],
)
def test_a_bad_table_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "kernels.toml"
    table.write_text(text)
    with pytest.raises(MatrixError, match=words):
        rows.kernels(table)
