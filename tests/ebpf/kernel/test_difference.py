from __future__ import annotations

from ebpf import kernel
from ebpf.kernel.difference import difference


def test_what_came_between_two_releases() -> None:
    changes = difference(kernel.release("5.7"), kernel.release("5.8"))
    gained = {(change.name, change.program_type) for change in changes if change.added}
    assert ("BPF_MAP_TYPE_RINGBUF", None) in gained
    assert ("bpf_ringbuf_output", None) in gained
    assert ("BPF_MAP_TYPE_HASH", None) not in gained


def test_a_kernel_does_not_differ_from_itself() -> None:
    assert difference(kernel.release("6.1"), kernel.release("6.1")) == []


def test_backwards_is_the_opposite() -> None:
    forth = difference(kernel.release("5.7"), kernel.release("5.8"), ["map_type"])
    back = difference(kernel.release("5.8"), kernel.release("5.7"), ["map_type"])
    assert [(change.name, change.before, change.after) for change in forth] == [
        (change.name, change.after, change.before) for change in back
    ]


def test_a_helper_that_more_program_types_may_call() -> None:
    changes = difference(kernel.release("5.10"), kernel.release("5.11"), ["helper"])
    assert any(change.program_type is not None and change.added for change in changes)
