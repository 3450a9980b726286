"""What the library does instead where the kernel lacks something: the one table of it.

An older kernel can often do the same with more work. Where the library does that work, there is a row here: the feature
that is missing, what is done instead, what is lost by it. The object shows the row in ``.adaptations``; made with
``adapt=False`` it raises `UnsupportedFeatureError` instead. docs/adaptations.md is generated from this table by
``python -m ebpf.core.adaptation docs/adaptations.md``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.core.fd import Descriptor
    from ebpf.errors import EbpfError

__all__ = ["ADAPTATIONS", "Adaptation", "adapt", "document", "refused"]


class Adaptation:
    """One row: ``name``, ``feature`` (what is missing), ``instead`` (what is done), ``lost`` (what that costs)."""

    __slots__ = ("feature", "instead", "lost", "name")

    name: str
    feature: str
    instead: str
    lost: str

    def __init__(self, name: str, feature: str, instead: str, lost: str) -> None:
        for field, text in (("name", name), ("feature", feature), ("instead", instead), ("lost", lost)):
            object.__setattr__(self, field, text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Adaptation does not change: {name}")

    def __str__(self) -> str:
        return f"without {self.feature}: {self.instead}; {self.lost}"

    def __repr__(self) -> str:
        return f"<Adaptation {self.name}: {self}>"


# name, the feature of the database that is missing, what is done instead, what is lost.
_ROWS = (
    (
        "unnamed",
        "map_names",
        "the map is created without its name",
        "the name is known to this process only",
    ),
    (
        "untyped",
        "bpf_attr.map_type.btf_fd",
        "the map is created without BTF",
        "bpftool, and whoever opens the map by its id, do not see the types of key and value",
    ),
    (
        "ring_buffer",
        "BPF_MAP_TYPE_RINGBUF",
        "v2.event_buffer() makes a perf buffer, a ring for each CPU; programs send with bpf_perf_event_output",
        "the order of events of different CPUs, and room: each CPU has its own part",
    ),
    (
        "memlock",
        "memcg_accounting",
        "RLIMIT_MEMLOCK is raised and the call made again, after the kernel has refused it with EPERM",
        "the limit of this process stays raised",
    ),
    (
        "batch",
        "map_batch_operations",
        "elements are read, written and deleted with one call each",
        "time, and one point in time: others may change the map between the calls",
    ),
    (
        "lookup_and_delete",
        "lookup_and_delete_hash",
        "the entry is looked up, then deleted; who deletes it has taken it, so that no two take the same one. Queues"
        " and stacks, where nothing can be deleted, are refused",
        "what others write to the entry between the two calls",
    ),
    (
        "first_key",
        "get_next_key_null",
        "a walk over the keys starts from a key that the map does not have",
        "one lookup for each key that is tried",
    ),
    (
        "mmap",
        "map_mmap",
        "the map is created without BPF_F_MMAPABLE; elements are read and written by calls",
        "a view of the memory: mmap() is refused",
    ),
    (
        "info",
        "BPF_OBJ_GET_INFO_BY_FD",
        "what a map is comes from /proc/self/fdinfo, and from what it was created with",
        "id, name and BTF of a map that was opened by its path",
    ),
    (
        "no_btf",
        "BPF_BTF_LOAD",
        "keys and values of an opened map are bytes: the kernel holds no description of them",
        "types; give key= and value= to have them",
    ),
    (
        "unnamed_program",
        "program_names",
        "the program is loaded without its name",
        "the name is known to this process only",
    ),
    (
        "attach_type",
        "expected_attach_type",
        "the program is loaded without saying how it is to be attached, where its section's name allows that",
        "nothing: such kernels do not ask",
    ),
    (
        "program_btf",
        "line_info",
        "the program is loaded without its BTF, types of functions and source lines",
        "source lines in the verifier's log and in bpftool; programs that extend or trace this one",
    ),
    (
        "perf_ioctl",
        "perf_links",
        "the program is attached to its perf event by an ioctl",
        "a bpf_link: the attachment cannot be pinned, listed or updated, and has no cookie",
    ),
    (
        "kprobe_tracefs",
        "perf_kprobe_pmu",
        "the kprobe is defined in tracefs' kprobe_events, and taken out of it at the end",
        "a process that is killed leaves the definition behind",
    ),
    (
        "uprobe_tracefs",
        "perf_uprobe_pmu",
        "the uprobe is defined in tracefs' uprobe_events, and taken out of it at the end",
        "a process that is killed leaves the definition behind",
    ),
    (
        "kprobe_each",
        "kprobe_multi",
        "a kprobe is made for each function",
        "time to attach, and one link for all",
    ),
    (
        "uprobe_each",
        "uprobe_multi",
        "a uprobe is made for each place",
        "time to attach, and one link for all",
    ),
    (
        "prog_attach",
        "BPF_LINK_TYPE_CGROUP",
        "the program is attached to the cgroup by BPF_PROG_ATTACH, and detached at the end",
        "a process that is killed leaves it attached; it cannot be pinned, listed or updated",
    ),
    (
        "cgroup_alone",
        "BPF_F_ALLOW_MULTI",
        "the program is attached as the only one of its cgroup and attach type",
        "other programs there, and below: they are refused",
    ),
    (
        "netns_attach",
        "BPF_LINK_TYPE_NETNS",
        "the program is attached to this process's network namespace by BPF_PROG_ATTACH, and detached at the end",
        "a process that is killed leaves it attached; other namespaces",
    ),
    (
        "sockmap_attach",
        "BPF_LINK_TYPE_SOCKMAP",
        "the program is attached to the map by BPF_PROG_ATTACH, and detached at the end",
        "it cannot be pinned, listed or updated",
    ),
    (
        "xdp_netlink",
        "BPF_LINK_TYPE_XDP",
        "the program is put on the interface by netlink, and taken off at the end",
        "a process that is killed leaves it there, and others may replace it",
    ),
    (
        "tcx_netlink",
        "tcx",
        "the program becomes a direct-action filter of a clsact qdisc, by netlink",
        "a process that is killed leaves it there; its place among other programs is the filter's priority",
    ),
    (
        "struct_ops_update",
        "struct_ops_links",
        "the structure is registered by writing it into its map, and taken out of it at the end",
        "a bpf_link: it cannot be pinned on its own or updated",
    ),
    (
        "sanitised_btf",
        "btf_kind_enum64",
        "what the kernel does not know in an object's BTF (functions, sections of variables, floating point, tags,"
        " enumerations of 64 bits) becomes something of the same size that it knows",
        "those types in bpftool and in what programs and maps are described by",
    ),
    (
        "probe_read",
        "bpf_probe_read_kernel",
        "the program is loaded again with bpf_probe_read() and bpf_probe_read_str() in place of their successors for"
        " the kernel's and the user's memory",
        "on machines where both have the same addresses (s390x, sparc64), which of the two is read",
    ),
)

ADAPTATIONS: dict[str, Adaptation] = {row[0]: Adaptation(*row) for row in _ROWS}
"""Every adaptation by its name."""


def adapt(thing: Descriptor, name: str) -> None:
    """Note that `thing` does without: it appears in ``thing.adaptations``.

    Call it before the work is done another way. Raises `UnsupportedFeatureError` (`PermissionDeniedError` where the
    feature is denied rather than absent) when the object was made with ``adapt=False``.
    """
    row = ADAPTATIONS[name]
    if not thing.adapt:
        raise refused(row)
    if row not in thing.adaptations:
        thing.adaptations = (*thing.adaptations, row)


def refused(row: Adaptation, because: str = "") -> EbpfError:
    """The error of an object that may not do what `row` says instead.

    Parameters:
        because: why this cannot be done, where it is not for ``adapt=False``.
    """
    from ebpf.errors import UnsupportedFeatureError
    from ebpf.kernel import running

    verdict = running().check(row.feature)
    reason = because or f"adapt=False refuses what would be done instead: {row.instead}"
    if verdict:
        return UnsupportedFeatureError(f"{row.feature} works here, but not for this object: {reason}.", verdict)
    return UnsupportedFeatureError(f"{verdict.explain()} {reason}.", verdict)


def document() -> str:
    """docs/adaptations.md."""
    import featuredb

    lines = [
        "<!-- Generated by `python -m ebpf.core.adaptation docs/adaptations.md`; edit ebpf/core/adaptation.py. -->",
        "",
        "# What is done where the kernel lacks something",
        "",
        "Where an older kernel can do the same with more work, the library does that work. Each such adaptation is a",
        "row here, and an `Adaptation` (`name`, `feature`, `instead`, `lost`) in the `.adaptations` of the object that",
        "needed it. Nothing is probed in front: an adaptation follows a call that the kernel has refused. An object",
        "made with `adapt=False` raises `UnsupportedFeatureError` in its place.",
        "",
        "| name | missing | since | done instead | lost |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in ADAPTATIONS.values():
        since = featuredb.get(row.feature).statements[0].since
        lines.append(f"| `{row.name}` | `{row.feature}` | {since} | {row.instead} | {row.lost} |")
    return "\n".join(lines) + "\n"


def _main() -> None:
    import sys

    from ebpf.core import adaptation

    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(adaptation.document())


if __name__ == "__main__":
    _main()
