"""Create a map, write an entry, read it back: three bpf(2) calls.

Run it as root, and watch the calls with ``strace -e trace=bpf python examples/ex1.py``.
"""

from ebpf import v1 as ebpf


def main() -> None:
    print("Creating eBPF map (type 'hashmap') to hold 512 entries.", flush=True)
    hm = ebpf.map.HashMap(512)

    print("Setting key 1 to value 101.", flush=True)
    hm.set(1, 101, ebpf.map.WriteOption.CREATE_ENTRY)
    print("Getting value for key 1.", flush=True)
    value = hm.get(1)

    print("Asserting value retrieved equals 101.", flush=True)
    assert value == 101


if __name__ == "__main__":
    main()
