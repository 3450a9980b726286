"""docs/links.md says of each link what the database says, and leaves none out."""

from __future__ import annotations

import re
from pathlib import Path

import featuredb
from ebpf.core import links
from ebpf.v2 import attach

DOCUMENT = Path(__file__).parents[4] / "docs" / "links.md"
NO_ATTACHMENTS = {"LinkCore", "LinkInfo", "attach", "read_iterator"}


def rows() -> list[tuple[str, str, str]]:
    """Function, feature and release of each row."""
    found = re.findall(r"^\| [^|]+ \| `(\w+)` \| `(\w+)` \| ([\d.]+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert found
    return found


def test_every_release_is_the_databases() -> None:
    assert [(feature, since) for _, feature, since in rows()] == [
        (feature, featuredb.get(feature).since) for _, feature, _ in rows()
    ]


def test_every_way_to_attach_has_a_row_and_is_public() -> None:
    ways = set(links.__all__) - NO_ATTACHMENTS
    assert {function for function, _, _ in rows()} == ways
    assert ways <= set(attach.__all__)
