"""Build options and the releases that know them: only where an option exists does "not set" mean switched off."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["former_name", "known"]

_OPTIONS: dict[str, dict[str, Any]] = {}


def known(option: str, version: str) -> bool | None:
    """Whether a release's Kconfig has an option.

    Args:
        option: ``"CONFIG_BPF_LSM"``.
        version: a mainline release, ``"5.4"``; for a distribution's kernel its `Platform.base`.

    Returns:
        `None` when the option, or its beginning, is not on record.
    """
    from featuredb import version_key

    row = _row(option)
    if row is None:
        return None
    asked = version_key(version)[:2]
    if asked >= version_key(row["since"]):
        return not (row.get("until") and asked >= version_key(row["until"]))
    return None if row.get("confidence") == "lower bound" else False


def former_name(option: str) -> str | None:
    """What an option was called before its `since`; `None` when it is not known to have been renamed.

    Args:
        option: ``"CONFIG_KPROBE_EVENTS"``, which was ``"CONFIG_KPROBE_EVENT"`` up to 4.10.
    """
    row = _row(option)
    return None if row is None else row.get("former_name")


def _row(option: str) -> dict[str, Any] | None:
    if not _OPTIONS:
        from featuredb import tables

        _OPTIONS.update((row["name"], row) for row in tables.rows("kconfig_options"))
    return _OPTIONS.get(option)
