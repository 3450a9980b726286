"""The measurements' own code: what they measure is run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.rows import Row, interleaved


def test_rows() -> None:
    assert Row("x", 110.0, 100.0, 1.1).reached
    assert not Row("x", 112.0, 100.0, 1.1).reached
    assert Row("x", 500.0, 100.0).reached
    assert Row("x", None, None, 1.0, "bcc").reached
    assert Row("x", 110.0, 100.0, 1.1).line() == "| x | 110 ns | 100 ns | 1.10 | ≤ 1.1 |"
    assert "not measured: bcc" in Row("x", None, None, 1.0, "bcc").line()


def test_each_case_runs_in_turn() -> None:
    seen: list[str] = []
    found = interleaved({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, 10, 2, lambda: seen.append("-"))
    assert seen == ["-", "a", "-", "b"] * 3
    assert set(found) == {"a", "b"}


def test_tables_are_put_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{command._BEGIN}\nold\n{command._END}\nafter\n")
    command._write(str(page), "new\n")
    assert page.read_text() == f"before\n{command._BEGIN}\n\nnew\n\n{command._END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="stand between"):
        command._write(str(page), "new")
    assert page.read_text() == "nothing"


def test_the_published_page_has_the_marks() -> None:
    text = (Path(__file__).parents[1] / "docs" / "speed.md").read_text()
    assert text.count(command._BEGIN) == text.count(command._END) == 1
