"""Count the packets that a network interface receives, by IP protocol: XDP, and one counter for each processor."""

from __future__ import annotations

import argparse
import socket
import time
from typing import Any

from ebpf import v2
from examples.tools.common import at_the_end, object_file

NAMES = {
    number: name[len("IPPROTO_") :].lower()
    for name, number in vars(socket).items()
    if name.startswith("IPPROTO_") and isinstance(number, int)
}


def totals(counts: Any) -> dict[int, tuple[int, int]]:
    """Packets and bytes by protocol, over all processors."""
    found = {}
    for protocol, each in enumerate(counts):
        packets = sum(count.packets for count in each)
        if packets:
            found[protocol] = (packets, sum(count.bytes for count in each))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("interface")
    parser.add_argument("--mode", choices=("generic", "native"), default="", help="by the kernel, or by the driver")
    parser.add_argument("--seconds", type=float, default=0, help="end after so long (never)")
    arguments = parser.parse_args()
    with v2.Object.open(object_file("xdp_count")) as counter:
        counter.load()
        with counter.programs["count_packets"].attach(interface=arguments.interface, mode=arguments.mode) as link:
            for adaptation in link.adaptations:
                print(f"note: {adaptation}")
            print(f"counting on {arguments.interface}", flush=True)
            end = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
            while time.monotonic() < end:
                time.sleep(min(1.0, max(0.0, end - time.monotonic())))
                for protocol, (packets, size) in totals(counter.maps["counts"]).items():
                    print(f"{NAMES.get(protocol, protocol):>10} {packets:>12} packets {size:>15} bytes", flush=True)


if __name__ == "__main__":
    at_the_end(main)
