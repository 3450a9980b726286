"""Sample what the processors run, and print the stacks, folded: input for a flame graph."""

from __future__ import annotations

import argparse
import bisect
import contextlib
import os
import time
from typing import Any

from ebpf import v2
from examples.tools.common import at_the_end, object_file


class KernelSymbols:
    """Functions of the kernel by address, from /proc/kallsyms, which is read when it is first needed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.addresses: list[int] = []

    def name(self, address: int) -> str:
        if not self.lines:
            with open("/proc/kallsyms", encoding="ascii", errors="replace") as file:
                # All lines begin with as many digits, so that they sort by address.
                self.lines = sorted(line for line in file if line[17] in "tTwW")
            self.addresses = [int(line[:16], 16) for line in self.lines]
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.lines[index].split()[2] if index >= 0 and self.addresses[index] else f"{address:#x}"


def frames(stacks: Any, number: int) -> list[int]:
    """The addresses of a stack, the innermost first; none where the kernel could not walk it."""
    return list(stacks.get(number, ())) if number >= 0 else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--frequency", type=int, default=49, help="samples a second on each processor (49)")
    arguments = parser.parse_args()
    with v2.Object.open(object_file("profile_stacks")) as profiler, contextlib.ExitStack() as links:
        profiler.load()
        program = profiler.programs["on_tick"]
        for cpu in sorted(os.sched_getaffinity(0)):
            links.enter_context(v2.attach.perf_event(program, frequency=arguments.frequency, cpu=cpu))
        time.sleep(arguments.seconds)
        links.close()
        kernel = KernelSymbols()
        stacks = profiler.maps["stacks"]
        for sample, count in profiler.maps["samples"].items():
            user = [f"{address:#x}" for address in frames(stacks, sample.user)]
            inside = [f"{kernel.name(address)}_[k]" for address in frames(stacks, sample.kernel)]
            print(";".join([f"{sample.comm}-{sample.pid}", *reversed(user), *reversed(inside)]), count)


if __name__ == "__main__":
    at_the_end(main)
