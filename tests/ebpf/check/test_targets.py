"""Kernels by recordings, types and configurations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf import check, kernel
from ebpf.check import targets
from ebpf.check.answers import Requirements
from ebpf.errors import ProfileError
from tests.clang import compiled

VMLINUX = Path("/sys/kernel/btf/vmlinux")


@pytest.fixture(scope="module")
def guards() -> Requirements:
    return check.requirements(compiled("guards", "bpf", "-mcpu=v3"))


def record(path: Path, name: str, release: str = "") -> None:
    profile = kernel.release(name).profile()
    profile["kernel"]["release"] = release or name
    path.write_text(json.dumps(profile))


def test_a_fleet_is_its_distinct_kernels(guards: Requirements, tmp_path: Path) -> None:
    for number, name in enumerate(("5.4", "5.10", "5.4", "5.10", "5.10")):
        record(tmp_path / f"host{number}.json", name, f"{name}.0-generic")
    found = targets.recorded([str(tmp_path)])
    assert [(target.name, len(target.hosts)) for target in found] == [("5.4.0-generic", 2), ("5.10.0-generic", 3)]
    assert [guards.check(target).status for target in found] == ["no", "yes"]


def test_a_directory_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"no \.json file"):
        targets.recorded([str(tmp_path)])


def test_a_configuration_leaves_features_out(guards: Requirements, tmp_path: Path) -> None:
    config = tmp_path / "config"
    text = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.90 Kernel Configuration\n#\n"
    config.write_text(text + "CONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\n# CONFIG_DEBUG_INFO_BTF is not set\n")
    target = targets.with_config(str(config))
    assert target.name == "6.1.90"
    missing = {finding.requirement.name: finding for finding in guards.against(target)}
    assert missing["vmlinux_btf"].status == "compiled_out"
    assert "CONFIG_DEBUG_INFO_BTF" in missing["vmlinux_btf"].reason


def test_a_configuration_that_does_not_say_of_what(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("CONFIG_BPF=y\n")
    with pytest.raises(ProfileError, match="--kernel"):
        targets.with_config(str(config))
    assert targets.with_config(str(config), targets.named("5.4")).name == "5.4"


@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")
def test_types_tell_the_release_and_resolve_relocations(guards: Requirements) -> None:
    (target,) = targets.from_btf(str(VMLINUX))
    running = kernel.running().version
    assert target.kernel.version is not None
    assert running is not None
    assert target.feature("BPF_MAP_TYPE_RINGBUF") == "supported"
    assert guards.check(target).loads
    # Of the two names of a task's state a kernel has one.
    fields = {each.name: each for each in guards.requirements if each.kind == "core"}
    found = [target.status(fields[f"struct task_struct.{name}"]) for name in ("state", "__state")]
    assert sorted(found) == ["absent", "supported"]
    absent = next(each for each in fields.values() if target.status(each) == "absent")
    assert "task_struct" in target.reason(absent)


@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")
def test_what_the_types_lack_is_a_finding() -> None:
    (target,) = targets.from_btf(str(VMLINUX))
    found = check.requirements(compiled("core", "bpf"))
    assert found.requirements
    answer = found.check(target)
    for finding in answer.findings:
        assert finding.reason


@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")
def test_a_directory_of_a_kernel_and_its_modules(guards: Requirements) -> None:
    (target,) = targets.from_btf(str(VMLINUX.parent))
    assert len(target.types) == sum(1 for _ in VMLINUX.parent.iterdir())
    assert guards.check(target).loads


@pytest.mark.skipif(not VMLINUX.exists(), reason="this kernel has no BTF")
def test_types_in_a_file_do_for_relocations_not_for_targets(guards: Requirements) -> None:
    old = targets.named("5.1")
    (typed,) = targets.from_btf(str(VMLINUX), old)
    names = [{finding.requirement.name for finding in guards.against(target)} for target in (old, typed)]
    assert ["vmlinux_btf" in found for found in names] == [True, False]


def test_an_objects_types_are_no_kernels(tmp_path: Path) -> None:
    with pytest.raises(ProfileError):
        targets.from_btf(str(compiled("guards", "bpf", "-mcpu=v3")))
    with pytest.raises(ProfileError, match="empty directory"):
        targets.from_btf(str(tmp_path))


@pytest.mark.root
def test_the_running_kernel(guards: Requirements) -> None:
    answer = guards.check("host")
    assert answer.status in ("yes", "adapted", "no")
    for finding in answer.missing:
        assert finding.status in ("denied", "absent", "compiled_out")
        assert finding.reason


def test_the_common_kernels_are_known_and_current() -> None:
    names = [target.name for target in targets.common()]
    assert {"5.4", "6.12", "rhel8.6", "debian-13"} <= set(names)
    assert not any("-hwe-" in name for name in names)
    assert len(targets.everything()) > 200
