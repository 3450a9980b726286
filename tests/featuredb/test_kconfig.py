"""Build options are evaluated with three values: true, false, and not known."""

from __future__ import annotations

import pytest

from featuredb import kconfig

KNOWN = {"CONFIG_Y": "y", "CONFIG_M": "m", "CONFIG_N": "n"}  # CONFIG_U is not known


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("none", True),
        ("", True),
        ("unknown", None),
        ("CONFIG_Y", True),
        ("CONFIG_M", True),
        ("CONFIG_N", False),
        ("CONFIG_U", None),
        ("!CONFIG_Y", False),
        ("!CONFIG_N", True),
        ("!CONFIG_U", None),
        ("!!CONFIG_Y", True),
        # Kleene's tables: what is known decides alone where it can.
        ("CONFIG_Y && CONFIG_M", True),
        ("CONFIG_Y && CONFIG_N", False),
        ("CONFIG_Y && CONFIG_U", None),
        ("CONFIG_U && CONFIG_Y", None),
        ("CONFIG_N && CONFIG_U", False),
        ("CONFIG_U && CONFIG_N", False),
        ("CONFIG_N || CONFIG_Y", True),
        ("CONFIG_N || CONFIG_N", False),
        ("CONFIG_Y || CONFIG_U", True),
        ("CONFIG_U || CONFIG_Y", True),
        ("CONFIG_N || CONFIG_U", None),
        ("CONFIG_U || CONFIG_N", None),
        ("CONFIG_U || CONFIG_U", None),
        ("CONFIG_U && !CONFIG_U", None),
        # && binds tighter than ||, parentheses tighter than both.
        ("CONFIG_Y || CONFIG_N && CONFIG_N", True),
        ("(CONFIG_Y || CONFIG_N) && CONFIG_N", False),
        ("CONFIG_N && CONFIG_N || CONFIG_Y", True),
        ("!(CONFIG_N || CONFIG_Y)", False),
        ("CONFIG_Y && (CONFIG_N || (CONFIG_M && !CONFIG_N))", True),
        ("CONFIG_Y&&CONFIG_M", True),
        ("  CONFIG_Y  ", True),
    ],
)
def test_evaluate(expression: str, value: bool | None) -> None:
    assert kconfig.evaluate(expression, KNOWN.get) is value


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("CONFIG_Y &&", "an option is missing"),
        ("&& CONFIG_Y", "an option is missing"),
        ("CONFIG_Y || || CONFIG_Y", "an option is missing"),
        ("!", "an option is missing"),
        ("()", "an option is missing"),
        ("(CONFIG_Y", "not closed"),
        ("CONFIG_Y)", "out of place"),
        ("CONFIG_Y CONFIG_M", "out of place"),
        ("NET", "neither an option"),
        ("CONFIG_", "neither an option"),
        ("CONFIG_Y & CONFIG_M", "neither an option"),
        ("CONFIG_Y=y", "neither an option"),
        ("none && CONFIG_Y", "neither an option"),
    ],
)
def test_what_cannot_be_read_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        kconfig.evaluate(expression, KNOWN.get)


def test_a_decided_expression_is_still_read_to_its_end() -> None:
    with pytest.raises(ValueError, match="an option is missing"):
        kconfig.evaluate("CONFIG_N && (CONFIG_Y ||)", KNOWN.get)


def test_options() -> None:
    assert kconfig.options("CONFIG_A && (CONFIG_B || !CONFIG_A)") == ["CONFIG_A", "CONFIG_B", "CONFIG_A"]
    assert [kconfig.options(nothing) for nothing in ("none", "", "unknown")] == [[], [], []]
