"""How long connecting by TCP takes on this machine, as a histogram: a variable of the program, read while it runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from ebpf import v2
from examples.tools.common import at_the_end, object_file

WIDTH = 40


def show(histogram: Sequence[int]) -> None:
    """Print the slots from the first to the last that are not empty."""
    used = [slot for slot, count in enumerate(histogram) if count]
    if not used:
        print("no connections", flush=True)
        return
    most = max(histogram)
    print(f"{'microseconds':>25} : count")
    for slot in range(used[0], used[-1] + 1):
        low, high = (1 << slot if slot else 0), (1 << slot + 1) - 1
        stars = "*" * round(WIDTH * histogram[slot] / most)
        print(f"{low:>11} -> {high:<11} : {histogram[slot]:<8} |{stars:<{WIDTH}}|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0, help="measure for so long (until Ctrl-C)")
    arguments = parser.parse_args()
    with v2.Object.open(object_file("tcp_latency")) as measure:
        measure.load()
        measure.attach()
        print("measuring", flush=True)
        try:
            time.sleep(arguments.seconds or 10**9)
        except KeyboardInterrupt:
            print()
        show(measure.variables["histogram"])


if __name__ == "__main__":
    at_the_end(main)
