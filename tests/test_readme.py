"""What the README shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import ebpf
import featuredb

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_sessions_in_it_run_as_shown() -> None:
    for block in re.findall(r"```pycon\n(.*?)```", TEXT, re.DOTALL):
        test = doctest.DocTestParser().get_doctest(block, {"ebpf": ebpf}, "README.md", str(README), 0)
        results = doctest.DocTestRunner(verbose=False).run(test)
        assert results.attempted
        assert results.failed == 0


def test_every_feature_it_names_exists() -> None:
    names = set(re.findall(r'"((?:BPF|bpf)_\w+)"', TEXT)) | {"bounded_loops", "isa_v3", "map_names"}
    assert [name for name in sorted(names) if featuredb.kind_of(name) is None] == []


def test_every_command_it_names_exists() -> None:
    from ebpf.cli import _COMMANDS

    known = {name for name, _ in _COMMANDS}
    named = set(re.findall(r"^ebpf (\w+)", TEXT, re.MULTILINE))
    assert named
    assert named <= known


def test_every_page_it_links_to_exists() -> None:
    for page in re.findall(r"\]\(([\w./]+\.md)\)", TEXT):
        assert (README.parent / page).exists(), page
