"""Asking for records: by name and alias, by kind, and by a name that is nearly right."""

from __future__ import annotations

import subprocess
import sys

import pytest

import featuredb
from featuredb.model import Feature
from featuredb.version import version_key


def test_every_name_and_alias_finds_its_record() -> None:
    for feature in featuredb.features():
        assert featuredb.get(feature.name) is feature
        assert featuredb.kind_of(feature.name) == feature.kind
        for alias in feature.aliases:
            assert featuredb.get(alias) is feature, alias
            assert featuredb.kind_of(alias) == feature.kind


def test_kinds_share_out_the_names() -> None:
    by_kind = [name for kind in featuredb.kinds() for name in featuredb.names(kind)]
    assert sorted(by_kind) == sorted(featuredb.names())
    assert len(set(by_kind)) == len(by_kind)
    for kind in featuredb.kinds():
        assert {feature.kind for feature in featuredb.features(kind)} == {kind}


def test_a_helper_by_its_name_in_the_enum() -> None:
    assert featuredb.get("BPF_FUNC_ringbuf_output").name == "bpf_ringbuf_output"


@pytest.mark.parametrize(
    "name", ["BPF_MAP_TYPE_NOTHING", "bpf_map_type_hash", "", " ", "BPF_MAP_TYPE_", "\u00e9", "__init__"]
)
def test_no_such_name(name: str) -> None:
    assert featuredb.kind_of(name) is None
    with pytest.raises(featuredb.UnknownName) as caught:
        featuredb.get(name)
    assert isinstance(caught.value, LookupError)
    assert caught.value.name == name
    assert list(caught.value.suggestions) == featuredb.closest(name)
    assert repr(name) in str(caught.value)


# "index" and "releases" are compiled modules too, but no kinds.
@pytest.mark.parametrize("kind", ["maps", "index", "releases", "__init__", "", "map_type.x", "MAP_TYPE"])
def test_no_such_kind(kind: str) -> None:
    with pytest.raises(ValueError, match="the kinds are command, map_type"):
        featuredb.names(kind)
    with pytest.raises(ValueError, match="there is no kind"):
        featuredb.features(kind)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("bpf_map_type_lru_hash", "BPF_MAP_TYPE_LRU_HASH"),  # the wrong case
        ("BPF_RINGBUF_OUTPUT", "bpf_ringbuf_output"),
        ("LRU_HASH", "BPF_MAP_TYPE_LRU_HASH"),  # a missing prefix
        ("lru_hash", "BPF_MAP_TYPE_LRU_HASH"),
        ("ringbuf_output", "bpf_ringbuf_output"),
        ("PROG_TYPE_XDP", "BPF_PROG_TYPE_XDP"),
        ("BPF_MAP_TYPE_LRU_HSAH", "BPF_MAP_TYPE_LRU_HASH"),  # typos
        ("BPF_MAP_TYP_ARRAY", "BPF_MAP_TYPE_ARRAY"),
        ("bpf_ringbuff_output", "bpf_ringbuf_output"),
        ("bounded_loop", "bounded_loops"),
        ("bpf_func_ringbuf_output", "bpf_ringbuf_output"),  # an alias, in the wrong case
    ],
)
def test_the_closest_comes_first(wrong: str, right: str) -> None:
    assert featuredb.closest(wrong)[0] == right


def test_closest_gives_real_names_no_more_than_asked_for() -> None:
    for count in (1, 3, 5):
        found = featuredb.closest("hash", count)
        assert len(found) <= count
        assert len(set(found)) == len(found)
        assert all(featuredb.get(name).name == name for name in found)
    assert featuredb.closest("zzzzqqqq") == []


def test_the_message_of_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(featuredb.UnknownName, match=r"did you mean BPF_MAP_TYPE_LRU_HASH"):
        featuredb.get("BPF_MAP_TYPE_LRU_HSAH")


def test_a_kfunc_is_open_through_its_sets_while_both_are_there() -> None:
    for kfunc in featuredb.features("kfunc"):
        for name, relation in kfunc.program_types.items():
            assert featuredb.kind_of(name) == "program_type", (kfunc.name, name)
            if "unknown" not in (relation.since, kfunc.since):
                assert version_key(relation.since) >= version_key(kfunc.since), (kfunc.name, name)
            if relation.until is not None and "unknown" not in (relation.until, relation.since):
                assert version_key(relation.since) < version_key(relation.until), (kfunc.name, name)


def test_a_set_closed_before_it_held_the_kfunc_does_not_open_it() -> None:
    # hid_bpf_kfunc_ids was open to tracing programs until the release that brought this kfunc into it.
    assert list(featuredb.get("hid_bpf_try_input_report").program_types) == ["BPF_PROG_TYPE_STRUCT_OPS"]


def test_all_that_is_promised_is_there() -> None:
    for name in featuredb.__all__:
        assert getattr(featuredb, name) is not None
    assert dir(featuredb) == sorted(featuredb.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        featuredb.nothing  # noqa: B018
    assert featuredb.Feature is Feature


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded once it has run `code`."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_of_ebpf_is_imported() -> None:
    everything = (
        "import featuredb\nfor name in featuredb.__all__: getattr(featuredb, name)\n"
        "for each in featuredb.features(): each.program_types\n"
        "featuredb.platforms(), featuredb.releases(), featuredb.closest('x')\n"
        "import featuredb.build, featuredb.lint, featuredb.update"
    )
    assert not {name for name in modules_after(everything) if name.split(".")[0] == "ebpf"}


def test_one_kind_loads_no_other() -> None:
    loaded = modules_after("import featuredb; featuredb.get('BPF_MAP_TYPE_LRU_HASH')")
    compiled = {name.rsplit(".", 1)[1] for name in loaded if name.startswith("featuredb._compiled.")}
    assert compiled - {"index"} == {"map_type"}


def test_a_look_up_imports_nothing_dear() -> None:
    loaded = modules_after("import featuredb; featuredb.get('BPF_MAP_TYPE_LRU_HASH')") - modules_after("pass")
    assert {name.split(".")[0] for name in loaded} == {"featuredb"}
