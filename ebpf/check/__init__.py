"""What an object file needs of a kernel, and where it runs: offline, without privileges, on any machine.

::

    found = ebpf.check.requirements("execsnoop.bpf.o")
    found.minimum_kernel                     # "5.8"
    found.forced_by                          # what 5.7 lacks
    found.against("rhel8.6")                 # [] when it runs there; otherwise Finding by Finding
    found.check("4.18").status               # "yes", "adapted", "no", "undecided"

Whatever it says comes from `featuredb` and from the same reading of objects that loads them. The verifier's own
judgement of a program it does not know.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.check.answers import Requirements
    from ebpf.check.model import Answer, Finding, Note, Place, Requirement
    from ebpf.check.read import requirements
    from ebpf.check.target import Target

__all__ = ["Answer", "Finding", "Note", "Place", "Requirement", "Requirements", "Target", "requirements"]

_HOMES = {
    **dict.fromkeys(("Answer", "Finding", "Note", "Place", "Requirement"), "model"),
    "Requirements": "answers",
    "Target": "target",
    "requirements": "read",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ebpf.check' has no attribute {name!r}")
    module = getattr(__import__(f"ebpf.check.{home}").check, home)
    thing: object = getattr(module, name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted(__all__)
