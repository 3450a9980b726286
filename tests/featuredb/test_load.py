"""Reading the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from featuredb import load
from featuredb.schema import FILES, TABLES


def test_every_source_is_known_to_the_schema() -> None:
    assert {path.stem for path in load.DATA.glob("*")} == {*FILES.values(), *TABLES}


def test_every_source_holds_one_table_only() -> None:
    tables = {name: kind for kind, name in FILES.items()}
    tables.update(TABLES)
    for path in load.DATA.glob("*.toml"):
        assert list(load.read(path)) == [tables[path.stem]], path.name


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "jit.toml").write_text('[[jit]]\nname = "jit_x"\n')
    assert load.features(tmp_path) == {"jit": [{"name": "jit_x"}]}
    assert load.tables(tmp_path) == {}


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "jit.toml").write_text("[[jit]\n")
    with pytest.raises(ValueError, match=r"jit\.toml"):
        load.features(tmp_path)
