"""Marks for public names: what may be relied on.

* ``stable``: never moves nor changes; a committed snapshot of its whole surface fails the tests on any change.
* ``beta``: meant to stay, may still change with a note in the changelog.
* ``alpha``: an experiment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar

    T = TypeVar("T", bound=Any)

__all__ = ["alpha", "beta", "stability", "stable"]

_ATTRIBUTE = "__ebpf_stability__"


def _mark(level: str) -> Callable[[T], T]:
    def apply(thing: T) -> T:
        setattr(thing, _ATTRIBUTE, level)
        return thing

    return apply


stable = _mark("stable")
"""Marks a class or function as stable."""
beta = _mark("beta")
"""Marks a class or function as beta."""
alpha = _mark("alpha")
"""Marks a class or function as alpha."""


def stability(thing: object) -> str | None:
    """``"stable"``, ``"beta"`` or ``"alpha"``; ``None`` for what carries no mark of its own."""
    own = getattr(thing, "__dict__", {})
    level = own.get(_ATTRIBUTE)
    return level if isinstance(level, str) else None
