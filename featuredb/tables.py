"""Reading the compiled tables that hold no features: releases, platforms, build options."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["rows"]

_READ: dict[str, tuple[dict[str, Any], ...]] = {}


def rows(name: str) -> tuple[dict[str, Any], ...]:
    """The rows of a table, each a dict of the keys it has.

    Args:
        name: the file under ``featuredb/data`` without its suffix: ``"releases"``, ``"kconfig_options"`` ...
    """
    found = _READ.get(name)
    if found is None:
        from importlib import import_module

        module = import_module("featuredb._compiled." + name)
        found = _READ[name] = tuple(
            {key: value for key, value in zip(module.FIELDS, row) if value is not None} for row in module.ROWS
        )
    return found
