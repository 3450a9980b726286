"""A recording reads back as it was written, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf import kernel
from ebpf.errors import ProfileError
from ebpf.kernel.recording import _problem
from ebpf.verdict import ABSENT, SUPPORTED


def write(path: Path, profile: object) -> Path:
    path.write_text(profile if isinstance(profile, str) else json.dumps(profile))
    return path


def small(**changes: object) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "version": "1",
        "kernel": {
            "release": "5.4.0-99-generic",
            "version": "5.4.162",
            "distribution": "ubuntu",
            "architecture": "x86_64",
        },
        "features": {
            "BPF_MAP_TYPE_HASH": {
                "kind": "map_type",
                "status": "supported",
                "reasons": [{"source": "trial", "text": "BPF_MAP_CREATE succeeded"}],
            }
        },
        "helpers": {"BPF_PROG_TYPE_XDP": {"bpf_fib_lookup": "supported"}},
    }
    profile.update(changes)
    return profile


@pytest.mark.parametrize("name", ["5.10", "rhel8.6"])
def test_a_profile_reads_back_as_the_kernel_it_was_taken_of(tmp_path: Path, name: str) -> None:
    original = kernel.release(name)
    copy = kernel.recorded(write(tmp_path / "host.json", original.profile()))
    assert copy.release == original.release
    assert copy.profile() == original.profile()


@pytest.mark.root
def test_the_running_kernel_reads_back(tmp_path: Path) -> None:
    original = kernel.running().report()
    copy = kernel.recorded(write(tmp_path / "host.json", original.profile()))
    for name, verdict in original.features.items():
        assert copy.check(name).status == verdict.status, name
    for program_type, row in original.helpers.items():
        for helper, status in row.items():
            assert copy.check(helper, program_type).status == status


def test_what_the_recording_does_not_hold_comes_from_the_database_and_says_so(tmp_path: Path) -> None:
    copy = kernel.recorded(write(tmp_path / "old.json", small()))
    assert copy.check("BPF_MAP_TYPE_HASH").status == SUPPORTED
    verdict = copy.check("BPF_MAP_TYPE_RINGBUF")
    assert verdict.status == ABSENT
    assert verdict.reasons[0].source == "profile"
    assert "does not say" in verdict.reasons[0].text


BAD = {
    "not JSON": "{",
    "a list instead of an object": [],
    "format version '2'": small(version="2"),
    "format version None": {},
    "does not say which release": small(kernel={}),
    '"version" is not a string': small(kernel={"release": "5.4", "version": 5.4}),
    '"features" is missing': small(features=None),
    "status 'yes' is none of": small(features={"x": {"kind": "map_type", "status": "yes", "reasons": []}}),
    '"reasons" is missing': small(features={"x": {"kind": "map_type", "status": "absent"}}),
    'a reason is not an object with "source"': small(features={"x": {"status": "absent", "reasons": ["no"]}}),
    '"helpers" is not an object of objects': small(helpers={"BPF_PROG_TYPE_XDP": []}),
    "bpf_fib_lookup: status 1 is none of": small(helpers={"BPF_PROG_TYPE_XDP": {"bpf_fib_lookup": 1}}),
}


@pytest.mark.parametrize("said", BAD)
def test_garbage_is_refused_by_file_and_fault(tmp_path: Path, said: str) -> None:
    path = write(tmp_path / "bad.json", BAD[said])
    with pytest.raises(ProfileError) as caught:
        kernel.recorded(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    for data in (b"", b"\x7fELF\x02\x01", b"\xff\xfe\x00", b"[" * 100_000):
        path.write_bytes(data)
        with pytest.raises(ProfileError):
            kernel.recorded(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries({"version": st.just("1")}, optional=dict.fromkeys(("kernel", "features", "helpers"), JSON))
)
def test_no_shape_of_json_gets_past_the_check_or_breaks_it(profile: object) -> None:
    assert isinstance(_problem(profile), str)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        kernel.recorded("/nonexistent/host.json")
