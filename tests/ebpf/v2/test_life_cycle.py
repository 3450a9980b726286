"""Opened, closed, forked, shared by threads, and nothing left."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ebpf import errors, uapi, v2
from ebpf.core.map import MapCore
from tests.ebpf.host.trees import in_child

pytestmark = pytest.mark.root


def make() -> v2.HashMap:
    return v2.HashMap(key="u32", value="u64", max_entries=1000)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


USES: dict[str, Callable[[Any], Any]] = {
    "m[k]": lambda m: m[1],
    "m[k] = v": lambda m: m.__setitem__(1, 2),
    "del m[k]": lambda m: m.__delitem__(1),
    "k in m": lambda m: 1 in m,
    "get": lambda m: m.get(1),
    "set": lambda m: m.set(1, 2, uapi.BPF_NOEXIST),
    "pop": lambda m: m.pop(1),
    "items": lambda m: dict(m.items()),
    "len": len,
    "iter": list,
    "update": lambda m: m.update({1: 2}),
    "clear": lambda m: m.clear(),
    "batch": lambda m: m.batch.arrays(),
    "walk": lambda m: list(m.core.walk()),
    "info": lambda m: m.info,
    "id": lambda m: m.id,
    "pin": lambda m: m.pin("/sys/fs/bpf/x"),
    "freeze": lambda m: m.freeze(),
    "fileno": lambda m: m.fileno(),
    "delete": lambda m: m.batch.delete([1]),
}


@pytest.mark.parametrize("use", USES)
def test_a_closed_map_says_so(use: str) -> None:
    m = make()
    m[1] = 1
    m.close()
    m.close()
    assert m.closed
    with pytest.raises(errors.ClosedError, match="the map is closed"):
        USES[use](m)


def test_a_closed_array_says_so() -> None:
    array = v2.ArrayMap(value="u32", max_entries=4)
    array.close()
    for use in (lambda: array[0], lambda: array[:], lambda: array.__setitem__(0, 1), lambda: list(array)):
        with pytest.raises(errors.ClosedError):
            use()


@pytest.mark.parametrize("use", [pickle.dumps, copy.copy, copy.deepcopy])
def test_pickling_and_copying_are_refused_with_the_reason(use: Callable[[Any], Any]) -> None:
    with make() as m, pytest.raises(errors.UnpicklableError, match="a HashMap cannot be pickled or copied: it owns"):
        use(m)


def test_descriptors_are_not_inherited() -> None:
    with make() as m:
        assert not os.get_inheritable(m.fileno())
        code = f"import os\ntry: os.fstat({m.fileno()})\nexcept OSError: print('not open')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, close_fds=False)
        assert done.stdout == "not open\n"


def test_after_fork_both_use_it_and_close_their_own() -> None:
    with make() as m:
        m[1] = 10

        def child() -> Any:
            m[2] = m[1] + 1
            m.close()
            return m.closed

        assert in_child(child) is True
        assert m[2] == 11


def test_exceptions_leave_nothing_open(tmp_path: Path) -> None:
    before = open_files()
    failing: list[Callable[[], Any]] = [
        lambda: v2.HashMap(key="u32", value="u64", max_entries=0),
        lambda: v2.HashMap(key="nonsense", value="u64", max_entries=1),
        lambda: v2.HashMap(key="u32", value="u64", max_entries=1, name="not a name"),
        lambda: v2.HashMap(key="u32", value="u64", max_entries=1, flags=1 << 31),
        lambda: v2.HashMap(key="u32", value="u64", max_entries=1, pin=tmp_path / "x"),
        lambda: v2.SkStorage(value=2**20),
        lambda: v2.ArrayOfMaps(inner=5, max_entries=1),  # type: ignore[arg-type]
        lambda: v2.StructOps("nonsense"),
        lambda: MapCore.from_fd(os.open(os.devnull, os.O_RDONLY)),
    ]
    for each in failing:
        with pytest.raises(errors.EbpfError):
            each()
    gc.collect()
    assert open_files() == before


def test_an_exception_while_it_is_taken_over_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from ebpf.v2.map import Map

    before = open_files()
    with monkeypatch.context() as patch:
        patch.setattr(Map, "_attach", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make()
    gc.collect()
    assert open_files() == before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_thousand_cycles_leave_nothing() -> None:
    """Every 500 maps a pause, so that the kernel's deferred frees keep up."""
    import resource
    import time

    def cycle(count: int) -> None:
        for number in range(count):
            with make() as m:
                m[number] = number
            if number % 500 == 0:
                time.sleep(0.05)

    cycle(1000)
    gc.collect()
    files, objects, memory = open_files(), len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cycle(10_000)
    gc.collect()
    assert open_files() == files
    assert len(gc.get_objects()) - objects < 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 4096  # KiB


def test_threads_share_one_map() -> None:
    with make() as m, v2.ArrayMap(value="u64", max_entries=8) as array:
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for step in range(300):
                    key = number * 1000 + step
                    m[key % 1000] = key
                    assert m.get(key % 1000) is not None
                    array[number] = step
                    assert array[number] == step
                    assert list(m.items())
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert array[:] == [299] * 8
