"""Kernels by name, and what distributions made of mainline."""

from __future__ import annotations

import pytest

import featuredb
from featuredb import tables

SPELLINGS = [
    ("rhel8.6", "rhel8.6"),
    ("RHEL 8.6", "rhel8.6"),
    ("rhel-8.6", "rhel8.6"),
    ("el8.6", "rhel8.6"),
    ("Red Hat Enterprise Linux 8.6", "rhel8.6"),
    ("almalinux-8.6", "rhel8.6"),
    ("rocky-8.6", "rhel8.6"),
    ("ol-8.6", "rhel8.6"),
    ("rhel8", "rhel8.10"),
    ("centos-7", "rhel7.9"),
    ("centos-8", "rhel8.5"),
    ("centos-stream-9", "centos-stream-9"),
    ("debian-12", "debian-12"),
    ("debian12", "debian-12"),
    ("Debian 12", "debian-12"),
    ("debian-12.5", "debian-12"),
    ("bookworm", "debian-12"),
    ("sid", "debian-14"),
    ("ubuntu-20.04", "ubuntu-20.04"),
    ("ubuntu-jammy", "ubuntu-22.04"),
    ("Ubuntu 22.04.5 LTS", "ubuntu-22.04"),
    ("ubuntu-20.04-hwe-5.15", "ubuntu-20.04-hwe-5.15"),
    ("amzn2023", "amzn2023"),
    ("amazonlinux-2", "amzn2"),
    ("sles-15-sp3", "sles-15.3"),
    ("opensuse-leap-15.3", "sles-15.3"),
    ("uek7", "ol-uek7"),
    ("alpine-3.19.1", "alpine-3.19"),
    ("android14-6.1", "android-14-6.1"),
    ("5.4", "5.4"),
    ("v5.10", "5.10"),
    ("Linux 5.4.210", "5.4.210"),
    ("6.10-rc3", "6.10-rc3"),
]

RELEASE_STRINGS = [
    ("4.18.0-372.el8.x86_64", "rhel8.6", "5.13"),
    ("4.18.0-372.9.1.el8.x86_64", "rhel8.6", "5.13"),
    ("4.18.0-240.1.1.el8_3.x86_64", "rhel8.3", "5.7"),
    ("4.18.0-553.el8_10.x86_64", "rhel8.10", "5.13"),
    ("4.18.0-193.el8.x86_64", "rhel8.2", "5.0"),
    ("4.18.0-394.el8.x86_64", "centos-stream-8", "5.13"),
    ("5.14.0-570.32.1.el9_6.x86_64", "rhel9.6", "6.10"),
    ("6.12.0-55.24.1.el10_0.aarch64", "rhel10.0", "6.12"),
    ("6.12.0-124.el10", "rhel10.1", "6.12"),
    ("3.10.0-1160.59.1.el7.x86_64", "rhel7.9", "3.10"),
    ("2.6.32-754.el6.x86_64", "rhel6", "2.6"),
    ("6.1.0-18-amd64", "debian-12", "6.1"),
    ("6.1.0-18-cloud-arm64", "debian-12", "6.1"),
    ("6.12.41+deb13-amd64", "debian-13", "6.12"),
    ("5.15.0-105-generic", "ubuntu-22.04", "5.15"),
    ("4.4.0-210-generic", "ubuntu-16.04", "4.4"),
    ("5.4.0-1060-aws", "ubuntu-20.04", "5.4"),
    ("6.1.141-165.249.amzn2023.x86_64", "amzn2023", "6.1"),
    ("4.14.252-195.483.amzn2.x86_64", "amzn2-4.14", "4.14"),
    ("4.12.14-122.54-default", "sles-12.5", "4.12"),
    ("5.3.18-59.24-default", "sles-15.3", "5.3"),
    ("5.15.0-6.80.3.1.el8uek.x86_64", "ol-uek7", "5.15"),
    ("5.10.16.3-microsoft-standard-WSL2", "wsl2-5.10", "5.10"),
    ("5.10.66-android12-9-00001-g12345678", "android-12-5.10", "5.10"),
]


def _status(platform: str, feature: str, program_type: str | None = None) -> str:
    return featuredb.platform(platform).has(feature, program_type).status


@pytest.mark.parametrize(("spelling", "name"), SPELLINGS)
def test_spellings(spelling: str, name: str) -> None:
    assert featuredb.platform(spelling).name == name


@pytest.mark.parametrize(("string", "name", "base"), RELEASE_STRINGS)
def test_release_strings(string: str, name: str, base: str) -> None:
    found = featuredb.platform(string)
    assert (found.name, found.base, found.kernel) == (name, base, string)


@pytest.mark.parametrize(
    ("nonsense", "suggestion"),
    [
        ("rhel8.11", "rhel8.10"),
        ("debain-12", "debian-12"),
        ("ubuntu-20.4", "ubuntu-20.04"),
        ("debian", "debian-13"),
        ("4.25", "4.20"),
        ("6.20", "6.2"),
    ],
)
def test_nonsense_is_refused_with_a_suggestion(nonsense: str, suggestion: str) -> None:
    with pytest.raises(featuredb.UnknownPlatform) as caught:
        featuredb.platform(nonsense)
    assert caught.value.name == nonsense
    assert suggestion in caught.value.suggestions
    assert repr(nonsense) in str(caught.value)


@pytest.mark.parametrize(
    "nonsense", ["", " ", "-", "5", "5.", ".4", "5.x", "bananas", "٤.٤", "5.4\0", "9" * 500, "1." * 300]
)
def test_garbage_is_refused_or_read_but_never_crashes(nonsense: str) -> None:
    try:
        found = featuredb.platform(nonsense)
    except featuredb.UnknownPlatform:
        return
    assert found.has("BPF_MAP_TYPE_HASH").status in ("present", "absent", "unknown")


def test_5_10_is_not_5_1() -> None:
    assert _status("5.10", "BPF_MAP_TYPE_RINGBUF") == "present"
    assert _status("5.1", "BPF_MAP_TYPE_RINGBUF") == "absent"


def test_mainline_says_which_release_brought_it() -> None:
    text = featuredb.platform("4.4").has("BPF_MAP_TYPE_LRU_HASH").text
    assert "4.10" in text
    assert "29ba732acbee" in text


def test_a_backport_is_seen_and_said() -> None:
    assert _status("4.18", "BPF_MAP_TYPE_RINGBUF") == "absent"
    found = featuredb.platform("rhel8.6").has("BPF_MAP_TYPE_RINGBUF")
    assert (found.status, found.source) == ("present", "overlay")
    assert "in 4.18 of RHEL 8.6 by backport" in found.text


def test_what_is_beyond_the_base_is_seen() -> None:
    assert _status("rhel8.6", "BPF_PROG_TYPE_SYSCALL") == "absent"
    assert _status("rhel8.7", "BPF_PROG_TYPE_SYSCALL") == "present"


def test_in_the_header_is_not_supported() -> None:
    # include/uapi/linux/bpf.h of 4.18.0-372.el8 has it, include/linux/bpf_types.h does not register it
    assert _status("rhel8.6", "BPF_MAP_TYPE_TASK_STORAGE") == "absent"
    assert _status("5.13", "BPF_MAP_TYPE_TASK_STORAGE") == "present"


@pytest.mark.parametrize("minor", ["rhel7.7", "rhel7.8", "rhel7.9"])
def test_rhel_7_loads_three_program_types(minor: str) -> None:
    loadable = {
        record.name for record in featuredb.features("program_type") if _status(minor, record.name) == "present"
    }
    assert loadable == {"BPF_PROG_TYPE_KPROBE", "BPF_PROG_TYPE_TRACEPOINT", "BPF_PROG_TYPE_PERF_EVENT"}


def test_rhel_7_does_not_claim_xdp() -> None:
    assert _status("rhel7.9", "BPF_PROG_TYPE_XDP") == "absent"
    assert _status("rhel7.9", "bpf_xdp_adjust_head") == "absent"
    assert _status("rhel7.9", "bpf_map_lookup_elem", "BPF_PROG_TYPE_XDP") == "absent"
    assert _status("rhel7.9", "bpf_map_lookup_elem", "BPF_PROG_TYPE_KPROBE") == "present"


def test_a_tree_nobody_read_is_known_by_its_neighbours() -> None:
    assert _status("rhel8.2", "BPF_MAP_TYPE_HASH") == "present"
    assert _status("rhel8.2", "BPF_MAP_TYPE_RINGBUF") == "absent"
    between = featuredb.platform("rhel8.2").has("BPF_MAP_TYPE_STRUCT_OPS")
    assert between.status == "unknown"
    assert "rhel8.1 (absent) and rhel8.3 (present)" in between.text


def test_after_the_last_tree_read_only_what_was_there_is_sure() -> None:
    assert _status("rhel9.7", "BPF_MAP_TYPE_ARENA") == "present"
    assert _status("rhel9.7", "BPF_MAP_TYPE_INSN_ARRAY") == "unknown"
    assert _status("5.14.0-900.el9.x86_64", "BPF_MAP_TYPE_INSN_ARRAY") == "unknown"


def test_a_build_between_two_minor_releases_is_between_them() -> None:
    found = featuredb.platform("4.18.0-400.el8.x86_64")
    assert found.distribution == "rhel"
    assert found.has("BPF_PROG_TYPE_SYSCALL").status == "unknown"  # in 8.7 and not in 8.6
    assert found.has("BPF_MAP_TYPE_RINGBUF").status == "present"


def test_the_stable_overlay() -> None:
    assert _status("6.1", "BPF_FIB_LOOKUP_SRC") == "absent"
    assert _status("6.1.20", "BPF_FIB_LOOKUP_SRC") == "unknown"  # came somewhere before 6.1.176
    assert _status("6.1.176", "BPF_FIB_LOOKUP_SRC") == "present"
    assert _status("6.1.200", "BPF_FIB_LOOKUP_SRC") == "present"
    assert _status("debian-12", "BPF_FIB_LOOKUP_SRC") == "present"
    assert _status("6.1.0-18-amd64", "BPF_FIB_LOOKUP_SRC") == "unknown"  # an early build: its string hides the sublevel


def test_a_stable_release_opens_and_closes_helpers() -> None:
    def asked(name: str, helper: str, program_type: str) -> str:
        return featuredb.platform(name).has(helper, program_type).status

    seg6local = ("bpf_skb_pull_data", "BPF_PROG_TYPE_LWT_SEG6LOCAL")  # closed in 6.1.189, 6.12.112, 7.2.9 and 7.3
    assert asked("6.1", *seg6local) == asked("6.1.188", *seg6local) == asked("6.6.1", *seg6local) == "present"
    assert asked("6.1.189", *seg6local) == asked("6.12.112", *seg6local) == asked("7.3", *seg6local) == "absent"
    assert asked("6.1.0-56-amd64", *seg6local) == "unknown"  # its string hides the sublevel
    tracepoint = ("bpf_copy_from_user", "BPF_PROG_TYPE_TRACEPOINT")
    assert asked("6.1.188", *tracepoint) == "absent"
    assert asked("6.1.189", *tracepoint) == asked("6.2", *tracepoint) == "present"


def test_a_kfunc_that_changed_its_set() -> None:
    def opened(release: str, kfunc: str, program_type: str) -> str:
        return featuredb.platform(release).has(kfunc, f"BPF_PROG_TYPE_{program_type}").status

    # Moved from TRACING's own set to the one that nearly every type may call in 6.18.
    assert opened("6.17", "bpf_key_put", "TRACING") == opened("6.18", "bpf_key_put", "TRACING") == "present"
    assert (opened("6.17", "bpf_key_put", "XDP"), opened("6.18", "bpf_key_put", "XDP")) == ("absent", "present")
    # Taken away from TRACING in 7.1.
    assert opened("7.0", "scx_bpf_select_cpu_dfl", "TRACING") == "present"
    assert opened("7.1", "scx_bpf_select_cpu_dfl", "TRACING") == "absent"
    assert opened("7.1", "scx_bpf_select_cpu_dfl", "STRUCT_OPS") == "present"


def test_an_unheard_of_vendor_may_have_backported() -> None:
    found = featuredb.platform("5.4.17-acme3")
    assert (found.base, found.distribution, found.confidence) == ("5.4", "", "low")
    assert "may backport" in found.notes
    assert found.has("BPF_MAP_TYPE_HASH").status == "present"
    assert found.has("BPF_MAP_TYPE_RINGBUF").status == "unknown"
    assert _status("5.4.17", "BPF_MAP_TYPE_RINGBUF") == "absent"


@pytest.mark.parametrize("version", ["7.4", "8.0", "7.4.1-acme"])
def test_beyond_the_newest_release_on_record(version: str) -> None:
    found = featuredb.platform(version)
    assert found.base == featuredb.releases()[-1].version
    presence = found.has("BPF_MAP_TYPE_HASH")
    assert presence.status == "present"
    assert "newest on record" in presence.text


@pytest.mark.parametrize("version", ["2.6.32", "3.10", "3.14.79", "3.15", "3.17"])
def test_before_bpf(version: str) -> None:
    found = featuredb.platform(version).has("BPF_MAP_TYPE_HASH")
    assert found.status == "absent"
    assert "3.19" in found.text


def test_a_rolling_distribution_says_that_its_name_does_not_say() -> None:
    found = featuredb.platform("arch")
    assert found.base is None
    assert found.has("BPF_MAP_TYPE_HASH").status == "unknown"


def test_helpers_by_program_type() -> None:
    assert _status("rhel8.6", "bpf_ringbuf_output", "BPF_PROG_TYPE_XDP") == "present"
    assert _status("4.18", "bpf_ringbuf_output", "BPF_PROG_TYPE_XDP") == "absent"
    assert _status("5.10", "bpf_xdp_adjust_head", "BPF_PROG_TYPE_KPROBE") == "absent"
    with pytest.raises(LookupError):
        featuredb.platform("5.10").has("bpf_ringbuf_output", "BPF_PROG_TYPE_NONSENSE")


def test_names_and_aliases_are_unique() -> None:
    seen: dict[str, str] = {}
    for item in featuredb.platforms():
        for name in (item.name, *item.aliases):
            key = name.lower().replace("-", "")
            assert seen.setdefault(key, item.name) == item.name, name
            assert featuredb.platform(name).name == item.name


def test_every_platform_answers_for_every_kind() -> None:
    samples = [next(iter(featuredb.features(kind))) for kind in featuredb.kinds()]
    for item in featuredb.platforms():
        for record in samples:
            found = item.has(record)
            assert found.status in ("present", "absent", "unknown")
            assert found.source in ("overlay", "mainline")
            assert found.text


def test_what_the_overlays_name_is_on_record() -> None:
    for item in featuredb.platforms():
        for name in item.plus | item.minus | item.maybe:
            assert featuredb.kind_of(name), f"{item.name}: {name}"


def test_every_platform_has_a_base_on_record_or_older_and_a_source() -> None:
    oldest = featuredb.version_key(featuredb.releases()[0].version)
    known = {release.version for release in featuredb.releases()}
    for item in featuredb.platforms():
        assert item.source != "unknown", item
        assert item.confidence in ("certain", "high", "medium", "low")
        if item.base is not None:
            assert item.base in known or featuredb.version_key(item.base) < oldest, item


def test_build_options() -> None:
    debian = featuredb.platform("debian-12").kconfig
    assert debian["CONFIG_BPF_SYSCALL"] == "y"
    assert debian["CONFIG_NET_CLS_BPF"] == "m"
    assert debian["CONFIG_BPF_STREAM_PARSER"] in ("y", "n")
    assert "CONFIG_SCHED_CLASS_EXT" not in debian  # 6.12 brought it, so 6.1 not naming it says nothing
    assert featuredb.platform("6.1.0-18-amd64").kconfig == debian
    assert featuredb.platform("6.1").kconfig == {}
    debian.clear()
    assert featuredb.platform("debian-12").kconfig


def test_build_options_are_known_ones_with_known_values() -> None:
    options = {row["name"] for row in tables.rows("kconfig_options")}
    names = {item.name for item in featuredb.platforms()}
    for row in tables.rows("kconfig_defaults"):
        assert row["platform"] in names
        for value in ("y", "m", "n"):
            assert set(row.get(value) or ()) <= options


def test_options_name_releases_on_record() -> None:
    known = {release.version for release in featuredb.releases()}
    rows = tables.rows("kconfig_options")
    assert len(rows) >= 70
    for row in rows:
        assert row["since"] in known, row
        assert row.get("until", row["since"]) in known, row
        assert row.get("absent_in") is None or featuredb.version_key(row["absent_in"]) < featuredb.version_key(
            row["since"]
        )
