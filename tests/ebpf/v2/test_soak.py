"""Several threads on one map lose nothing. EBPF_SOAK_SECONDS says for how long; docs/maps.md has it at a minute."""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Any

import pytest

from ebpf import errors, v2

pytestmark = [pytest.mark.root, pytest.mark.slow]

SECONDS = float(os.environ.get("EBPF_SOAK_SECONDS", "5"))
THREADS = 6
OWN = 200  # keys that only one thread writes


def test_several_threads_on_one_map_lose_nothing() -> None:
    """Each thread has keys of its own, whose values it knows; all fight for the rest, and all walk over everything."""
    end = time.monotonic() + SECONDS
    failures: list[BaseException] = []
    steps = [0] * THREADS
    taken: list[int] = []
    put = [0] * THREADS
    with v2.HashMap(key="u32", value="u64", max_entries=THREADS * OWN + 5000) as m:

        def work(number: int) -> None:
            choose = random.Random(number)
            mine: dict[int, int] = {}
            base = number * OWN
            while time.monotonic() < end and not failures:
                key, value = base + choose.randrange(OWN), choose.getrandbits(64)
                action = choose.random()
                if action < 0.4:
                    m[key] = mine[key] = value
                elif action < 0.6:
                    assert m.get(key) == mine.get(key)
                elif action < 0.75:
                    assert m.pop(key, None) == mine.pop(key, None)
                elif action < 0.8:
                    some = {base + choose.randrange(OWN): value for _ in range(20)}
                    m.update(some)
                    mine.update(some)
                elif action < 0.99:
                    shared_step(number, choose)
                else:
                    everything = dict(m.items())
                    assert {k: v for k, v in everything.items() if base <= k < base + OWN} == mine
                steps[number] += 1
            assert {k: m[k] for k in mine} == mine

        def shared_step(number: int, choose: random.Random) -> None:
            """Tokens: each is put in once and must be taken out once, by whomever."""
            if choose.random() < 0.5:
                token = THREADS * OWN + number + put[number] * THREADS
                try:
                    m.set(token, token, 1)  # BPF_NOEXIST
                except errors.MapFullError:
                    return
                put[number] += 1
                return
            for key in m:
                if key >= THREADS * OWN:
                    found: Any = m.pop(key, None)
                    if found is not None:
                        taken.append(found)
                    return

        def guarded(number: int) -> None:
            try:
                work(number)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        left = [key for key in m if key >= THREADS * OWN]
    tokens = sorted(taken + left)
    assert tokens == sorted(
        THREADS * OWN + number + count * THREADS for number in range(THREADS) for count in range(put[number])
    )
    assert min(steps) > 10
