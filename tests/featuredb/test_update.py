"""featuredb.update: headers of real releases held to the database, and what the command does with edited ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from featuredb import header, load, update
from tests.featuredb import headers

HEADER = """
enum bpf_cmd { BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, %(command)s };
enum bpf_map_type { BPF_MAP_TYPE_UNSPEC, BPF_MAP_TYPE_HASH, %(map_type)s };
#define BPF_F_NO_PREALLOC (1U << 0)
%(define)s
#define ___BPF_FUNC_MAPPER(FN, ctx...) FN(unspec, 0, ##ctx) FN(map_lookup_elem, 1, ##ctx) %(helper)s
union bpf_attr { struct { __u32 map_type; %(attribute)s }; };
struct bpf_insn { __u8 code; %(field)s };
"""
EMPTY = dict.fromkeys(("command", "map_type", "define", "helper", "attribute", "field"), "")

RECORDS = {
    "commands": '# Commands, by hand.\n\n[[command]]\nname = "BPF_MAP_CREATE"\nvalue = 0\nsince = "3.18"\n{s}\n'
    '[[command]] # read\nname = "BPF_MAP_LOOKUP_ELEM"\nvalue = 1\nsince = "3.18"\n{s}',
    "map_types": '[[map_type]]\nname = "BPF_MAP_TYPE_UNSPEC"\nvalue = 0\nsince = "3.18"\n{s}\n'
    '[[map_type]]\nname = "BPF_MAP_TYPE_HASH"\nvalue = 1\nsince = "3.19"\n{s}',
    "flags": '[[flag]]\nname = "BPF_F_NO_PREALLOC"\nvalue = 1\nsince = "4.6"\n{s}',
    "constants": '[[constant]]\nname = "XDP_ABORTED"\nvalue = 0\nsince = "7.4"\n{s}',
    "helpers": '[[helper]]\nname = "bpf_map_lookup_elem"\nvalue = 1\nsince = "3.19"\n{s}',
    "attributes": '[[attribute]]\nname = "bpf_attr.map_type.map_type"\nsince = "3.18"\n{s}\n'
    '[[attribute]]\nname = "map_names"\ngroup = "bpf_attr.map_type.map_name"\nsince = "4.15"\n{s}',
    "struct_fields": '[[struct_field]]\nname = "bpf_insn.code"\nsince = "3.18"\n{s}',
    "releases": '[[release]]\nversion = "7.3"\n\n[[release]]\nversion = "6.1"\n',
    "stable": '[[stable]]\nversion = "6.1.176"\nseries = "6.1"\nplus = ["XDP_ABORTED"]\n',
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small database."""
    directory = tmp_path / "data"
    directory.mkdir()
    for name, text in RECORDS.items():
        source = f'source = "{update.SOURCE}"\n'
        (directory / f"{name}.toml").write_text(text.replace("{s}", source), encoding="utf-8")
    return directory


def compare(data: Path, release: str, **parts: str) -> update.Comparison:
    return update.compare(header.parse(HEADER % {**EMPTY, **parts}), release, data)


def run(data: Path, *arguments: str, **parts: str) -> subprocess.CompletedProcess[str]:
    path = data.parent / "bpf.h"
    path.write_text(HEADER % {**EMPTY, **parts}, encoding="utf-8")
    command = [sys.executable, "-m", "featuredb.update", str(path), "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def contents(data: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in data.iterdir()}


def test_nothing_new(data: Path) -> None:
    done = run(data, "--release", "7.3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing new\n", "")


def test_what_is_new_is_listed_by_kind_and_nothing_is_written(data: Path) -> None:
    before = contents(data)
    done = run(data, "--release", "7.4", command="BPF_NEW", define="#define XDP_ABORTED 0\n#define BPF_F_NEW 8")
    assert done.returncode == 0, done.stderr
    assert "new command (1):\n  BPF_NEW = 2\n" in done.stdout
    assert "new flag (1):\n  BPF_F_NEW = 8\n" in done.stdout
    assert contents(data) == before


def test_writing_appends_to_the_file_of_each_kind_and_keeps_what_was_there(data: Path) -> None:
    before = contents(data)
    new = {
        "command": "BPF_NEW",
        "map_type": "BPF_MAP_TYPE_NEW",
        "define": "#define XDP_ABORTED 0\n#define BPF_F_NEW 8\n#define BPF_NEW_SIZE 64",
        "helper": "FN(new, 2, ##ctx)",
        "attribute": "__u32 new_field;",
        "field": "__u32 new_field;",
    }
    done = run(data, "--release", "7.4", "--write", **new)
    assert done.returncode == 0, done.stderr
    after = contents(data)
    assert sorted(after) == sorted(before), "no temporary file stays"
    assert all(after[name].startswith(text) for name, text in before.items()), "only appended to"
    records = load.features(data)
    assert records["command"][-1] == {
        "name": "BPF_NEW",
        "value": 2,
        "enum": "bpf_cmd",
        "since": "7.4",
        "absent_in": "7.3",
        "commit": "unknown",
        "subject": "unknown",
        "source": "include/uapi/linux/bpf.h",
        "kconfig": "unknown",
    }
    last = {kind: rows[-1]["name"] for kind, rows in records.items()}
    assert last == {
        "command": "BPF_NEW",
        "map_type": "BPF_MAP_TYPE_NEW",
        "helper": "bpf_new",
        "flag": "BPF_F_NEW",
        "constant": "BPF_NEW_SIZE",
        "attribute": "bpf_attr.map_type.new_field",
        "struct_field": "bpf_insn.new_field",
    }
    again = run(data, "--release", "7.4", **new)
    assert (again.returncode, again.stdout) == (0, "nothing new\n")


def test_an_older_release_does_not_say_what_the_one_before_it_lacked(data: Path) -> None:
    ((_, record),) = compare(data, "6.1", command="BPF_NEW").new
    assert "absent_in" not in record
    assert record["confidence"] == "lower bound"


def test_a_write_that_fails_leaves_every_file_as_it_was(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(data)
    new = compare(data, "7.4", command="BPF_NEW", define="#define BPF_F_NEW 8\n#define XDP_ABORTED 0").new

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        update.write(new, data)
    assert contents(data) == before


@pytest.mark.parametrize(
    ("release", "parts", "clause"),
    [
        ("7.3", {"define": "#define XDP_ABORTED 0"}, "XDP_ABORTED: recorded as new in 7.4, in the header of 7.3"),
        ("7.4", {}, "XDP_ABORTED: recorded as present since 7.4, not in the header of 7.4"),
        ("7.4", {"define": "#define XDP_ABORTED 3"}, "XDP_ABORTED: recorded as 0, 3 in the header"),
        ("4.4", {}, "BPF_F_NO_PREALLOC: recorded as new in 4.6, in the header of 4.4"),
    ],
)
def test_contradictions_are_refused(data: Path, release: str, parts: dict[str, str], clause: str) -> None:
    before = contents(data)
    done = run(data, "--release", release, "--write", command="BPF_NEW", **parts)
    assert done.returncode == 1
    assert f"contradiction: {clause}\n" in done.stderr
    assert "nothing written" in done.stderr
    assert contents(data) == before


def test_a_stable_release_may_have_what_its_overlay_lists(data: Path) -> None:
    done = run(data, "--release", "6.1.176", define="#define XDP_ABORTED 0")
    assert (done.returncode, done.stdout) == (0, "nothing new\n")


def test_anything_else_a_stable_release_has_early_is_a_question(data: Path) -> None:
    done = run(data, "--release", "4.4.155")
    assert done.returncode == 0
    assert "backported? BPF_F_NO_PREALLOC" in done.stdout


def test_a_stable_release_is_not_written_from(data: Path) -> None:
    done = run(data, "--release", "6.1.176", "--write", command="BPF_NEW")
    assert done.returncode == 2
    assert done.stderr.startswith("--write takes a mainline release")


def test_a_value_that_changed_is_the_one_of_its_release(data: Path) -> None:
    with (data / "constants.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[constant]]\nname = "BPF_ALL"\nvalue = 15\nvalues = { "4.16" = 7, "5.3" = 15 }\nsince = "4.16"\n'
        )
    for release, value in (("4.20", 7), ("5.3", 15), ("6.1", 15)):
        assert not compare(data, release, define=f"#define BPF_ALL {value}").contradictions
        assert compare(data, release, define="#define BPF_ALL 8").contradictions


@pytest.mark.parametrize(
    ("release", "text", "says"),
    [
        ("7", None, "'7' is not a release"),
        ("v7.4", None, "'v7.4' is not a release"),
        ("six", None, "'six' is not a release"),
        ("7.4", "int x;", "not a <linux/bpf.h>"),
        ("7.4", "", "not a <linux/bpf.h>"),
    ],
)
def test_bad_input_is_one_clear_line(data: Path, release: str, text: str | None, says: str) -> None:
    path = data.parent / "input.h"
    path.write_text(HEADER % EMPTY if text is None else text, encoding="utf-8")
    command = [sys.executable, "-m", "featuredb.update", str(path), "--release", release, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_header_that_is_not_there(data: Path) -> None:
    command = [sys.executable, "-m", "featuredb.update", "/nonexistent/bpf.h", "--release", "7.4", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "/nonexistent/bpf.h: No such file or directory\n")


@pytest.mark.network
@pytest.mark.parametrize("suite", headers.SUITES)
def test_the_database_agrees_with_the_headers_of_real_releases(suite: str) -> None:
    path, release = headers.header(suite)
    found = update.compare(header.read(str(path)), release)
    assert [record["name"] for _, record in found.new] == []
    assert found.contradictions == []


@pytest.mark.network
def test_a_new_release_against_a_database_that_lacks_it(tmp_path: Path) -> None:
    """The newest real header against a database that ends two years before it: all that came since is appended."""
    path, release = headers.header("sid")
    data = tmp_path / "data"
    shutil.copytree(load.DATA, data)
    dropped = _drop_later_than(data, (6, 12))
    real = header.read(str(path))
    mainline = ".".join(release.split(".")[:2])
    found = update.compare(real, mainline, data)
    assert {record["name"] for _, record in found.new} == dropped & set(update.names(real))
    assert {"BPF_PROG_STREAM_READ_BY_FD", "BPF_MAP_TYPE_INSN_ARRAY"} <= {record["name"] for _, record in found.new}
    assert found.contradictions == []
    update.write(found.new, data)
    assert not update.compare(real, mainline, data).new


def _drop_later_than(data: Path, version: tuple[int, ...]) -> set[str]:
    """Cut every record of a later release out of the TOML files; the names cut out."""
    dropped = set()
    for path in data.glob("*.toml"):
        head, *blocks = path.read_text(encoding="utf-8").split("\n[[")
        kept = []
        for block in blocks:
            lines = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
            since = lines.get("since", '"0.0"').strip('"')
            if since != "unknown" and tuple(map(int, since.split("."))) > version and not block.startswith("release"):
                dropped.add(lines["name"].strip('"'))
            else:
                kept.append(block)
        path.write_text("\n[[".join([head, *kept]), encoding="utf-8")
    return dropped
