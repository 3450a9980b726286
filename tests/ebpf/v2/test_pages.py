"""docs/maps.md and docs/maps/: up to date, complete, and true on the running kernel."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ebpf import v2
from ebpf.v2 import pages
from ebpf.v2.open import CLASSES
from tests.ebpf.v2.every_type import bpf_lsm

DOCS = Path(__file__).parents[3] / "docs"


def test_the_pages_are_what_the_database_and_the_classes_say() -> None:
    made = dict(pages.pages())
    found = {path.name: path.read_text() for path in (DOCS / "maps").iterdir()}
    assert found == made, "run python -m ebpf.v2.pages docs/maps"


def test_there_is_one_for_each_type_with_an_example() -> None:
    assert set(pages.EXAMPLES) == set(CLASSES)
    assert all(f"v2.{CLASSES[name]}(" in example for name, example in pages.EXAMPLES.items())


@pytest.mark.root
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.requires("BPF_MAP_TYPE_" + name)) for name in pages.EXAMPLES]
)
def test_its_example_runs(name: str) -> None:
    with bpf_lsm() if name == "INODE_STORAGE" else nullcontext():
        exec(compile(pages.EXAMPLES[name], name, "exec"), {"v2": v2})


@pytest.mark.root
@pytest.mark.requires("map_mmap", "map_names", "object_ids")
def test_the_guide_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "maps.md").read_text(), re.S)
    module: dict[str, Any] = {"__name__": __name__}
    for block in blocks:
        # Not annotations as text: names in those would be looked up in this module.
        exec(compile(block, "docs/maps.md", "exec", dont_inherit=True), module)
