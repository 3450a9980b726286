"""The ancestor's example: what it prints, and the calls it makes, as the real strace sees them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EX1 = Path(__file__).parents[2] / "examples" / "ex1.py"

OUTPUT = """\
Creating eBPF map (type 'hashmap') to hold 512 entries.
Setting key 1 to value 101.
Getting value for key 1.
Asserting value retrieved equals 101.
"""


@pytest.mark.root
def test_prints_what_the_ancestor_prints() -> None:
    done = subprocess.run([sys.executable, str(EX1)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, OUTPUT, "")


@pytest.mark.root
def test_makes_exactly_three_calls(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    command = [strace, "-f", "-e", "trace=bpf", "-o", str(trace), sys.executable, str(EX1)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == OUTPUT, done.stderr
    calls = re.findall(r"bpf\((.*)\) = (-?\d+)", trace.read_text())
    assert len(calls) == 3, calls
    (create, fd), (update, updated), (lookup, looked_up) = calls
    assert create == "BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=4, max_entries=512}, 20" or (
        create.startswith("BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=4, max_entries=512")
        and create.endswith("}, 20")
    )
    assert re.fullmatch(rf"BPF_MAP_UPDATE_ELEM, {{map_fd={fd}, key=0x\w+, value=0x\w+, flags=BPF_NOEXIST}}, 32", update)
    assert re.fullmatch(rf"BPF_MAP_LOOKUP_ELEM, {{map_fd={fd}, key=0x\w+, value=0x\w+(, flags=BPF_ANY)?}}, 32", lookup)
    assert (updated, looked_up) == ("0", "0")
