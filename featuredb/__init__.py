"""What each Linux kernel release can do with eBPF: features, releases, distributions.

Stands on its own: nothing here imports ``ebpf``. Loading is lazy, one kind of feature at a time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from featuredb import kconfig, sections
    from featuredb.kernels import Platform, Presence, Release, UnknownPlatform, platform, platforms, releases
    from featuredb.model import Feature, Relation, Statement
    from featuredb.query import UnknownName, closest, features, get, kind_of, kinds, names
    from featuredb.version import version_key

__all__ = [
    "Feature",
    "Platform",
    "Presence",
    "Relation",
    "Release",
    "Statement",
    "UnknownName",
    "UnknownPlatform",
    "closest",
    "features",
    "get",
    "kconfig",
    "kind_of",
    "kinds",
    "names",
    "platform",
    "platforms",
    "releases",
    "sections",
    "version_key",
]

_HOMES = {
    **dict.fromkeys(("Feature", "Relation", "Statement"), "model"),
    **dict.fromkeys(("UnknownName", "closest", "features", "get", "kind_of", "kinds", "names"), "query"),
    **dict.fromkeys(
        ("Platform", "Presence", "Release", "UnknownPlatform", "platform", "platforms", "releases"), "kernels"
    ),
    "version_key": "version",
}


def __getattr__(name: str) -> object:
    if name in ("kconfig", "sections"):
        return getattr(__import__(f"featuredb.{name}"), name)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'featuredb' has no attribute {name!r}")
    # Not importlib.import_module(), whose own import costs more than a look-up.
    module = getattr(__import__(f"featuredb.{home}"), home)
    thing: object = getattr(module, name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted(__all__)
