from __future__ import annotations

from pathlib import Path

import pytest

import featuredb
from ebpf.core import adaptation
from ebpf.core.adaptation import ADAPTATIONS, adapt
from ebpf.core.fd import Descriptor
from ebpf.errors import UnsupportedFeatureError

DOCUMENT = Path(__file__).parents[3] / "docs" / "adaptations.md"


@pytest.mark.parametrize("name", ADAPTATIONS)
def test_every_row_names_a_feature_and_says_what_is_done_and_lost(name: str) -> None:
    row = ADAPTATIONS[name]
    assert row.name == name
    assert featuredb.get(row.feature).statements
    assert row.instead
    assert row.lost
    assert not row.instead.endswith(".")
    assert not row.lost.endswith(".")


def test_the_document_is_what_the_table_generates() -> None:
    assert DOCUMENT.read_text() == adaptation.document(), "run python -m ebpf.core.adaptation docs/adaptations.md"


def test_an_object_shows_what_it_does_without_once() -> None:
    thing = Descriptor()
    assert not thing.adaptations
    adapt(thing, "batch")
    adapt(thing, "unnamed")
    adapt(thing, "batch")
    assert [row.name for row in thing.adaptations] == ["batch", "unnamed"]
    assert "one call each" in str(thing.adaptations[0])


def test_it_can_be_refused() -> None:
    thing = Descriptor(adapt=False)
    with pytest.raises(UnsupportedFeatureError, match=r"adapt=False refuses .* one call each"):
        adapt(thing, "batch")
    assert not thing.adaptations


def test_a_row_does_not_change() -> None:
    with pytest.raises(AttributeError):
        ADAPTATIONS["batch"].lost = "nothing"
