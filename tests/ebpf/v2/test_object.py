"""Objects: opened, changed, loaded, run; and nothing of them left."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebpf import elf, v2
from ebpf.btf import Btf, kinds
from ebpf.errors import ArgumentError, ClosedError, EbpfError, ObjectFileError, ObjectLoadError
from tests.clang import compiled

pytestmark = [pytest.mark.root, pytest.mark.requires("map_global_data", "bpf_to_bpf_calls")]

PACKET = bytes(64)


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    """A BPF file system of the test's own."""
    done = subprocess.run(["mount", "-t", "bpf", "none", str(tmp_path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no BPF file system can be mounted here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_before_it_is_loaded() -> None:
    opened = v2.Object.open(compiled("everything"))
    assert not opened.loaded
    assert opened.closed
    assert set(opened.programs) == {"tail", "entry", "jump", "kernel_functions", "pass"}
    assert [name for name, program in opened.programs.items() if not program.autoload] == ["kernel_functions", "pass"]
    with pytest.raises(ClosedError, match="is not loaded: call load"):
        assert opened.maps
    with pytest.raises(ClosedError, match="'entry' is not loaded"):
        assert opened.programs["entry"].fd
    assert "not loaded" in repr(opened)
    opened.close()


@pytest.mark.requires("bpf_loop")
def test_it_runs_and_leaves_nothing() -> None:
    before = descriptors()
    with v2.Object.open(compiled("everything")) as loaded:
        loaded.variables["factor"] = 100
        loaded.variables["initialised"] = 2
        loaded.load()
        assert loaded.programs["tail"].test_run(PACKET).retval == 106, "3 * initialised + zero + factor"
        loaded.variables["zero"] = 10
        assert loaded.programs["tail"].test_run(PACKET).retval == 116
        assert loaded.programs["jump"].test_run(PACKET).retval == 116, "a tail call of what the array was made with"
        assert loaded.variables["hidden_total"] == 9
        assert loaded.variables["array"] == [1, 2, 3]
        pairs = loaded.maps["pairs"]
        assert isinstance(pairs, v2.HashMap)
        pairs[1] = {"number": 0, "count": 5}
        assert pairs[1].count == 5
        assert pairs[1] == (0, 5)
        version = loaded.variables["LINUX_KERNEL_VERSION"]
        assert loaded.variables["CONFIG_BPF"] == 1
        assert loaded.programs["entry"].test_run(PACKET).retval == version + 1 + 2 + 5 + 2 * 2 + 10
        assert not loaded.programs["pass"].loaded
    assert loaded.closed
    assert descriptors() == before
    with pytest.raises(ClosedError, match="'tail' is closed"):
        assert loaded.programs["tail"].fd


def test_constants_are_constant() -> None:
    with v2.Object.open(compiled("everything")) as loaded:
        for program in loaded.programs.values():
            program.autoload = program.name == "tail"
        loaded.load()
        with pytest.raises(ClosedError, match="'factor' is a constant of a loaded object"):
            loaded.variables["factor"] = 1
        assert loaded.variables["factor"] == 5


def test_variables_that_are_not_there_or_do_not_fit() -> None:
    opened = v2.Object.open(compiled("everything"))
    with pytest.raises(ArgumentError, match="no variable 'factr'; did you mean factor"):
        opened.variables["factr"] = 1
    with pytest.raises(ArgumentError, match="variable 'factor': "):
        opened.variables["factor"] = 1 << 40
    with pytest.raises(ArgumentError, match=r"variable .array.: .* give a sequence of 3"):
        opened.variables["array"] = [1]
    assert "factor" in opened.variables
    assert len(opened.variables) == 7
    assert dict(opened.variables.items())["array"] == [1, 2, 3]


def test_maps_as_they_are_wanted() -> None:
    with v2.Object.open(compiled("legacy", "bpf", "-g0")) as loaded:
        loaded.specs["counts"].max_entries = 2
        loaded.load()
        assert loaded.maps["counts"].max_entries == 2
        loaded.programs["count"].test_run(PACKET)
        assert int.from_bytes(loaded.maps["counts"][0], "little") == 1


@pytest.mark.requires("bpf_loop")
def test_maps_of_maps_hold_what_they_were_made_with() -> None:
    with v2.Object.open(compiled("everything")) as loaded:
        loaded.load()
        outer = loaded.maps["outer"]
        assert isinstance(outer, v2.ArrayOfMaps)
        loaded.maps["first"][0] = 77
        assert loaded.maps["first"].id in dict(outer.items()).values() or outer[1] is not None


def test_pins_by_name(bpffs: Path) -> None:
    first = v2.Object.open(compiled("everything"), pin_root=bpffs)
    only(first, "tail")
    first.specs["pairs"].pinning = True
    first.load()
    assert (bpffs / "pairs").exists()
    first.maps["pairs"][7] = (1, 2)
    second = v2.Object.open(compiled("everything"), pin_root=bpffs)
    only(second, "tail")
    second.specs["pairs"].pinning = True
    second.load()
    assert second.maps["pairs"].id == first.maps["pairs"].id
    assert second.maps["pairs"][7] == (1, 2)
    first.close()
    second.close()
    assert (bpffs / "pairs").exists(), "what is pinned stays"
    other = v2.Object.open(compiled("everything"), pin_root=bpffs)
    only(other, "tail")
    other.specs["pairs"].pinning = True
    other.specs["pairs"].max_entries = 3
    with pytest.raises(ObjectLoadError, match="another one: it has max_entries 16 instead of 3"):
        other.load()


def test_all_or_nothing(bpffs: Path) -> None:
    before = descriptors()
    opened = v2.Object.open(compiled("everything"), pin_root=bpffs)
    opened.specs["pairs"].pinning = True
    opened.specs["first"].map_type = 4000
    opened.specs["jumps"].key_size = 3
    with pytest.raises(ObjectLoadError) as caught:
        opened.load()
    refused = {each.name for each in caught.value.obstacles}
    assert {"first", "jumps"} <= refused <= {"first", "jumps", "entry"}  # entry calls bpf_loop(), of 5.17
    assert not opened.loaded
    assert descriptors() == before
    assert not (bpffs / "pairs").exists(), "the pin of the map that could be made is gone"


def test_every_program_that_is_refused_is_named() -> None:
    before = descriptors()
    with v2.Object.open(compiled("refused")) as opened, pytest.raises(ObjectLoadError) as caught:
        opened.load()
    obstacles = {each.name: each for each in caught.value.obstacles}
    assert set(obstacles) == {"unguarded", "endless", "out_of_bounds"}
    assert "no_such_struct" in obstacles["unguarded"].reason
    assert "Guard it" in obstacles["unguarded"].reason
    assert obstacles["out_of_bounds"].line.endswith("return *(int *)(long)ctx->len;")
    assert obstacles["out_of_bounds"].instruction is not None
    assert obstacles["endless"].error is not None
    text = str(caught.value)
    assert "3 obstacles" in text
    for name in obstacles:
        assert f"program {name!r} (socket)" in text
    assert descriptors() == before


def test_externs_that_nobody_has() -> None:
    with v2.Object.open(compiled("externs")) as opened, pytest.raises(ObjectLoadError) as caught:
        opened.load()
    assert {each.name for each in caught.value.obstacles} == {
        "CONFIG_NO_SUCH_OPTION",
        "LINUX_NO_SUCH_FACT",
        "no_such_kernel_function",
        "no_such_kernel_variable",
    }
    with v2.Object.open(compiled("externs"), kconfig={"CONFIG_NO_SUCH_OPTION": 3}) as again:
        only(again, "option")
        with pytest.raises(ObjectLoadError, match="LINUX_NO_SUCH_FACT"):
            again.load()
        again.kconfig["LINUX_NO_SUCH_FACT"] = 4
        again.load()
        assert again.programs["option"].test_run(PACKET).retval == 7


def test_the_other_byte_order_is_read_but_not_loaded() -> None:
    with v2.Object.open(compiled("everything", "bpfeb")) as opened:
        assert opened.variables
        with pytest.raises(ObjectLoadError, match="compiled for big-endian machines"):
            opened.load()


def test_programs_whose_sections_say_nothing() -> None:
    with v2.Object.open(compiled("nameless")) as opened:
        with pytest.raises(ObjectLoadError, match="says no program type"):
            opened.load()
        opened.programs["answer"].program_type = 1
        opened.load()
        assert opened.programs["answer"].test_run(PACKET).retval == 42


def test_loading_twice_and_again() -> None:
    opened = v2.Object.open(compiled("nameless"))
    opened.programs["answer"].program_type = 1
    for _ in range(2):
        opened.load()
        with pytest.raises(ArgumentError, match="loaded already"):
            opened.load()
        opened.close()
        opened.close()


def only(opened: v2.Object, *names: str) -> None:
    """Load no other programs."""
    for name, program in opened.programs.items():
        program.autoload = name in names


def test_hostile_objects_are_refused_before_anything_is_loaded() -> None:
    data = compiled("everything").read_bytes()
    before = descriptors()
    for end in range(0, len(data), 499):
        with contextlib.suppress(ObjectFileError, ObjectLoadError), v2.Object.open(data[:end]) as opened:
            opened.load()
    assert descriptors() == before
    assert elf.read(data).programs


def known_addresses(name: str) -> list[int]:
    with open("/proc/kallsyms", encoding="ascii", errors="replace") as file:
        return [int(line.split()[0], 16) for line in file if line.split()[2] == name]


@pytest.mark.requires("raw_tracepoint_programs", "BPF_PROG_TEST_RUN", "btf_kind_datasec")
def test_addresses_of_kernel_symbols() -> None:
    with v2.Object.open(compiled("symbols")) as loaded:
        loaded.load()
        try:
            loaded.programs["addresses"].test_run(ctx=bytes(8))
        except EbpfError as error:
            pytest.skip(f"programs of raw tracepoints cannot be run on test data here: {error}")
        assert loaded.variables["address"] & 0xFFFFFFFFFFFFFFFF == known_addresses("vfs_read")[0]
        assert loaded.variables["nothing"] == 0


@pytest.mark.requires("percpu_kernel_symbols", "bpf_per_cpu_ptr")
def test_variables_of_the_kernel() -> None:
    if not known_addresses("runqueues"):
        pytest.skip("this kernel shows no variables in /proc/kallsyms (CONFIG_KALLSYMS_ALL)")
    if Btf.open("/sys/kernel/btf/vmlinux").find("runqueues", kinds.VAR) is None:
        pytest.skip("this kernel's BTF does not have its per-CPU variables")
    with v2.Object.open(compiled("symbols")) as loaded:
        only(loaded, "variables")
        loaded.load()
        loaded.programs["variables"].test_run(ctx=bytes(8))
        assert loaded.variables["per_cpu"] == 1


@pytest.mark.requires("bpf_rcu_read_lock")
def test_functions_of_the_kernel() -> None:
    with v2.Object.open(compiled("symbols")) as loaded:
        only(loaded, "functions")
        loaded.load()
        assert loaded.programs["functions"].test_run(PACKET).retval == 2
