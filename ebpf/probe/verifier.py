"""Trials of the verifier's abilities: the smallest program or map that needs one, beside the same without it."""

from __future__ import annotations

import errno
import struct

from ebpf import syscall, uapi
from ebpf.probe import btf, calls, code, context, flags, instructions, maps
from ebpf.probe.code import R0, R1, R2, R3, R4, R5, R6, R10, B, W
from ebpf.probe.judge import judge
from ebpf.probe.outcome import Outcome
from ebpf.probe.refusals import try_program
from ebpf.verdict import ABSENT, DENIED, SUPPORTED, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Trial = Callable[[str], Outcome | None]

__all__ = ["TABLE", "trial"]

_SOCKET_FILTER, _SCHED_CLS = uapi.BPF_PROG_TYPE_SOCKET_FILTER, uapi.BPF_PROG_TYPE_SCHED_CLS
_EINVAL, _EACCES, _E2BIG = errno.EINVAL, errno.EACCES, errno.E2BIG
_END = code.mov(R0, 0) + code.exit_()
_TAIL_CALL = 12


def _program(
    insns: bytes,
    without: bytes = calls.RETURN_0,
    *wordings: str,
    program_type: int = _SOCKET_FILTER,
    known: tuple[str, ...] = (),
    silent: tuple[int, ...] = (),
) -> Trial:
    """A program, the same without the ability, and how a verifier without it words its refusal."""

    def try_it(name: str) -> Outcome:
        def control() -> int:
            return calls.load_program(program_type, without)

        return try_program(name, lambda: _load(insns, program_type), control, wordings, known=known, silent=silent)

    return try_it


def _helper(number: int) -> Trial:
    """A bare call of a helper that came with the ability: refused for its arguments, or for its number."""
    return _program(
        code.mov_reg(R5, R10) + code.mov_reg(R1, R5) + code.call(number) + _END,
        calls.RETURN_0,
        "invalid func",
        "unknown func",
        known=("R1 type=", "R2 !read_ok", "R3 !read_ok", "R1 "),
    )


def _with_tail_call(load: Callable[[int], tuple[int, str]], *wordings: str) -> Trial:
    """A program over a PROG_ARRAY; without it there is nothing to try."""

    def try_it(name: str) -> Outcome:
        map_fd = maps.TABLE["BPF_MAP_TYPE_PROG_ARRAY"].create()
        if map_fd < 0:
            return judge(map_fd, "BPF_MAP_CREATE of BPF_MAP_TYPE_PROG_ARRAY", context.can_create_map)
        try:
            return try_program(name, lambda: load(map_fd), lambda: calls.load_program(_SOCKET_FILTER), wordings)
        finally:
            syscall.close(map_fd)

    return try_it


def _tail_call(map_fd: int) -> bytes:
    return code.load_map(R2, map_fd) + code.mov(R3, 0) + code.call(_TAIL_CALL)


def _load(insns: bytes, program_type: int = _SOCKET_FILTER, **fields: int | bytes) -> tuple[int, str]:
    """A program without a log, then again with one if it was refused."""
    result = calls.load_program(program_type, insns, **fields)
    return (result, "") if result >= 0 else calls.load_logged(program_type, insns, **fields)


def _load_two(insns: bytes, second: int, linkage: int = 0) -> tuple[int, str]:
    """A program of two functions with BTF, the second from instruction `second` on, static or global (1)."""
    proto = btf.record(0, 13, 1, 3, 1, vlen=1)  # int (int a)
    btf_fd = calls.load_btf(btf.blob(proto, btf.record(3, 12, 2), btf.record(5, 12, 2, vlen=linkage)))
    if btf_fd < 0:
        return btf_fd, ""
    info = calls.buffer(struct.pack("=4I", 0, 3, second, 4))  # insn_off and type_id of struct bpf_func_info
    fields = {"prog_btf_fd": btf_fd, "func_info_rec_size": 8, "func_info": calls.address(info), "func_info_cnt": 2}
    try:
        return _load(insns, **fields)
    finally:
        syscall.close(btf_fd)


def _global_function(name: str) -> Outcome:
    """A program whose BTF says that its second function is global; the control's is static."""
    insns = code.mov(R1, 1) + code.bpf_call(1) + code.exit_() + _END
    # BPF_BTF_LOAD refuses the linkage with EINVAL before 5.6.
    return try_program(name, lambda: _load_two(insns, 3, 1), lambda: _load_two(insns, 3)[0], (), silent=(_EINVAL,))


def _field(special: bytes, size: int, tag: bytes = b"") -> Trial:
    """A value with a field that the kernel treats by its name (a lock, a timer) or its tag (a kptr).

    A kernel that recognises the field refuses a map that programs may only read (EACCES), or an incomplete description
    (EINVAL); one that does not takes it for plain data, as either takes the same BTF under another name.
    """

    def create(word: bytes) -> int:
        structure, tagged = (tag, word) if tag else (word, b"-")
        strings = b"\0i\0" + structure + b"\0" + tagged + b"\0f\0h\0"
        name = 3 + len(structure) + 1
        field = name + len(tagged) + 1
        # Type 2 is an array of integers, 3 the structure of it, 4 a tag of that and 5 a pointer to the tag.
        types = btf.record(1, 1, 4, 1 << 24 | 32) + btf.record(0, 3, 0, 1, 1, size // 4)
        types += btf.record(3, 4, size, field, 2, 0, vlen=1)
        if tag:
            types += btf.record(name, 18, 3) + btf.record(0, 2, 4)
        member, last, whole = (5, 6, 8) if tag else (3, 4, size)
        types += btf.record(field + 2, 4, whole, field, member, 0, vlen=1)
        btf_fd = calls.load_btf(calls.btf(types, strings))
        if btf_fd < 0:
            return btf_fd
        try:
            return calls.create_map(
                uapi.BPF_MAP_TYPE_ARRAY,
                4,
                whole,
                1,
                uapi.BPF_F_RDONLY_PROG,
                btf_fd=btf_fd,
                btf_key_type_id=1,
                btf_value_type_id=last,
            )
        finally:
            syscall.close(btf_fd)

    def try_it(name: str) -> Outcome:
        call = f"BPF_MAP_CREATE of a value with {special.decode()}"
        plain = judge(create(b"x" + special[1:]), "BPF_MAP_CREATE of the same by another name", context.can_create_map)
        if plain.status != SUPPORTED:
            # Tags are older than what is made of them; BPF_F_RDONLY_PROG is not older than every field.
            decided = plain.status == DENIED or (plain.status == ABSENT and tag)
            return plain if decided else Outcome(UNKNOWN, plain.text, plain.errno)
        result = create(special)
        if result in (-_EACCES, -_EINVAL):
            return Outcome(SUPPORTED, f"{call} answered {calls.spell(result)}, while {plain.text}", -result)
        if calls.closing(result) >= 0:
            if not context.capable():
                return Outcome(DENIED, f"{call} was taken for plain data, and this process has no CAP_BPF")
            return Outcome(ABSENT, f"{call} was taken for plain data")
        return judge(result, call, context.can_create_map, absent=())

    return try_it


def _first(*trials: Trial) -> Trial:
    """The first that succeeds, or the last."""

    def try_it(name: str) -> Outcome | None:
        outcome = None
        for attempt in trials:
            outcome = attempt(name)
            if outcome is not None and outcome.status == SUPPORTED:
                break
        return outcome

    return try_it


# The kfuncs of exceptions and of the first open-coded iterator; their BTF ids are searched for together.
_KFUNCS = ("bpf_throw", "bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy")


def _with_kfuncs(make: Callable[[dict[str, int]], bytes], first: str, program_type: int, flag: int = 0) -> Trial:
    """A program that calls kfuncs; the ability is absent without the first of them."""

    def try_it(name: str) -> Outcome:
        from ebpf.probe import kernel_btf

        if kernel_btf.vmlinux() is None:
            return Outcome(UNKNOWN, f"without this kernel's BTF {first} has no id to call it by")
        ids = kernel_btf.ids(_KFUNCS)
        if first not in ids:
            return Outcome(ABSENT, f"the kernel's BTF has no function {first}, which {name} are made of")
        fields = {"prog_flags": flag} if flag else {}

        def control() -> int:
            return calls.load_program(program_type, calls.RETURN_0, **fields)

        return try_program(name, lambda: _load(make(ids), program_type, **fields), control, ("is not allowed",))

    return try_it


def _iteration(ids: dict[str, int]) -> bytes:
    """Make an iterator over numbers on the stack, take one, put it away."""
    here = code.mov_reg(R1, R10) + code.add(R1, -8)
    return (
        here
        + code.mov(R2, 0)
        + code.mov(R3, 3)
        + code.kfunc_call(ids["bpf_iter_num_new"])
        + here
        + code.kfunc_call(ids["bpf_iter_num_next"])
        + here
        + code.kfunc_call(ids["bpf_iter_num_destroy"])
        + _END
    )


def _same_as(module: object, other: str) -> Trial:
    def try_it(name: str) -> Outcome | None:
        outcome: Outcome | None = module.trial(other)  # type: ignore[attr-defined]  # each trial module has it
        return outcome

    return try_it


# r2 = data, r3 = data_end, at their offsets in struct __sk_buff; 14 bytes are checked, then one is used.
_PACKET = (
    code.load(W, R2, R1, 76)
    + code.load(W, R3, R1, 80)
    + code.mov_reg(R4, R2)
    + code.add(R4, 14)
    + code.jump_reg(code.JGT, R4, R3, 1)
)
_NO_PACKET = ("invalid bpf_context access", "invalid mem access", "R2 invalid mem access")

TABLE: dict[str, Trial] = {
    "bounded_loops": _program(
        code.mov(R1, 0) + code.add(R1, 1) + code.jump(code.JLT, R1, 10, -2) + _END,
        code.mov(R1, 0) + code.add(R1, 1) + code.jump(code.JLT, R1, 10, 0) + _END,
        "back-edge from insn",
        "invalid BPF_JMP opcode",
    ),
    # 4,097 instructions: EINVAL up to 4.13, E2BIG up to 5.1, without a word.
    "instruction_limit_1m": _program(code.mov(R0, 0) * 4096 + code.exit_(), silent=(_E2BIG, _EINVAL)),
    "bpf_to_bpf_calls": _same_as(instructions, "BPF_PSEUDO_CALL"),
    "global_functions": _global_function,
    "sleepable_programs": _same_as(flags, "BPF_F_SLEEPABLE"),
    "tail_calls": _with_tail_call(lambda fd: _load(_tail_call(fd) + _END), "invalid func", "unknown func"),
    # The other function, which gets the context, does the tail call.
    "tail_calls_with_bpf_to_bpf_calls": _with_tail_call(
        lambda fd: _load_two(code.mov_reg(R6, R1) + code.bpf_call(1) + code.exit_() + _tail_call(fd) + _END, 3),
        "tail_calls are not allowed in programs with bpf-to-bpf calls",
        "tail_calls are not allowed in non-JITed programs with bpf-to-bpf calls",
        "mixing of tail_calls and bpf-to-bpf calls is not supported",
        "uses reserved fields",
    ),
    "direct_packet_access": _program(
        _PACKET + code.load(B, R0, R2, 0) + _END, calls.RETURN_0, *_NO_PACKET, program_type=_SCHED_CLS
    ),
    "direct_packet_write": _program(
        _PACKET + code.store_imm(B, R2, 0, 0) + _END,
        _PACKET + code.load(B, R0, R2, 0) + _END,
        "cannot write into packet",
        *_NO_PACKET,
        program_type=_SCHED_CLS,
    ),
    "may_goto": _same_as(instructions, "may_goto"),
    "arenas": _same_as(maps, "BPF_MAP_TYPE_ARENA"),
    "exceptions": _with_kfuncs(
        lambda ids: code.mov(R1, 0) + code.kfunc_call(ids["bpf_throw"]) + _END,
        "bpf_throw",
        uapi.BPF_PROG_TYPE_SYSCALL,
        uapi.BPF_F_SLEEPABLE,
    ),
    "open_coded_iterators": _with_kfuncs(_iteration, "bpf_iter_num_new", _SOCKET_FILTER),
    "dynptrs": _helper(197),  # bpf_dynptr_from_mem
    "callbacks": _same_as(instructions, "BPF_PSEUDO_FUNC"),
    "for_each_map_elem": _helper(164),
    "kfunc_calls": _same_as(instructions, "BPF_PSEUDO_KFUNC_CALL"),
    "spin_locks": _field(b"bpf_spin_lock", 4),
    "timers": _field(b"bpf_timer", 16),
    # The plain kptr, of a structure early in vmlinux BTF. Its tag was "kptr" before "kptr_untrusted".
    "kptrs": _first(_field(b"kptr_untrusted", 16, tag=b"list_head"), _field(b"kptr", 16, tag=b"list_head")),
    "linked_lists": _field(b"bpf_list_head", 16),
    "rbtrees": _field(b"bpf_rb_root", 16),
    "workqueues": _field(b"bpf_wq", 16),
    "resilient_spin_locks": _field(b"bpf_res_spin_lock", 4),
    "task_work": _field(b"bpf_task_work", 8),
}


def trial(name: str, program_type: str | None = None) -> Outcome | None:
    """Whether the verifier has an ability; `None` for a name without a trial."""
    row = TABLE.get(name)
    return None if row is None else row(name)
