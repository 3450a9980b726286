"""What objects ask for, on ones that clang has made."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from ebpf import check
from ebpf.check import Requirement, Requirements
from ebpf.check.model import ADAPTS, ATTACH, NEEDS, OPTIONAL
from ebpf.errors import ObjectFileError
from tests.clang import compiled


@pytest.fixture(scope="module")
def guards() -> Requirements:
    return check.requirements(compiled("guards", "bpf", "-mcpu=v3"))


@pytest.fixture(scope="module")
def needs() -> Requirements:
    return check.requirements(compiled("needs", "bpf", "-mcpu=v3"))


def named(found: Requirements, name: str, program_type: str | None = None) -> Requirement:
    (one,) = [each for each in found.requirements if (each.name, each.program_type) == (name, program_type)]
    return one


@pytest.mark.parametrize(
    ("name", "program_type", "guard"),
    [
        (
            "bpf_get_func_ip",
            "BPF_PROG_TYPE_KPROBE",
            "bpf_core_enum_value_exists(enum bpf_func_id: BPF_FUNC_get_func_ip)",
        ),
        ("bpf_get_stackid", "BPF_PROG_TYPE_KPROBE", "a variable in read-only data"),
        ("bpf_ringbuf_output", "BPF_PROG_TYPE_KPROBE", "LINUX_KERNEL_VERSION"),
        ("bpf_ktime_get_coarse_ns", "BPF_PROG_TYPE_KPROBE", "CONFIG_BPF_LSM"),
        ("bpf_rcu_read_lock", "BPF_PROG_TYPE_TRACING", "bpf_ksym_exists(bpf_rcu_read_lock)"),
    ],
)
def test_what_the_code_asks_for_first_is_optional(
    guards: Requirements, name: str, program_type: str, guard: str
) -> None:
    found = named(guards, name, program_type)
    assert found.grade == OPTIONAL
    assert guard in found.guards
    assert found.places[0].line is not None


def test_what_both_branches_use_is_needed(guards: Requirements) -> None:
    for name in ("bpf_probe_read_kernel", "bpf_get_smp_processor_id"):
        assert named(guards, name, "BPF_PROG_TYPE_KPROBE").grade in (NEEDS, ADAPTS)


def test_a_guard_that_a_kernel_answers_decides(guards: Requirements) -> None:
    def grade(kernel: str, name: str) -> str | None:
        found = [each for each in guards.check(kernel).findings if each.requirement.name == name]
        return found[0].grade if found else None

    # 5.10 has no bpf_get_func_ip, and its enum says so; 5.7 follows its release to where no ring buffer is, while 5.4
    # does not know what is in read-only data.
    assert grade("5.10", "bpf_get_func_ip") == OPTIONAL
    assert grade("5.7", "bpf_ringbuf_output") == OPTIONAL
    assert grade("5.4", "bpf_ringbuf_output") == NEEDS
    assert grade("5.10", "bpf_rcu_read_lock") == OPTIONAL
    assert grade("6.12", "bpf_get_func_ip") is None


def test_the_map_itself_is_needed_whatever_the_code_asks(guards: Requirements) -> None:
    assert guards.minimum_kernel == "5.8"
    assert [each.requirement.name for each in guards.forced_by] == ["BPF_MAP_TYPE_RINGBUF"]
    assert not guards.against("5.10")
    assert "events" in [str(each.requirement.places[0]) for each in guards.against("5.4")]


@pytest.mark.parametrize(
    ("name", "program_type", "grade"),
    [
        ("BPF_PROG_TYPE_SCHED_CLS", None, NEEDS),
        ("BPF_F_XDP_HAS_FRAGS", None, NEEDS),
        ("BPF_F_NO_PREALLOC", None, NEEDS),
        ("BPF_F_RDONLY_PROG", None, NEEDS),
        ("BPF_MAP_TYPE_LPM_TRIE", None, NEEDS),
        ("bpf_skb_ecn_set_ce", "BPF_PROG_TYPE_SCHED_CLS", NEEDS),
        ("bpf_get_prandom_u32", "BPF_PROG_TYPE_SCHED_CLS", NEEDS),
        ("tail_calls_with_bpf_to_bpf_calls", None, NEEDS),
        ("bpf_to_bpf_calls", None, NEEDS),
        ("bounded_loops", None, NEEDS),
        ("atomic_cmpxchg", None, NEEDS),
        ("jmp32", None, NEEDS),
        ("map_global_data", None, NEEDS),
        ("timers", None, NEEDS),
        ("spin_locks", None, NEEDS),
        ("__sk_buff.tstamp", None, NEEDS),
        ("xdp_md.rx_queue_index", None, NEEDS),
        ("direct_packet_access", None, NEEDS),
        ("map_names", None, ADAPTS),
        ("BPF_PROG_TYPE_LSM", None, OPTIONAL),
        ("sleepable_programs", None, OPTIONAL),
        ("bpf_for_each_map_elem", "BPF_PROG_TYPE_LSM", OPTIONAL),
    ],
)
def test_each_thing_is_found_and_graded(needs: Requirements, name: str, program_type: str | None, grade: str) -> None:
    assert named(needs, name, program_type).grade == grade


def test_helpers_are_found_through_functions(needs: Requirements) -> None:
    (place,) = named(needs, "bpf_get_prandom_u32", "BPF_PROG_TYPE_SCHED_CLS").places
    assert (place.program, place.function, place.section) == ("calls", "global_sum", ".text")
    assert place.file.endswith("needs.bpf.c")


def test_attaching_is_told_from_loading(needs: Requirements) -> None:
    assert named(needs, "BPF_TRACE_KPROBE_MULTI").stage == ATTACH
    assert named(needs, "BPF_F_XDP_HAS_FRAGS").stage == "load"


def test_kernel_memory_read_at_fixed_offsets_is_a_warning(needs: Requirements) -> None:
    (warning,) = [note for note in needs.notes if note.rule == "portability"]
    assert warning.level == "warning"
    assert warning.places[0].program == "old_read"
    (superseded,) = [note for note in needs.notes if note.rule == "superseded"]
    assert "bpf_probe_read_kernel" in superseded.text


def test_a_helper_for_the_gpl_under_another_licence_runs_nowhere() -> None:
    found = check.requirements(compiled("needs", "bpf", "-mcpu=v3", '-DLICENCE="MIT"'))
    assert found.license == "MIT"
    assert found.minimum_kernel is None
    assert any(note.rule == "license" and note.level == "error" for note in found.notes)
    assert found.check("7.3").status == "no"


def test_names_kernels_and_recordings_are_all_kernels(needs: Requirements) -> None:
    from ebpf import kernel
    from ebpf.check import Target

    five = kernel.release("5.4")
    answers = [needs.check(each).status for each in ("5.4", five, Target(five))]
    assert answers == ["no"] * 3


def test_damaged_objects_are_refused_or_read(needs: Requirements) -> None:
    import random

    data, chance = Path(needs.path).read_bytes(), random.Random(6)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(ObjectFileError):
            check.requirements(damaged[: chance.choice((len(data), chance.randrange(len(data))))]).check("5.4")


def test_everything_is_json(needs: Requirements) -> None:
    data = json.loads(json.dumps(needs.as_dict()))
    assert data["minimum_kernel"] == needs.minimum_kernel
    assert {program["name"] for program in data["programs"]} == {
        "calls",
        "packet",
        "optional_lsm",
        "old_read",
        "many",
    }
    assert all(set(each) >= {"name", "grade", "stage", "places", "because"} for each in data["requirements"])
    assert json.loads(json.dumps(needs.check("5.4").as_dict()))["status"] == "no"
