"""Print every program that is started on this machine: a ring buffer, read with asyncio."""

from __future__ import annotations

import argparse
import asyncio
import struct

from ebpf import v2
from examples.tools.common import at_the_end, object_file, text

EVENT = struct.Struct("=III16s128s")  # struct event of bpf/exec_snoop.bpf.c


async def snoop(count: int) -> None:
    with v2.Object.open(object_file("exec_snoop")) as snooper:
        snooper.load()
        snooper.attach()
        print(f"{'PID':>8} {'PARENT':>8} {'UID':>6}  COMMAND", flush=True)
        async for event in snooper.maps["events"]:
            pid, parent, uid, comm, filename = EVENT.unpack(event)
            print(f"{pid:>8} {parent:>8} {uid:>6}  {text(comm)} ({text(filename)})", flush=True)
            count -= 1
            if not count:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=0, help="end after so many programs (never)")
    arguments = parser.parse_args()
    asyncio.run(snoop(arguments.count))


if __name__ == "__main__":
    at_the_end(main)
