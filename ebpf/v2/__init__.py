"""Version 2 of the library (beta): maps as mappings and sequences, programs, links and objects, typed once.

::

    from ebpf import v2

    with v2.HashMap(key="u32", value="u64", max_entries=1024) as m:
        m[1] = 2
        dict(m.items())     # {1: 2}

Names are loaded when they are first asked for.
"""

from __future__ import annotations

# The public name -> the module of this package that has it.
_HOMES: dict[str, str] = {
    "Program": "program",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ebpf.v2.program import Program

__all__ = ["Program"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'ebpf.v2' has no attribute {name!r}")
    # Not importlib.import_module(), whose own import costs more than a look-up.
    module = getattr(__import__(f"ebpf.v2.{home}").v2, home)
    thing: object = getattr(module, name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted(__all__)
