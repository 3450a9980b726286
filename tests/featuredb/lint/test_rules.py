"""Each rule bites where it should, and not beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from featuredb.lint import (
    Database,
    alternatives,
    commits,
    dependencies,
    duplicates,
    intervals,
    keys,
    options,
    partial,
    references,
    relations,
    required,
    run,
    sections,
    sources,
    stable,
    values,
    versions,
    words,
)
from featuredb.lint.rules import RULES

RELEASES = [{"version": version} for version in ("4.4", "4.9", "4.10", "5.1", "5.10", "6.1", "6.10")]


def record(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "since": "5.1", "commit": "unknown", "subject": "unknown", "source": "linux/bpf.h", **more}


def database(*records: dict[str, Any], kind: str = "map_type", **others: list[dict[str, Any]]) -> Database:
    return Database(
        {kind: list(records), **others},
        {"releases": RELEASES, "kconfig_options": [{"name": "CONFIG_NET"}]},
    )


XDP = record("XDP")


def section(**keys: Any) -> Database:
    row = {"name": "xdp", "program_type": "XDP", "libbpf": "1.0.0", **keys}
    return Database({"program_type": [XDP]}, {"sections": [row]})


def stable_release(**keys: Any) -> Database:
    row = {"version": "5.10.3", "series": "5.10", **keys}
    return Database({"helper": [record("h")], "program_type": [XDP]}, {"stable": [row]})


def helper(*records: dict[str, Any]) -> Database:
    return database(*records, kind="helper", program_type=[XDP])


# rule: (what bites, what is said), (what does not)
CASES: list[tuple[ModuleType, Database, str, Database]] = [
    (keys, database(record("a", statements=["5.1"])), "each must be a table", database(record("a", statements=[]))),
    (keys, database(record("a", kconfig={"load": 5})), "kconfig: load is 5", database(record("a", kconfig="none"))),
    (keys, helper(record("a", program_types=["XDP"])), "must be a table", helper(record("a", program_types={}))),
    (
        keys,
        helper(record("a", program_types={"XDP": {"since": "5.1", "kconfig": 5}})),
        "kconfig is no str",
        helper(record("a", program_types={"XDP": "5.1"})),
    ),
    (
        relations,
        helper(record("a", program_types={"XDP": {"since": "5.10", "until": "5.1"}})),
        "until 5.1, which is not after it",
        helper(record("a", program_types={"XDP": {"since": "5.1", "until": "5.10"}})),
    ),
    (
        relations,
        database(record("a", program_types={"X": "6.1"}), kind="helper", program_type=[record("X", until="5.10")]),
        "which was dropped in 5.10",
        database(record("a", program_types={"X": "5.1"}), kind="helper", program_type=[record("X", until="5.10")]),
    ),
    (words, database(record("a", confidence="sure")), "'sure' is none of", database(record("a", confidence="high"))),
    (
        words,
        database(record("a", capabilities=["BPF"])),
        "'BPF' is none of",
        database(record("a", capabilities=["CAP_BPF"])),
    ),
    (keys, database(record("a", colour="red")), "unknown key 'colour'", database(record("a", value=1))),
    (keys, database(record("a", value="1")), "value is '1', which is no int", database(record("a", value=1))),
    (keys, database(record("a", value=True)), "value is True", database(record("a", partial=True))),
    (
        keys,
        database(record("a", gpl_only=True)),
        "'gpl_only' for a map_type",
        database(record("a", gpl_only=True), kind="helper"),
    ),
    (keys, database(record("a", aliases=[1])), "must be a list of strings", database(record("a", aliases=["b"]))),
    (
        keys,
        helper(record("a", program_types={"XDP": {"from": "5.1"}})),
        "unknown key 'from'",
        helper(record("a", program_types={"XDP": {"since": "5.1"}})),
    ),
    (required, database({"name": "a", "source": "x"}), "has no since", database(record("a"))),
    (required, database(record("a", commit="")), "has no commit", database(record("a"))),
    (versions, database(record("a", since="5.99")), "'5.99' is no release", database(record("a", since="6.10"))),
    (versions, database(record("a", absent_in="5.0.1")), "is no release", database(record("a", until="unknown"))),
    (
        versions,
        helper(record("a", program_types={"XDP": "6.2"})),
        "program_types.XDP: since = '6.2'",
        helper(record("a", program_types={"XDP": "6.1"})),
    ),
    (
        intervals,
        database(record("a", absent_in="5.10")),
        "absent_in 5.10 is not before",
        database(record("a", absent_in="4.10")),
    ),
    (intervals, database(record("a", until="4.10")), "until 4.10 is not after", database(record("a", until="5.10"))),
    (
        intervals,
        database(record("a", since="6.10", until="6.1")),
        "is not after",
        database(record("a", since="6.1", until="6.10")),
    ),
    (
        intervals,
        database(record("a", usable_since="4.9")),
        "usable_since 4.9",
        database(record("a", usable_since="5.10")),
    ),
    (
        intervals,
        database(record("a", statements=[{"since": "4.4", "until": "5.10"}, {"since": "5.1"}])),
        "overlaps",
        database(record("a", statements=[{"since": "4.4", "until": "5.1"}, {"since": "5.1"}])),
    ),
    (
        dependencies,
        database(record("a", since="4.10", depends_on=["b"]), record("b")),
        "it depends on b, which came with 5.1",
        database(record("a", since="5.10", depends_on=["b"]), record("b")),
    ),
    (
        dependencies,
        database(record("a", depends_on=["b"]), record("b", depends_on=["a"])),
        "depends on itself",
        database(record("a", depends_on=["b"]), record("b")),
    ),
    (
        relations,
        helper(record("a", since="4.4", program_types={"XDP": "4.9"})),
        "since 4.9, which came with 5.1",
        helper(record("a", since="4.4", program_types={"XDP": "5.1"})),
    ),
    (
        relations,
        helper(record("a", since="6.1", program_types={"XDP": "5.10"})),
        "before 6.1, when it came itself",
        helper(record("a", since="6.1", program_types={"XDP": {"since": "6.1"}})),
    ),
    (
        relations,
        helper(record("a", program_types={"NOTHING": "5.1"})),
        "NOTHING, which is no program type",
        helper(record("a", program_types={"XDP": "unknown"})),
    ),
    (
        values,
        database(record("a", enum="e", value=1), record("b", enum="e", value=1)),
        "the value 1 of e, as a has",
        database(record("a", enum="e", value=1, until="5.10"), record("b", enum="e", value=1, since="5.10")),
    ),
    (duplicates, database(record("a"), record("a")), "another record too", database(record("a"), record("b"))),
    (
        duplicates,
        database(record("a"), record("b", aliases=["a"])),
        "'a' is the name or alias",
        database(record("a", aliases=["c"])),
    ),
    (
        partial,
        database(record("a", partial=True)),
        "no notes say",
        database(record("a", partial=True, notes="x86 only")),
    ),
    (sources, database({**record("a"), "source": ""}), "has no source", database(record("a"))),
    (
        commits,
        database(record("a", commit="29ba732")),
        "is not 12 hex digits",
        database(record("a", commit="29ba732acbee")),
    ),
    (
        references,
        database(record("a", alternatives=["b"])),
        "no record 'b'",
        database(record("a", alternatives=["c"]), record("b", aliases=["c"])),
    ),
    (references, database(record("a", depends_on=["a"])), "names the record itself", database(record("a"))),
    (
        references,
        database(record("a", program_types=["b"]), record("b"), kind="link_type"),
        "is a link_type, not a program_type",
        database(record("a", program_types=["XDP"]), kind="link_type", program_type=[XDP]),
    ),
    (
        alternatives,
        database(record("a", alternatives=["b"]), record("b", since="5.10")),
        "all came later",
        database(record("a", alternatives=["b", "c"]), record("b", since="5.10"), record("c", since="4.4")),
    ),
    (
        options,
        database(record("a", kconfig="CONFIG_A &&")),
        "an option is missing",
        database(record("a", kconfig="CONFIG_A && !CONFIG_B")),
    ),
    (options, database(record("a", kconfig="NET")), "neither an option", database(record("a", kconfig="none"))),
    (
        options,
        database(record("a", kconfig={"load": "CONFIG_Net"})),
        "is spelt CONFIG_NET",
        database(record("a", kconfig="CONFIG_NET")),
    ),
    (
        references,
        database(record("f", sets=["s"], joined={"t": "5.1"}), kind="kfunc", kfunc_set=[record("s"), record("t")]),
        "joined: t is none of its sets",
        database(record("f", sets=["s"], left={"s": "5.1"}), kind="kfunc", kfunc_set=[record("s")]),
    ),
    (stable, stable_release(series="5.1"), "is no release of the series '5.1'", stable_release()),
    (stable, stable_release(opened=["g for XDP"]), "'g' is no helper or kfunc", stable_release(opened=["h for XDP"])),
    (stable, stable_release(closed=["h for XPD"]), "'XPD' is no program type", stable_release(closed=["h for XDP"])),
    (sections, section(program_type="XPD"), "program_type: 'XPD' is no program type on record", section()),
    (sections, section(attach_type="XDP"), "'XDP' is no attach type", section()),
    (sections, section(flags=["BPF_F_NOTHING"]), "'BPF_F_NOTHING' is no flag", section(flags=[])),
    (sections, section(name="xdp+"), "say it with `target`", section(target="optional")),
    (sections, section(target="maybe"), "'maybe' is none of none, optional, required", section(target="none")),
    (sections, section(colour="red"), "unknown key 'colour'", section(prefix=True)),
    (sections, section(prefix="yes"), "prefix is 'yes', which is no bool", section(prefix=False)),
    (sections, section(attach_type_optional=True), "says nothing without", section(attach_type_optional=False)),
    (sections, section(libbpf=""), "has no libbpf", section()),
    (
        sections,
        Database({"program_type": [XDP]}, {"sections": section().tables["sections"] * 2}),
        "is there twice",
        section(),
    ),
]


@pytest.mark.parametrize(
    ("rule", "bad", "said", "good"), CASES, ids=[f"{case[0].__name__[15:]}: {case[2]}" for case in CASES]
)
def test_the_rule_bites(rule: ModuleType, bad: Database, said: str, good: Database) -> None:
    findings = [str(finding) for finding in rule.check(bad)]
    assert any(said in finding for finding in findings), findings
    assert all(finding.count(": ") >= 2 for finding in findings), "file: name: what is wrong"
    assert not [str(finding) for finding in rule.check(good)]


def test_every_rule_has_a_case() -> None:
    assert {rule.__module__ for rule in RULES} == {case[0].__name__ for case in CASES}


def test_the_database_is_clean() -> None:
    assert [str(finding) for finding in run(Database.read())] == []


def test_the_command_counts_and_exits_0() -> None:
    done = subprocess.run([sys.executable, "-m", "featuredb.lint"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " map_type\n" in done.stdout


def test_a_source_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "map_types.toml").write_text("[[map_type\n")
    with pytest.raises(ValueError, match=r"map_types\.toml"):
        Database.read(tmp_path)
