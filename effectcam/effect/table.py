"""One table of an ``effect.toml``: every value checked as it is taken, every leftover refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from effectcam.errors import PackageError, nearest

_WIDEST = 1000.0
"""Of a tensor's range: students use 1, 2 or 255."""


class Table:
    """Values by key. ``path`` leads to it in messages: file, then the table's own name."""

    def __init__(self, values: Mapping[str, Any], file: str, path: str = "") -> None:
        self._values = values
        self._file = file
        self._path = path
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Asking makes ``key`` a known one."""
        self._known.add(key)
        return key in self._values

    def names(self) -> list[str]:
        return list(self._values)

    def where(self, key: str) -> str:
        """The place of ``key`` for a message, such as ``toon/effect.toml: crop.margin``."""
        printable = key if key.isprintable() else repr(key)
        return f"{self._file}: {self._path}{printable}"

    def take(self, key: str, default: Any = None) -> Any:
        """The raw value. From now on ``key`` is a known one."""
        self._known.add(key)
        return self._values.get(key, default)

    def refuse_unknown(self, reason: str = "") -> None:
        """PackageError when a key is left that nobody took: most likely it is misspelt."""
        for key in self._values:
            if key not in self._known:
                note = f" ({reason})" if reason else ""
                raise PackageError(f"{self.where(key)} is not a known key{note}; {nearest(key, self._known)}")

    def table(self, key: str, *, need: bool = False) -> Table:
        """The table under ``key``, an empty one when it is absent and not needed."""
        values = self.take(key)
        if values is None and not need:
            values = {}
        if not isinstance(values, dict):
            self._refuse(key, values, "a table")
        return Table(values, self._file, f"{self._path}{key}.")

    def text(self, key: str, *, most: int) -> str:
        """One line of printable text, 1 to ``most`` characters."""
        value = self.take(key)
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            self._refuse(key, value, f"a text of 1 to {most} characters")
        # Titles are printed in terminals, where control characters are commands.
        if any(unicodedata.category(character).startswith(("C", "Zl", "Zp")) for character in value):
            self._refuse(key, value, "one line of printable characters")
        return value

    def match(self, key: str, pattern: re.Pattern[str], rule: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self._refuse(key, value, rule)
        return value

    def word(self, key: str, words: Sequence[str], *, default: str | None = None) -> str:
        """One of ``words``."""
        value = self.take(key, default)
        if not isinstance(value, str) or value not in words:
            if isinstance(value, str):
                raise PackageError(f"{self.where(key)} is {_shown(value)}; {nearest(value, words)}")
            self._refuse(key, value, "one of " + ", ".join(repr(word) for word in words))
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def number(self, key: str, low: float, high: float, *, default: float | None = None) -> float:
        """A number from ``low`` to ``high``, both included."""
        value = self.take(key, default)
        if not _is_number(value) or not low <= value <= high:
            self._refuse(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def pair(
        self, key: str, low: float, high: float, *, default: tuple[float, float] | None = None
    ) -> tuple[float, float]:
        """Two numbers from ``low`` to ``high``."""
        value = self.take(key, default)
        if not _is_pair(value) or not all(low <= each <= high for each in value):
            self._refuse(key, value, f"two numbers from {low:g} to {high:g} in brackets")
        return float(value[0]), float(value[1])

    def rising(self, key: str, *, default: tuple[float, float]) -> tuple[float, float]:
        """[low, high] with low below high."""
        low, high = self.pair(key, -_WIDEST, _WIDEST, default=default)
        if low >= high:
            self._refuse(key, [low, high], "[low, high] with low below high")
        return low, high

    def _refuse(self, key: str, value: Any, rule: str) -> NoReturn:
        if value is None:
            raise PackageError(f"{self.where(key)} is missing; give {rule}")
        raise PackageError(f"{self.where(key)} is {_shown(value)}; give {rule}")


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
        return "beyond printing"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_number(each) for each in value)
