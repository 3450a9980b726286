"""Build options as boolean expressions: ``CONFIG_NET && (CONFIG_INET || !CONFIG_X)``, evaluated with what is known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Get = Callable[[str], "str | None"]

__all__ = ["evaluate", "options", "tokens"]


def evaluate(expression: str, get: Get) -> bool | None:
    """Whether an expression holds: true, false, or ``None`` when what is known does not decide.

    Parameters:
        expression: options joined by ``&&``, ``||``, ``!`` and parentheses; ``"none"`` and ``""`` hold always,
            ``"unknown"`` never decides.
        get: the value of an option: ``"y"``, ``"m"`` (both true), ``"n"``, or ``None`` when not known.

    Raises `ValueError` for an expression that cannot be read.
    """
    if expression in ("none", ""):
        return True
    if expression == "unknown":
        return None
    parser = _Parser(expression, get)
    value = parser.either()
    if parser.next is not None:
        raise ValueError(f"{expression!r}: {parser.next!r} is out of place")
    return value


def options(expression: str) -> list[str]:
    """The options an expression names."""
    if expression in ("none", "", "unknown"):
        return []
    return [token for token in tokens(expression) if token.startswith("CONFIG_")]


def tokens(expression: str) -> Iterator[str]:
    """The parts of an expression, as written."""
    text = expression
    while text := text.lstrip():
        for sign in ("&&", "||", "!", "(", ")"):
            if text.startswith(sign):
                yield sign
                text = text[len(sign) :]
                break
        else:
            end = 0
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            if not text.startswith("CONFIG_") or end <= len("CONFIG_"):
                raise ValueError(f"{expression!r}: {text.split()[0]!r} is neither an option (CONFIG_X) nor a sign")
            yield text[:end]
            text = text[end:]


class _Parser:
    def __init__(self, expression: str, get: Get) -> None:
        self._expression = expression
        self._tokens = tokens(expression)
        self._get = get
        self.next = next(self._tokens, None)

    def _take(self) -> str | None:
        token, self.next = self.next, next(self._tokens, None)
        return token

    def either(self) -> bool | None:
        value = self.both()
        while self.next == "||":
            self._take()
            other = self.both()
            value = True if value or other else (None if value is None or other is None else False)
        return value

    def both(self) -> bool | None:
        value = self.one()
        while self.next == "&&":
            self._take()
            other = self.one()
            value = False if value is False or other is False else (None if value is None or other is None else True)
        return value

    def one(self) -> bool | None:
        token = self._take()
        if token == "!":
            value = self.one()
            return None if value is None else not value
        if token == "(":
            value = self.either()
            if self._take() != ")":
                raise ValueError(f"{self._expression!r}: a parenthesis is not closed")
            return value
        if token is None or not token.startswith("CONFIG_"):
            raise ValueError(f"{self._expression!r}: an option is missing")
        state = self._get(token)
        return None if state is None else state != "n"
