"""docs/errors.md says what the table says."""

from __future__ import annotations

from pathlib import Path

from ebpf.diagnose.document import document
from ebpf.diagnose.maps import MAP_ERRORS

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: python -m ebpf.diagnose.document docs/errors.md"


def test_every_row_is_in_the_page() -> None:
    text = document()
    assert text.count("\n| `E") == len(MAP_ERRORS)
